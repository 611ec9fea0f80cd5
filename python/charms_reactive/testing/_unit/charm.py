"""What a charm declares of itself: its files read once, for whoever runs or checks it."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import os
import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Union

import yaml

from charms_reactive.testing._running import bootstrap
from charms_reactive.testing.errors import CharmError

#: What runs the framework, in a copy of a charm that was not built yet and has no hooks.
_DISPATCH = """\
#!/usr/bin/env python3
import sys

sys.path.append("lib")

from charms.reactive import main

main()
"""

# Neither part of what a charm is nor small.
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".git", ".tox", ".venv", "venv", ".unit-state.db*")


@dataclass(frozen=True)
class EndpointSpec:
    """One endpoint as the metadata declare it.

    Attributes:
        name: of the endpoint, which hooks and ``relation-ids`` call it by.
        role: ``requires``, ``provides`` or ``peers``.
        interface: the name of the interface.
        subordinate: whether the relation joins only units on one machine (``scope: container``).
    """

    name: str
    role: str
    interface: str
    subordinate: bool = False


class Charm:
    """A charm's directory and its declarations.

    ``metadata.yaml``, ``config.yaml`` and ``actions.yaml`` are read, or ``charmcraft.yaml`` in their
    place.

    Args:
        directory: of the charm, built or not. A charm without ``dispatch`` and without ``hooks/NAME``
            files is taken for one that was not built yet: its hooks call ``charms.reactive.main()``.

    Attributes:
        directory: as a path.
        name: of the charm.
        metadata: all of ``metadata.yaml``.
        endpoints: by name.
        options: of the configuration, by name, each with ``type``, ``default`` and ``description``.
        actions: by name, each with ``params`` among others.
        metrics: the names of those that the charm measures.

    Raises:
        CharmError: the directory holds no charm, or one of the files is not what it should be.
    """

    def __init__(self, directory: Union[str, os.PathLike[str]]) -> None:
        self.directory = Path(directory).resolve()
        whole = self._declared("charmcraft.yaml")
        self.metadata = self._declared("metadata.yaml") or whole
        if "name" not in self.metadata:
            raise CharmError("%s is not a charm: it has no metadata.yaml with a name" % self.directory)
        self.name = str(self.metadata["name"])
        self.endpoints: Dict[str, EndpointSpec] = {}
        for role in ("requires", "provides", "peers"):
            for endpoint, spec in _mapping(self.metadata.get(role), role, "metadata.yaml").items():
                spec = {"interface": spec} if isinstance(spec, str) else spec
                if not isinstance(spec, dict) or not isinstance(endpoint, str):
                    raise CharmError(
                        "metadata.yaml: %s: endpoint %s: a mapping such as {interface: NAME} is needed here, "
                        "below a name that is text" % (role, endpoint)
                    )
                subordinate = spec.get("scope") == "container"
                interface = str(spec.get("interface", ""))
                self.endpoints[endpoint] = EndpointSpec(endpoint, role, interface, subordinate)
        options, file = self._part("config", whole)
        if options and "options" not in options:
            raise CharmError("%s: config has %s, and no 'options' above them" % (file, listed(options)))
        self.options: Dict[str, Dict[str, Any]] = {
            option: _mapping(spec, "option %r" % option, file)
            for option, spec in _mapping(options.get("options"), "options", file).items()
        }
        for option in self.options:
            self._check_option(option, file)
        actions, file = self._part("actions", whole)
        self.actions: Dict[str, Dict[str, Any]] = {
            action: _mapping(spec, "action %r" % action, file)
            for action, spec in actions.items()
            if action != "additionalProperties"
        }
        self.metrics = sorted(self._declared("metrics.yaml").get("metrics") or {})

    def __repr__(self) -> str:
        return "Charm(%r)" % str(self.directory)

    @classmethod
    def of(
        cls,
        directory: Union[str, os.PathLike[str]],
        handlers: Optional[Callable[[], object]] = None,
        *,
        metadata: Optional[Mapping[str, Any]] = None,
        config: Optional[Mapping[str, Any]] = None,
        actions: Optional[Mapping[str, Any]] = None,
        files: Optional[Mapping[str, str]] = None,
    ) -> Charm:
        """Write a charm of which a test needs only a few handlers.

        ::

            def handlers():
                @when("config.set.port")
                def open_it():
                    set_flag("web.open")

            charm = Charm.of(tmp_path, handlers, config={"port": {"type": "int"}})

        Args:
            directory: where the charm is written; made if need be.
            handlers: a function that declares handlers when it is called, which is done anew for each
                hook. It may use what surrounds it. In a process of its own a hook has only its text: it then
                has ``from charms.reactive import *`` and the imports that it makes itself.
            metadata: of ``metadata.yaml``; the name defaults to ``app``. An endpoint may be given as the
                name of its interface: ``{"requires": {"db": "mysql"}}``.
            config: the options of ``config.yaml``, by name. A value that is no mapping is the default
                of an option of its type.
            actions: of ``actions.yaml``.
            files: more files of the charm, by path; common indentation is taken away. One that begins
                with ``#!`` is made executable.
        """
        root = Path(directory)
        root.mkdir(parents=True, exist_ok=True)
        written = {"metadata.yaml": {"name": "app", **_with_interfaces(metadata or {})}}
        if config:
            written["config.yaml"] = {"options": {name: _option(spec) for name, spec in config.items()}}
        if actions:
            written["actions.yaml"] = dict(actions)
        for name, content in written.items():
            (root / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        for name, text in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
            if text.lstrip().startswith("#!"):
                path.chmod(0o755)
        if handlers is not None:
            module = root / "reactive" / "declared_in_test.py"
            module.parent.mkdir(exist_ok=True)
            module.write_text(_module_of(handlers), encoding="utf-8")
        return cls(root)

    def copy_to(self, directory: Path) -> None:
        """Unpack the charm as Juju does for each unit: without what hooks made of it elsewhere.

        The bootstrap of a built charm is replaced in the copy; it would install things on this machine.
        """
        shutil.copytree(self.directory, directory, symlinks=True, ignore=_LEFT_OUT)
        bootstrap.replace_in(directory)
        revision = directory / "revision"
        if not revision.exists():
            revision.write_text("0\n")  # Juju writes one, and charmhelpers' HookData reads it.
        hooks = directory / "hooks"
        built = hooks.is_dir() and any(entry.is_file() for entry in hooks.iterdir())
        if not built and not (directory / "dispatch").exists():
            dispatch = directory / "dispatch"
            dispatch.write_text(_DISPATCH)
            dispatch.chmod(0o755)

    @property
    def bindings(self) -> Tuple[str, ...]:
        """What ``network-get`` answers for: the endpoints and the extra bindings, sorted."""
        return tuple(sorted({*self.endpoints, *(self.metadata.get("extra-bindings") or {})}))

    def default(self, option: str) -> Any:
        """The value of an option that nobody has set; ``None`` if it has no default."""
        return self.options[option].get("default")

    def checked(self, option: str, value: Any) -> Any:
        """A value for an option, of the option's type.

        Raises:
            CharmError: there is no such option, or the value is not of its type.
        """
        if option not in self.options:
            raise CharmError("the charm has no option %r; it has %s" % (option, listed(self.options)))
        kind = self.options[option].get("type", "string")
        good = _fits(value, kind)
        if good is None:
            raise CharmError("option %r has the type %r, which Juju does not know" % (option, kind))
        if not good:
            raise CharmError("option %r is of type %s, which %r is not" % (option, kind, value))
        return value

    def _check_option(self, option: str, file: str) -> None:
        """Refuse a declaration with which Juju would not deploy the charm.

        Raises:
            CharmError: there is no such type, or the default is not of it.
        """
        kind, default = self.options[option].get("type", "string"), self.default(option)
        if isinstance(default, str) and kind in ("int", "float", "boolean"):
            # Juju reads it as what it has to be.
            with contextlib.suppress(yaml.YAMLError):
                default = yaml.safe_load(default)
        good = _fits(default, kind)
        if good is None:
            raise CharmError("%s: option %r has the type %r, which Juju does not know" % (file, option, kind))
        if not good and default is not None:
            raise CharmError(
                "%s: option %r is of type %s, which its default %r is not" % (file, option, kind, default)
            )

    def parameters(self, action: str, given: Mapping[str, Any]) -> Dict[str, Any]:
        """What ``action-get`` answers: the given parameters over the declared defaults.

        Raises:
            CharmError: the charm has no such action, or the action no such parameter.
        """
        if action not in self.actions:
            raise CharmError("the charm has no action %r; it has %s" % (action, listed(self.actions)))
        specs: Dict[str, Any] = self.actions[action].get("params") or {}
        missing = [name for name in self.actions[action].get("required") or () if name not in given]
        if missing:
            raise CharmError("action %r needs the parameter %r" % (action, missing[0]))
        if self.actions[action].get("additionalProperties") is not True:
            for parameter in given:
                if parameter not in specs:
                    raise CharmError(
                        "action %r has no parameter %r; it has %s" % (action, parameter, listed(specs))
                    )
        values = {name: spec["default"] for name, spec in specs.items() if "default" in (spec or {})}
        values.update(given)
        for name, value in values.items():
            problem = _wrong(value, specs.get(name) or {})
            if problem:
                raise CharmError("parameter %r of action %r %s" % (name, action, problem))
        return values

    def _part(self, name: str, whole: Mapping[str, Any]) -> Tuple[Dict[str, Any], str]:
        """What the charm declares in a file of its own or in ``charmcraft.yaml``, and in which of them."""
        own = self._declared(name + ".yaml")
        if own:
            return own, name + ".yaml"
        return _mapping(whole.get(name), name, "charmcraft.yaml"), "charmcraft.yaml"

    def _declared(self, name: str) -> Dict[str, Any]:
        """One of the charm's YAML files; empty if there is none."""
        path = self.directory / name
        if not path.exists():
            return {}
        try:
            declared = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise CharmError("%s is not YAML: %s" % (path, " ".join(str(error).split()))) from error
        except OSError as error:
            raise CharmError("%s cannot be read: %s" % (path, error.strerror)) from error
        if not isinstance(declared, dict):
            raise CharmError("%s is not a mapping" % path)
        return declared


def _mapping(value: Any, what: str, file: str) -> Dict[str, Any]:
    """What stands below a name in one of the charm's files; empty if nothing does.

    Raises:
        CharmError: something else stands there.
    """
    if value is not None and not isinstance(value, dict):
        raise CharmError("%s: %s: a mapping is needed here, and not %r" % (file, what, value))
    return dict(value or {})


def _fits(value: Any, kind: str) -> Optional[bool]:
    """Whether a value is of a type of options; ``None`` if there is no such type."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {
        "string": isinstance(value, str),
        "secret": isinstance(value, str),
        "int": number and int(value) == value,
        "float": number,
        "boolean": isinstance(value, bool),
    }.get(kind)


def listed(names: Any) -> str:
    """Names for a sentence, sorted; ``none`` if there are none."""
    return ", ".join(sorted(names)) or "none"


# -- handlers that a test declares ------------------------------------------------------------------
# The functions that generated modules call, where a hook runs in this interpreter.
_declared: Dict[int, Callable[[], object]] = {}
_numbers = itertools.count()


def declare(number: int) -> bool:
    """Let a function of a test declare its handlers; ``False`` in any other process than the test's."""
    if number not in _declared:
        return False
    _declared[number]()
    return True


def _module_of(handlers: Callable[[], object]) -> str:
    number = next(_numbers)
    _declared[number] = handlers
    try:
        text = textwrap.dedent(inspect.getsource(handlers))
        alone = text.startswith("def ") and not inspect.getclosurevars(handlers).nonlocals
        compile(text, "handlers", "exec")
    except (OSError, TypeError, SyntaxError):
        alone = False
    if alone:
        elsewhere = text + "\n%s()\n" % handlers.__name__
    else:
        elsewhere = "raise RuntimeError(%r)\n" % (
            "handlers that use what surrounds them in the test can only run in the test's own process; "
            "make them a function of their own that imports what it needs"
        )
    return (
        "from charms.reactive import *\n"
        "from charms_reactive.testing._unit import charm as _charm\n\n"
        "if _charm.process != %d or not _charm.declare(%d):\n%s"
        % (os.getpid(), number, textwrap.indent(elsewhere, "    "))
    )


#: In generated modules: a child process that was forked has all of this, too, and may use it.
process = os.getpid()


def _with_interfaces(metadata: Mapping[str, Any]) -> Dict[str, Any]:
    """Metadata in which endpoints may be just the names of their interfaces."""
    written = dict(metadata)
    for role in ("requires", "provides", "peers"):
        if role in written:
            written[role] = {
                name: {"interface": spec} if isinstance(spec, str) else spec
                for name, spec in written[role].items()
            }
    return written


def _option(spec: Any) -> Mapping[str, Any]:
    """An option's declaration; from a default alone its type follows."""
    if isinstance(spec, Mapping):
        return spec
    kinds = {bool: "boolean", int: "int", float: "float", str: "string"}
    if type(spec) not in kinds:
        raise CharmError("an option is declared by a mapping or by its default, not by %r" % (spec,))
    return {"type": kinds[type(spec)], "default": spec}


#: What JSON schema calls values, and the Python types of them.
_TYPES: Dict[str, Tuple[type, ...]] = {
    "array": (list, tuple),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def _wrong(value: Any, spec: Mapping[str, Any]) -> str:
    """What is wrong with a parameter, as Juju checks it before the action is queued; empty for nothing.

    Of JSON schema these are checked: ``type``, ``enum``, the bounds of numbers, the length of texts.
    """
    kind = spec.get("type")
    kinds = [kind] if isinstance(kind, str) else list(kind or ())
    known = [one for one in kinds if one in _TYPES]
    if known and not any(_is_of(value, one) for one in known):
        return "must be of type %s, not %r" % (" or ".join(known), value)
    if "enum" in spec and value not in spec["enum"]:
        return "must be one of %s, not %r" % (", ".join(map(repr, spec["enum"])), value)
    if _is_of(value, "number"):
        for bound, beyond in (
            ("minimum", value < spec.get("minimum", value)),
            ("maximum", value > spec.get("maximum", value)),
        ):
            if beyond:
                return "has the %s %r, and is %r" % (bound, spec[bound], value)
    if isinstance(value, str):
        least, most = spec.get("minLength", 0), spec.get("maxLength", len(value))
        if not least <= len(value) <= most:
            return "is to have %s to %s letters, and has %d" % (least, most, len(value))
    return ""


def _is_of(value: Any, kind: str) -> bool:
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    # True is no number, though Python has it that way.
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
