"""Automatic flags: ``config.*`` and ``leadership.*``, set before the handlers and true all through the hook.

Layers have managed them so far, ``layer:basic`` the first and ``layer:leadership`` the second, and where
they still do, nothing happens here. A family of flags is left alone if

* a layer has registered for it: ``init_config_states`` or ``clear_config_states`` stands among the
  callbacks of the hook or in a module of ``charms.layer``, or ``layer:leadership`` has left its mark on
  the package; or
* the charm's own code sets one of its flags.

Otherwise Juju is asked, but only for what somebody wants to know. Each of the families' kinds
(``config.changed``, ``config.set``, ``config.default``; ``leadership.is_leader``; ``leadership.changed``,
``leadership.set``) is wanted if a handler or trigger has a flag of it, or if the charm's code names one
in a string, as ``is_flag_set("config.set.port")`` does, which no registration tells of. Code of the charm
is what stands in ``reactive``, ``hooks/reactive``, ``hooks/relations``, ``lib``, ``actions`` and ``bin``:
Python, ``.sh`` and files without a suffix. Reading it takes about 30 µs per file and is done in each
hook: that is less than one hook tool costs, and there is no mark that could be out of date. A kind
that nobody wants has no flags and costs no process:

* ``config.*``: one ``config-get``, shared with ``hookenv.config()``;
* ``leadership.is_leader``: one ``is-leader``;
* ``leadership.changed`` and ``leadership.set``: one ``leader-get``. Juju 4 has none: the flags then stay as
  they are and the log says so.

What counts as changed is the difference from what the last hook that succeeded has seen. It is kept in
rows of ours, which roll back with the hook. Where there is no such row yet, what the layers have kept
for themselves counts: ``.juju-persistent-config`` and the rows ``leadership.settings.``; without these,
everything is new and has changed.

After the handlers ``config.*`` and ``leadership.changed*`` are cleared, which fires no trigger.
``leadership.is_leader`` and ``leadership.set.*`` stay, and are brought up to date by the next hook, or
cleared by it if nobody wants them any more.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

from charms_reactive import flags
from charms_reactive._juju import juju_log, settings
from charms_reactive._juju.environment import hookenv
from charms_reactive._unit_state import unit_state
from charms_reactive.handlers import Handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Set, Tuple

__all__ = ["register"]

_CONFIG_ROW = "reactive.automatic.config"
_LEADERSHIP_ROW = "reactive.automatic.leadership"

# The kinds of flag in each family.
_KINDS = {"config": ("changed", "set", "default"), "leadership": ("is_leader", "changed", "set")}

# Flags to clear and rows to write when the hook has succeeded.
_to_clear: List[str] = []
_to_keep: Dict[str, Dict[str, Any]] = {}


def register() -> None:
    """Have the flags managed from the next hook on that this process runs."""
    hookenv.atstart(_before_handlers)
    hookenv.atexit(_after_handlers)


def _before_handlers() -> None:
    _to_clear.clear()
    _to_keep.clear()
    families = [name for name, managed in _managed_by_layers().items() if not managed]
    if not families:
        return
    wanted = _wanted(families)
    if wanted.get("config"):
        _set_config_flags(wanted["config"])
    if "leadership" in wanted:
        kinds = wanted["leadership"]
        flags.toggle_flag("leadership.is_leader", "is_leader" in kinds and _is_leader())
        if "set" not in kinds:
            for name in unit_state.unit.getrange(unit_state.FLAGS + "leadership.set."):
                flags.clear_flag("leadership.set.%s" % name)
        if "changed" in kinds or "set" in kinds:
            _set_leadership_flags(kinds)


def _after_handlers() -> None:
    # The layers clear theirs when triggers are gone already, and charms have when_not triggers.
    flags._clear_triggers()
    for flag in _to_clear:
        flags.clear_flag(flag)
    for key, seen in _to_keep.items():
        if unit_state.unit.get(key) != seen:
            unit_state.unit.set(key, seen)


# -- who manages, and who wants to know -----------------------------------------------------------
def _managed_by_layers() -> Dict[str, bool]:
    """For each family, whether a layer shows without a look at its code."""
    callbacks = {getattr(entry[0], "__name__", "") for entry in hookenv._atstart + hookenv._atexit}
    config = not callbacks.isdisjoint(("init_config_states", "clear_config_states")) or any(
        hasattr(sys.modules.get("charms.layer." + layer), "init_config_states")
        for layer in ("basic", "caas_base")
    )
    leadership = hasattr(sys.modules["charms_reactive"], "_leadership_registered")
    return {"config": config, "leadership": leadership}


def _wanted(families: List[str]) -> Dict[str, Set[str]]:
    """The kinds that somebody wants to know of each family, without those that the charm sets itself."""
    registered = set(Handler._CONSUMED_FLAGS)
    registered.update(flag for flag, _, _, _ in unit_state.unit.engine.triggers())
    wanted, own = _in_code(families)
    for flag in registered:
        family, _, rest = flag.partition(".")
        kind, dot, _ = rest.partition(".")
        if family in families and kind in _KINDS[family] and (dot or kind not in ("set", "default")):
            wanted[family].add(kind)
    return {family: kinds for family, kinds in wanted.items() if family not in own}


_CODE = ("reactive", "hooks/reactive", "hooks/relations", "lib", "actions", "bin")

# The beginning of a flag in a string. One that is put together ('config.' + kind) may be of any kind.
# Compiled by those few hooks whose charm has something that looks like it.
_FLAG = {
    "config": rb"config\.(?:(changed|set|default)(?![\w(])|[\"'{%])",
    "leadership": rb"leadership\.(?:(is_leader|changed|set)(?![\w(])|[\"'{%])",
}
# What stands in front of a flag that is being set, in Python and in shell.
_SETTING = rb"(?:set|toggle)_(?:flag|state)\b[\s(=]*[bBfFrRuU]{0,2}[\"']?$"


def _in_code(families: List[str]) -> Tuple[Dict[str, Set[str]], Set[str]]:
    """The kinds that the charm's code names, and the families of which it sets flags itself."""
    named: Dict[str, Set[str]] = {family: set() for family in families}
    own = set()
    for is_python, code in _charm_code():
        for family in families:
            if family.encode() + b"." not in code:
                continue
            for found in re.finditer(_FLAG[family], code):
                start = found.start()
                before = code[start - 1 : start]
                # In shell flags need no quotes.
                if before not in (b'"', b"'") and (is_python or not before.isspace()):
                    continue
                named[family].update([found.group(1).decode()] if found.group(1) else _KINDS[family])
                if re.search(_SETTING, code[max(0, start - 80) : start]):
                    own.add(family)
    return named, own


def _charm_code() -> Iterator[Tuple[bool, bytes]]:
    """Each file of the charm's code: whether it is Python, and what it says."""
    charm_dir = hookenv.charm_dir() or ""
    directories = [os.path.join(charm_dir, directory) for directory in _CODE]
    while directories:
        try:
            with os.scandir(directories.pop()) as entries:
                found = list(entries)
        except OSError:
            continue  # few charms have all of them
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith((".", "__pycache__")):
                    directories.append(entry.path)
            elif os.path.splitext(entry.name)[1] in (".py", ".sh", ""):
                yield entry.name.endswith(".py"), _read(entry.path)


def _read(path: str) -> bytes:
    """The first MiB of a file; a third of the time that ``open()`` needs."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return os.read(descriptor, 1 << 20)
        finally:
            os.close(descriptor)
    except OSError:
        return b""


# -- config ---------------------------------------------------------------------------------------
def _set_config_flags(kinds: Set[str]) -> None:
    defaults = settings.options()
    if not defaults:
        return
    config = settings.config()
    current = {option: config.get(option) for option in defaults}
    _to_keep[_CONFIG_ROW] = current
    seen = unit_state.unit.get(_CONFIG_ROW)
    if "changed" in kinds:
        if seen is None:
            changed = [option for option in defaults if config.changed(option)]
        else:
            changed = [option for option in defaults if seen.get(option) != current[option]]
        _set_changed("config", changed, defaults)
    for option, value in current.items():
        if "set" in kinds:
            flags.toggle_flag("config.set.%s" % option, value)
            _to_clear.append("config.set.%s" % option)
        if "default" in kinds:
            flags.toggle_flag("config.default.%s" % option, value == defaults[option])
            _to_clear.append("config.default.%s" % option)


def _set_changed(family: str, changed: Iterable[str], all_names: Iterable[str]) -> None:
    """Set the flags of what has changed; those of a hook that failed after a flush stay set as well."""
    for number, name in enumerate(changed):
        if number == 0:
            flags.set_flag("%s.changed" % family)
        flags.set_flag("%s.changed.%s" % (family, name))
    _to_clear.append("%s.changed" % family)
    _to_clear.extend("%s.changed.%s" % (family, name) for name in all_names)


# -- leadership -----------------------------------------------------------------------------------
_NO_ANSWER = (NotImplementedError, OSError, subprocess.CalledProcessError, ValueError)


def _is_leader() -> bool:
    """Whether the unit is known to be the leader."""
    try:
        return bool(hookenv.is_leader())
    except _NO_ANSWER as error:
        _say_missing("is-leader", "leadership.is_leader is not set", error)
        return False


def _set_leadership_flags(kinds: Set[str]) -> None:
    try:
        current: Dict[str, Any] = hookenv.leader_get() or {}
        if not isinstance(current, dict):
            raise ValueError("not settings, but %s" % type(current).__name__)
    except _NO_ANSWER as error:
        _say_missing("leader-get", "leadership.changed and leadership.set stay as they are", error)
        return
    seen = unit_state.unit.get(_LEADERSHIP_ROW)
    if seen is None:
        seen = unit_state.unit.getrange("leadership.settings.")  # what the layer has kept
    _to_keep[_LEADERSHIP_ROW] = current
    names = sorted({*current, *seen})
    if "changed" in kinds:
        changed = [name for name in names if seen.get(name) != current.get(name)]
        _set_changed("leadership", changed, names)
    if "set" in kinds:
        for name in names:
            flags.toggle_flag("leadership.set.%s" % name, current.get(name) is not None)


def _say_missing(tool: str, consequence: str, error: Exception) -> None:
    reason = str(error) or "this Juju does not have it"
    juju_log.log("Juju does not answer %s (%s): %s" % (tool, reason, consequence), juju_log.WARNING)
