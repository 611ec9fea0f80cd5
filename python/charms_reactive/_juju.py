"""Juju as a hook sees it: the one place that talks to charmhelpers' hookenv and to hook tools."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
from functools import total_ordering

from .errors import CharmDirError, HookToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

__all__ = [
    "DEBUG",
    "ERROR",
    "INFO",
    "WARNING",
    "action_name",
    "charm_dir",
    "hand_over",
    "hook_name",
    "hookenv",
    "log",
    "log_setting",
    "relative_path",
    "strict",
]


@total_ordering
class LooseVersion:
    """A version number as people write it, ordered number by number and word by word.

    Enough of the class of that name for charmhelpers, whose ``hookenv`` needs it only to compare
    Juju's version. The original went with Python 3.12, and importing its last refuge loads all of
    setuptools, which cost every hook more than everything else that it imports.
    """

    def __init__(self, vstring: Optional[str] = None) -> None:
        self.vstring = vstring or ""
        words = re.findall(r"\d+|[a-z]+", self.vstring)
        self.version = [int(word) if word.isdigit() else word for word in words]

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return "LooseVersion(%r)" % self.vstring

    def _key(self) -> List[Tuple[bool, int, str]]:
        # A word (beta, rc) comes before a number in the same place.
        return [(True, part, "") if isinstance(part, int) else (False, 0, part) for part in self.version]

    @staticmethod
    def _other(other: object) -> Optional[LooseVersion]:
        if isinstance(other, str):
            return LooseVersion(other)
        return other if isinstance(other, LooseVersion) else None

    def __eq__(self, other: object) -> bool:
        that = self._other(other)
        return NotImplemented if that is None else self._key() == that._key()

    def __lt__(self, other: object) -> bool:
        that = self._other(other)
        return NotImplemented if that is None else self._key() < that._key()

    def __hash__(self) -> int:
        return hash(tuple(self._key()))


def _import_hookenv() -> Any:
    """charmhelpers' hookenv, without letting its first line import setuptools."""
    if "charmhelpers.core.hookenv" not in sys.modules and "distutils" not in sys.modules:
        package = types.ModuleType("distutils")
        package.__path__ = []
        version = types.ModuleType("distutils.version")
        version.LooseVersion = LooseVersion  # type: ignore[attr-defined]
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

DEBUG = "DEBUG"
INFO = "INFO"
WARNING = "WARNING"
ERROR = "ERROR"


# -- where are we -------------------------------------------------------------------------------
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
    # Asked for every handler: a plain path is cut, and only what is not so plain needs relpath().
    if path.startswith(base + "/") and not any(part in path for part in ("//", "/.")):
        return path[len(base) + 1 :]
    return os.path.relpath(path, base)


def action_name() -> Optional[str]:
    """The name of the action being run, or ``None`` in a hook."""
    name = os.environ.get("JUJU_ACTION_NAME") or os.environ.get("JUJU_FUNCTION_NAME")
    if name:
        return name
    directory, _, base = os.environ.get("JUJU_DISPATCH_PATH", "").rpartition("/")
    return base if directory.rpartition("/")[2] == "actions" and base else None


def hook_name() -> str:
    """The hook's name: ``JUJU_HOOK_NAME``, else the end of ``JUJU_DISPATCH_PATH``, else of ``argv[0]``."""
    name = os.environ.get("JUJU_HOOK_NAME") or os.environ.get("JUJU_DISPATCH_PATH") or sys.argv[0]
    return os.path.basename(name)


#: Hooks in which Juju allows little, and which run nothing but the handlers made for them.
RESTRICTED_HOOKS = ("meter-status-changed", "collect-metrics")


# -- settings -----------------------------------------------------------------------------------
# The charm's configuration, once it had to be asked for in this hook.
_config: Optional[Dict[str, Any]] = None

# The log setting, once the hook has started.
_setting: Optional[str] = None


def _charm_option(name: str) -> Any:
    """The value of a charm option, if the charm declares it; asks Juju only then."""
    global _config
    try:
        with open(os.path.join(hookenv.charm_dir() or "", "config.yaml"), encoding="utf-8") as declared:
            if name not in declared.read():
                return None
    except (OSError, UnicodeDecodeError):
        return None
    if hook_name() in RESTRICTED_HOOKS:
        return None  # Juju answers no config-get in a restricted hook
    if _config is None:
        # Not hookenv.config(): it saves what it read when the hook ends, and a charm that asks in
        # some hooks only would then never see that an option has changed.
        _config = _ask_json(["config-get", "--all", "--format=json"])
    return _config.get(name)


def _ask_json(command: List[str]) -> Dict[str, Any]:
    """What a hook tool answers, as a mapping.

    Raises:
        HookToolError: it is missing, fails, does not come back, or says something else.
    """
    import json

    timeout = tool_timeout()
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, timeout=timeout, check=True).stdout
        parsed = json.loads(answer.decode("utf-8"))
    except subprocess.TimeoutExpired:
        raise HookToolError(
            command[0], "no answer after %g s; see whether the Juju agent lives" % timeout
        ) from None
    except subprocess.CalledProcessError as error:
        raise HookToolError(command[0], "failed with exit status %d" % error.returncode) from None
    except OSError as error:
        raise HookToolError(command[0], "cannot be run: %s" % error.strerror) from None
    except ValueError:
        raise HookToolError(command[0], "answered %r, which is not JSON" % answer[:200]) from None
    if not isinstance(parsed, dict):
        raise HookToolError(command[0], "answered %r in place of a mapping" % answer[:200])
    return parsed


def start_hook() -> None:
    """Forget what an earlier hook in this process has asked."""
    global _config, _setting, quiet
    _config = _setting = None
    quiet = False
    _setting = log_setting()
    quiet = _setting == "off"
    if hook_name() not in RESTRICTED_HOOKS:  # these start no endpoints, which is what metadata are for
        _read_metadata()
    version = os.environ.get("JUJU_VERSION")
    if version and not os.path.isdir(_AGENT_TOOLS):
        # hookenv asks the agent's program, which is not there on Kubernetes nor on a simulated unit.
        _remember(hookenv.juju_version, version)


# Where agents on machines keep their programs.
_AGENT_TOOLS = "/var/lib/juju/tools"


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


def log_setting() -> str:
    """How much the framework tells: ``off``, ``info`` or ``trace``.

    ``CHARMS_REACTIVE_LOG`` goes before the charm option ``reactive-log``; the default is ``info``. Asked
    once in a hook.
    """
    if _setting is not None:
        return _setting
    setting = os.environ.get("CHARMS_REACTIVE_LOG") or _charm_option("reactive-log")
    # YAML reads a bare `off` as false, and people write TRACE.
    setting = "off" if setting is False else str(setting or "info").strip().lower()
    if setting not in ("off", "info", "trace"):
        log("reactive-log must be off, info or trace, not %r; using info" % setting, WARNING)
        setting = "info"
    return setting


def strict() -> bool:
    """Whether warnings are errors: ``CHARMS_REACTIVE_STRICT``, else the charm option ``reactive-strict``."""
    setting = os.environ.get("CHARMS_REACTIVE_STRICT")
    if setting is None:
        setting = str(_charm_option("reactive-strict") or "")
    return setting.strip().lower() in ("1", "true", "yes", "on")


# -- log ----------------------------------------------------------------------------------------
# What the framework has to say waits here until control passes to code that is not ours.
_waiting: List[Tuple[str, str]] = []

#: Set from the log setting when a hook starts; ``off`` silences INFO and DEBUG.
quiet = False

# The kernel takes at most 128 KiB in one argument of a process.
_LONGEST = 120000


def log(message: str, level: str = INFO) -> None:
    """Gather a message for Juju's log; :func:`hand_over` writes it."""
    if quiet and level in (INFO, DEBUG):
        return
    _waiting.append((level, message))


def hand_over() -> None:
    """Write what was gathered, one ``juju-log`` per level, before code that is not ours goes on.

    Raises:
        HookToolError: ``juju-log`` does not come back.
    """
    if not _waiting:
        return
    levels: Dict[str, List[str]] = {}
    for level, message in _waiting:
        levels.setdefault(level, []).append(message)
    _waiting.clear()
    for level, messages in levels.items():
        for text in _pieces("\n".join(messages).replace("\0", "\\0")):
            _write_log(text, level)


def _pieces(text: str) -> List[str]:
    """The text in parts that fit on a command line, cut at line ends where possible."""
    data = text.encode("utf-8", "backslashreplace")
    pieces = []
    while len(data) > _LONGEST:
        cut = data.rfind(b"\n", 0, _LONGEST)
        if cut <= 0:
            cut = _LONGEST
            while data[cut] & 0xC0 == 0x80:  # never inside a character
                cut -= 1
        pieces.append(data[:cut])
        data = data[cut:].lstrip(b"\n")
    pieces.append(data)
    return [piece.decode("utf-8") for piece in pieces]


def _write_log(text: str, level: str) -> None:
    write = hookenv.log
    if getattr(write, "__module__", "") != hookenv.__name__:
        write(text, level=level)  # a charm or a test has put its own log there
        return
    # As charmhelpers does it, but a juju-log that hangs must not hang the unit for ever.
    timeout = tool_timeout()
    try:
        status = subprocess.call(["juju-log", "-l", level, text], timeout=timeout)
    except FileNotFoundError:
        print("juju-log: %s: %s" % (level, text), file=sys.stderr)
    except subprocess.TimeoutExpired:
        print("juju-log did not come back; it was to log:\n%s: %s" % (level, text), file=sys.stderr)
        reason = "no answer after %g s; see whether the Juju agent lives" % timeout
        raise HookToolError("juju-log", reason) from None
    except OSError as error:
        raise HookToolError("juju-log", "cannot be run: %s" % error) from error
    else:
        if status:
            # Nothing that is logged may be lost, and a hook that can go on should.
            print("juju-log failed with exit status %d; it was to log:" % status, file=sys.stderr)
            print("%s: %s" % (level, text), file=sys.stderr)


def tool_timeout() -> float:
    """Seconds to wait for a hook tool: ``CHARMS_REACTIVE_TOOL_TIMEOUT``, default 300."""
    try:
        return float(os.environ.get("CHARMS_REACTIVE_TOOL_TIMEOUT", ""))
    except ValueError:
        return 300.0
