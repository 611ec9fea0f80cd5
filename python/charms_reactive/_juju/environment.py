"""Where a hook is: charmhelpers' hookenv, imported for little, the charm directory and the hook's name."""

from __future__ import annotations

import os
import sys
import types

from charms_reactive._errors import CharmDirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

__all__ = [
    "RESTRICTED_HOOKS",
    "action_name",
    "charm_dir",
    "hook_name",
    "hookenv",
    "is_mock",
    "is_own",
    "pass_through_cmdline",
    "relative_path",
    "tell_hookenv",
]


def loose_version(text: Optional[str] = None) -> Any:
    """distutils' ``LooseVersion`` for ``hookenv``, which needs it only to compare Juju's version.

    The original went with Python 3.12, and importing its last refuge loads all of setuptools, which cost
    every hook more than everything else that it imports. Few hooks compare, and these import ours.
    """
    from charms_reactive_start._stand_ins import LooseVersion

    return LooseVersion(text)


def _import_hookenv() -> Any:
    """charmhelpers' hookenv, without letting its first line import setuptools."""
    if "charmhelpers.core.hookenv" not in sys.modules and "distutils" not in sys.modules:
        package = types.ModuleType("distutils")
        package.__path__ = []
        version = types.ModuleType("distutils.version")
        version.LooseVersion = loose_version  # type: ignore[attr-defined]
        package.version = version  # type: ignore[attr-defined]
        stand_ins: Dict[str, types.ModuleType] = {"distutils": package, "distutils.version": version}
        sys.modules.update(stand_ins)
        try:
            from charmhelpers.core import hookenv
        finally:
            # Whoever wants the real distutils later must not find this one.
            for name in stand_ins:
                sys.modules.pop(name, None)
        return hookenv
    from charmhelpers.core import hookenv

    return hookenv


hookenv = _import_hookenv()


# -- what tests and charms put in the place of charmhelpers -----------------------------------------
def is_own(name: str) -> bool:
    """Whether a function of hookenv is charmhelpers' own, and not what a charm or a test has put there."""
    function: Any = getattr(hookenv, name)
    # A mock makes up whatever it is asked for, and this is no text then.
    return getattr(function, "__module__", None) == "charmhelpers.core.hookenv"


def is_mock(thing: object) -> bool:
    """Whether a test has made something up: modules that are tested beside mocks may name a flag by one."""
    return type(thing).__module__.split(".")[0] in ("mock", "unittest")


def pass_through_cmdline(namespace: Dict[str, Any], kinds: Dict[str, Tuple[str, ...]]) -> None:
    """Hand functions to ``charmhelpers.cli.cmdline``, where a test has put something of its own there.

    Each was a subcommand of charmhelpers in 1.5.x, made by decorators of that object. With a mock in its
    place they became mocks themselves, and suites count on that. Ours are no subcommands of charmhelpers, so
    that the real one is left alone, and not imported.

    Args:
        namespace: of the module whose functions these are.
        kinds: names of functions by the decorator that each had besides ``subcommand()``; empty for none.
    """
    cmdline = getattr(sys.modules.get("charmhelpers.cli"), "cmdline", None)
    if cmdline is None or type(cmdline).__module__ == "charmhelpers.cli":
        return
    for decorator, names in kinds.items():
        for name in names:
            function = namespace[name]
            if decorator:
                function = getattr(cmdline, decorator)(function)
            namespace[name] = cmdline.subcommand()(function)


# -- where a hook is --------------------------------------------------------------------------------
def charm_dir() -> str:
    """The charm directory.

    Raises:
        CharmDirError: it is not configured or does not exist.
    """
    path = hookenv.charm_dir()
    if not path:
        raise CharmDirError(None)
    if not os.path.isdir(path):
        raise CharmDirError(path)
    return str(path)


def relative_path(path: str) -> str:
    """A path relative to the charm directory, as handler ids have it."""
    base = hookenv.charm_dir()
    if not base:
        return path
    if not isinstance(base, str):
        return os.path.relpath(path, base)  # a mock, which is a path if it is asked to be one
    # Asked for every handler: a plain path is cut, and only what is not so plain needs relpath().
    if type(base) is str and path.startswith(base + "/") and not any(part in path for part in ("//", "/.")):
        return path[len(base) + 1 :]
    return os.path.relpath(path, base)


def action_name() -> Optional[str]:
    """The name of the action being run, or ``None`` in a hook."""
    name = os.environ.get("JUJU_ACTION_NAME") or os.environ.get("JUJU_FUNCTION_NAME")
    if name:
        return name
    # Juju sets one of these; without either the file that was started has to tell.
    path = os.environ.get("JUJU_DISPATCH_PATH") or ("" if os.environ.get("JUJU_HOOK_NAME") else sys.argv[0])
    directory, _, base = path.rpartition("/")
    return base if directory.rpartition("/")[2] == "actions" and base else None


def hook_name() -> str:
    """The hook's name, empty in an action, whatever the action is called.

    It is what ``hookenv.hook_name`` says where a test has put its own in that place; else
    ``JUJU_HOOK_NAME``, the end of ``JUJU_DISPATCH_PATH``, or of ``argv[0]``.
    """
    if not is_own("hook_name"):
        name = hookenv.hook_name()
        return os.path.basename(name) if isinstance(name, str) else str(name)
    if action_name() is not None:
        return ""
    return os.path.basename(
        os.environ.get("JUJU_HOOK_NAME") or os.environ.get("JUJU_DISPATCH_PATH") or sys.argv[0]
    )


#: Hooks in which Juju allows little, and which run nothing but the handlers made for them.
RESTRICTED_HOOKS = ("meter-status-changed", "collect-metrics")


def asked(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of hookenv that reads the charm's metadata answers.

    Raises:
        CharmMetadataError: it fails, because ``metadata.yaml`` is not what it should be.
    """
    try:
        return function(*arguments)
    except Exception as error:
        from charms_reactive._errors.rare import CharmMetadataError

        from .charm_metadata import problem_of

        path = os.path.join(hookenv.charm_dir() or "", "metadata.yaml")
        problem = problem_of(path)
        if problem is None:
            raise
        raise CharmMetadataError(path, problem) from error


def endpoint_names() -> List[str]:
    """The names of the charm's endpoints, sorted.

    Raises:
        CharmMetadataError: the metadata are not what they should be.
    """
    names: List[str] = asked(lambda: sorted(map(_text, hookenv.relation_types())))
    return names


def _text(name: object) -> object:
    if isinstance(name, (bool, int, float)):
        raise TypeError("the name of an endpoint is text")
    return name


# -- what hookenv need not ask for ----------------------------------------------------------------
# Where agents on machines keep their programs.
_AGENT_TOOLS = "/var/lib/juju/tools"


def tell_hookenv() -> None:
    """Put before hookenv, when a hook starts, what it would find out for itself in a slower way."""
    if hook_name() not in RESTRICTED_HOOKS:  # these start no endpoints, which is what metadata are for
        _read_metadata()
    version = os.environ.get("JUJU_VERSION")
    if version and not os.path.isdir(_AGENT_TOOLS):
        # hookenv asks the agent's program, which is not there on Kubernetes nor on a simulated unit.
        _remember(hookenv.juju_version, version)


def _remember(function: Any, value: Any) -> None:
    """Put an answer where hookenv keeps those of its functions, unless it has one or keeps them elsewhere."""
    import json

    wrapped = getattr(function, "_wrapped", None)
    if wrapped is not None:
        key = json.dumps((wrapped, (), {}), sort_keys=True, default=str)
        hookenv.cache.setdefault(key, value)


def _read_metadata() -> None:
    """Read the charm's metadata ahead of hookenv, which does so in each hook with PyYAML's slow parser.

    Should anything be wrong with the file, hookenv reads it as ever.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", None)
    if loader is None:
        return
    try:
        with open(os.path.join(hookenv.charm_dir() or "", "metadata.yaml"), "rb") as file:
            _remember(hookenv.metadata, yaml.load(file, Loader=loader))
    except (OSError, ValueError, yaml.YAMLError):
        pass
