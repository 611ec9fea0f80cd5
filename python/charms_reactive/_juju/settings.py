"""The charm's configuration, and the framework's settings: environment variables and options of the charm."""

from __future__ import annotations

import os
import subprocess

from charms_reactive._errors import HookToolError, StrictModeError
from charms_reactive._unit_state.rows import odd_lock_timeout

from . import hook_tools, juju_log
from .environment import RESTRICTED_HOOKS, hook_name, hookenv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

__all__ = [
    "config",
    "event_errors_fail",
    "history",
    "log_setting",
    "may_have_history",
    "options",
    "start_hook",
    "strict",
    "traces_to",
    "warn",
]

# The charm's configuration, once it had to be asked for in this hook.
_config: Optional[Dict[str, Any]] = None

# The log setting, once the hook has started.
_setting: Optional[str] = None


def _charm_option(name: str) -> Any:
    """The value of a charm option, if the charm declares it; asks Juju only then."""
    global _config
    if not _declares(name):
        return None
    if hook_name() in RESTRICTED_HOOKS:
        return None  # Juju answers no config-get in a restricted hook
    known = getattr(hookenv, "_cache_config", None)
    if isinstance(known, dict):
        return known.get(name)  # the charm has asked in this hook already
    if _config is None:
        # Not hookenv.config(): it saves what it read when the hook ends, and a charm that asks in
        # some hooks only would then never see that an option has changed.
        _config = hook_tools.ask_json(["config-get", "--all", "--format=json"])
    return _config.get(name)


def _declares(name: str) -> bool:
    """Whether the charm may have an option: its name stands in the file. Few charms have one of ours."""
    try:
        with open(_declaration(), "rb") as declared:
            return name.encode() in declared.read()
    except OSError:
        return False


def _declaration() -> str:
    """The file in which the charm declares its options."""
    return os.path.join(hookenv.charm_dir() or "", "config.yaml")


def options() -> Dict[str, Any]:
    """The options that the charm declares, each with its default.

    Raises:
        CharmMetadataError: the file in which it does is not what it should be.
    """
    import yaml

    path = _declaration()
    try:
        with open(path, "rb") as file:
            # The one in C, where there is one, is ten times as fast; both are safe.
            declared = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _odd(path, "it cannot be read: %s" % " ".join(str(error).split())) from error
    options = declared.get("options") or {} if isinstance(declared, dict) else declared or {}
    if not isinstance(options, dict) or not all(isinstance(one or {}, dict) for one in options.values()):
        raise _odd(path, "options: a mapping is needed here, each option itself a mapping")
    return {str(option): (definition or {}).get("default") for option, definition in options.items()}


def _odd(path: str, reason: str) -> Exception:
    from charms_reactive._errors.rare import CharmMetadataError  # no hook that is right needs it

    return CharmMetadataError(path, reason)


def config() -> Any:
    """The charm's configuration, from where the charm's own code gets it: one process for all.

    Raises:
        HookToolError: Juju does not give it.
    """
    try:
        config = hookenv.config()
    except (OSError, subprocess.CalledProcessError) as error:
        raise HookToolError("config-get", error) from error
    except (TypeError, ValueError):
        raise HookToolError("config-get", "answered something else than a mapping") from None
    if config is None:
        raise HookToolError("config-get", "answered something that is not JSON")
    return config


def start_hook() -> None:
    """Forget what an earlier hook in this process has asked."""
    global _config, _setting
    _config = _setting = None
    juju_log.quiet = False
    hook_tools.start_hook()
    if not os.environ.get("CHARMS_REACTIVE_TOOLS"):
        option = _charm_option("reactive-tools")
        if option is not None:
            hook_tools.choose(option)
    _setting = log_setting()
    juju_log.quiet = _setting == "off"
    for problem in (hook_tools.odd_tool_timeout(), odd_lock_timeout(), _odd_switches()):
        if problem:
            juju_log.log(problem, juju_log.WARNING)


def log_setting() -> str:
    """How much the framework tells: ``off``, ``info`` or ``trace``.

    ``CHARMS_REACTIVE_LOG`` goes before the charm option ``reactive-log``; the default is ``info``. Asked
    once in a hook.
    """
    if _setting is not None:
        return _setting
    given = os.environ.get("CHARMS_REACTIVE_LOG")
    setting = given or _charm_option("reactive-log")
    # YAML reads a bare `off` as false, and people write TRACE.
    setting = "off" if setting is False else str(setting or "info").strip().lower()
    if setting not in ("off", "info", "trace"):
        name = "CHARMS_REACTIVE_LOG" if given else "reactive-log"
        juju_log.log("%s must be off, info or trace, not %r; using info" % (name, setting), juju_log.WARNING)
        setting = "info"
    return setting


def may_have_history() -> bool:
    """Whether this hook is one that the unit's memory may be told of, before the charm's options are known.

    It is where Juju runs it, or where ``CHARMS_REACTIVE_HISTORY`` says so.
    """
    given = os.environ.get(_HISTORY)
    return _hooks_kept(given) != (0, False) if given else bool(os.environ.get("JUJU_CONTEXT_ID"))


def history() -> Tuple[int, bool]:
    """How many hooks the unit's memory keeps, and whether it keeps what they were given as well.

    ``CHARMS_REACTIVE_HISTORY`` goes before the charm option ``reactive-history``: ``0``, a number up to 1000,
    or ``full``; the default is 50. Where the option cannot be asked for, as in a restricted hook, a charm
    that declares it has none, unless the variable says so.
    """
    given = os.environ.get(_HISTORY)
    if not given and hook_name() in RESTRICTED_HOOKS and _declares(_HISTORY_OPTION):
        return 0, False
    try:
        option = None if given else _charm_option(_HISTORY_OPTION)
    except HookToolError:
        return 0, False  # it cannot be known whether it is wanted, and no hook fails for want of it
    setting = given if given else option
    kept = _hooks_kept(setting)
    if kept is None:
        told = "%s must be 0, a number of hooks up to 1000, or full, not %r; using 50"
        juju_log.log(told % (_HISTORY if given else _HISTORY_OPTION, setting), juju_log.WARNING)
        return _HOOKS_KEPT, False
    return kept


def may_send_traces() -> bool:
    """Whether :func:`traces_to` may name a collector, before the charm's options are known."""
    given = os.environ.get(_OTLP)
    return _is_on(given) is not False if given else _declares(_OTLP_OPTION)


def traces_to() -> str:
    """The collector to which the trace of this hook is sent over OTLP/HTTP; empty for none.

    ``CHARMS_REACTIVE_OTLP`` goes before the charm option ``reactive-otlp``; ``0`` in it means none.
    """
    given = os.environ.get(_OTLP)
    try:
        setting = str((given if given else _charm_option(_OTLP_OPTION)) or "").strip()
    except HookToolError:
        return ""
    return "" if _is_on(setting) is False else setting


_OTLP = "CHARMS_REACTIVE_OTLP"
_OTLP_OPTION = "reactive-otlp"

_HISTORY = "CHARMS_REACTIVE_HISTORY"
_HISTORY_OPTION = "reactive-history"
_HOOKS_KEPT = 50


def _hooks_kept(setting: object) -> Optional[Tuple[int, bool]]:
    """What a setting of the history says; ``None`` if it makes no sense."""
    word = "" if setting is None else str(setting).strip().lower()
    if word == "full":
        return _HOOKS_KEPT, True
    if word in ("0", "false", "no", "off"):  # YAML reads a bare `off` as false
        return 0, False
    if word in ("", "true", "yes", "on"):
        return _HOOKS_KEPT, False
    return (int(word), False) if word.isascii() and word.isdigit() and int(word) <= 1000 else None


def quiet_update_status() -> bool:
    """Whether update-status leaves out handlers of flags none of which has changed.

    ``CHARMS_REACTIVE_UPDATE_STATUS`` goes before the charm option ``reactive-update-status``: ``quiet``, or
    ``full``, which is the default.
    """
    given = os.environ.get(_UPDATE_STATUS)
    setting = given or _charm_option(_UPDATE_STATUS_OPTION)
    word = str(setting or "full").strip().lower()
    if word not in ("quiet", "full"):
        name = _UPDATE_STATUS if given else _UPDATE_STATUS_OPTION
        juju_log.log("%s must be quiet or full, not %r; using full" % (name, setting), juju_log.WARNING)
    return word == "quiet"


_UPDATE_STATUS = "CHARMS_REACTIVE_UPDATE_STATUS"
_UPDATE_STATUS_OPTION = "reactive-update-status"


def may_be_quiet() -> bool:
    """Whether anybody could have asked for a quiet update-status."""
    return bool(os.environ.get(_UPDATE_STATUS)) or _declares(_UPDATE_STATUS_OPTION)


def strict() -> bool:
    """Whether warnings are errors: ``CHARMS_REACTIVE_STRICT``, else the charm option ``reactive-strict``."""
    setting = os.environ.get(_STRICT)
    if setting is not None:  # one that makes no sense was told of when the hook started
        return _is_on(setting) is True
    option = str(_charm_option("reactive-strict") or "")
    on = _is_on(option)
    if on is None:
        told = "reactive-strict must be true or false, not %r; taken as false" % option
        juju_log.log(told, juju_log.WARNING)
    return on is True


_STRICT = "CHARMS_REACTIVE_STRICT"
_TRACE = "CHARMS_REACTIVE_TRACE"


def _is_on(word: str) -> Optional[bool]:
    """What a word says; ``None`` if it says neither."""
    word = word.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    return False if word in ("", "0", "false", "no", "off") else None


def _odd_switches() -> str:
    """What is wrong with the environment variables that turn something on; empty for nothing."""
    strict = os.environ.get(_STRICT)
    if strict and _is_on(strict) is None:
        return "%s must be 1 or 0, not %r; taken as 0" % (_STRICT, strict)
    trace = os.environ.get(_TRACE)
    if trace and trace != "true" and _is_on(trace) is not False:
        return "%s must be true, not %r; charms.reactive.sh is not traced" % (_TRACE, trace)
    return ""


def event_errors_fail() -> bool:
    """Whether an exception in a handler of events fails what the event was part of.

    ``CHARMS_REACTIVE_EVENT_ERRORS`` says ``fail`` or ``log``; without it strict mode decides.
    """
    setting = os.environ.get("CHARMS_REACTIVE_EVENT_ERRORS", "").strip().lower()
    return setting == "fail" or (setting != "log" and strict())


def is_strict() -> bool:
    """Whether strict mode is known to be on; outside of hooks or beside mocks it is not."""
    try:
        return strict()
    except Exception:  # noqa: BLE001 -- whoever has something to say must not fail for want of an answer
        return False


def warn(message: str) -> None:
    """Say what a charm had better not do: a WARNING, and an error in strict mode.

    Where it cannot be known whether that is on, outside of hooks or beside mocks, it is not.

    Raises:
        StrictModeError: it is on.
    """
    if is_strict():
        raise StrictModeError(message)
    juju_log.log(message, juju_log.WARNING)
