"""Helpers: has this file, this data or this hook changed or come; has this been done before."""

from __future__ import annotations

import json
import re

from ._alias import on_demand
from ._juju import environment
from ._juju.environment import hookenv
from ._unit_state import unit_state
from ._unit_state.rows import storable
from .flags import all_flags_set, any_flags_set, is_flag_set, toggle_flag
from .handlers import PHASE_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, List, Sequence

    from ._dispatch.watched_files import Filename

__all__ = ["data_changed", "is_data_changed", "any_file_changed"]

# Flags by their old names, which charms reach through this module.
is_state = is_flag_set
toggle_state = toggle_flag
all_states = all_flags_set
any_states = any_flags_set

# Compiled by the hooks of those few charms that have such patterns.
_INTERFACE = r"{([^:}]+):([^}]+)}"
_CHOICE = r"{([^:,}]+(?:,[^:,}]+)*,?)}"


def any_hook(*hook_patterns: str) -> bool:
    """Whether the current hook matches one of the patterns.

    ``db-relation-{joined,changed}`` stands for each of its alternatives, and
    ``{provides:mysql}-relation-joined`` for each endpoint of that role (``provides``, ``requires``
    or ``peers``) and interface; both combine. A pattern that makes no sense matches nothing, and in an
    action none does.
    """
    hook_name = environment.hook_name()
    if not hook_name:
        return False  # in an action, whatever it is called
    names = _expand(_INTERFACE, _endpoints_of, hook_patterns)
    return hook_name in _expand(_CHOICE, lambda choices: choices.split(","), names)


environment.pass_through_cmdline(globals(), {"test_command": ("any_hook",)})


def _expand(pattern: str, alternatives: Callable[..., Iterable[str]], values: Iterable[str]) -> List[str]:
    """Replace what the pattern matches in each value, once for each alternative and combination."""
    done, todo = [], list(values)
    while todo:
        value = todo.pop(0)
        match = re.search(pattern, value) if "{" in value else None
        if match is None:
            done.append(value)
            continue
        before, after = value[: match.start()], value[match.end() :]
        todo.extend(before + alternative + after for alternative in alternatives(*match.groups()))
    return done


def _endpoints_of(role: str, interface: str) -> Any:
    """The names of the endpoints of a role and an interface."""
    return environment.asked(hookenv.role_and_interface_to_relations, role, interface)


def any_file_changed(filenames: Iterable[Filename], hash_type: str = "md5") -> bool:
    """Whether any of the files has changed since this was last asked about it.

    Args:
        filenames: names, paths or functions that return one. A file that is not there counts as
            changed when it comes and when it goes.
        hash_type: any algorithm of ``hashlib``.

    Raises:
        ValueError: ``hashlib`` does not have the algorithm.
    """
    from ._dispatch.watched_files import SHARED, file_hash, name_of  # most hooks ask about none

    changed = False
    for filename in filenames:
        name = name_of(filename)
        current = file_hash(name, hash_type)
        row = storable(SHARED + name)
        if unit_state.unit.get(row) != current:
            unit_state.unit.set(row, current)
            changed = True
    return changed


def was_invoked(invocation_id: str) -> bool:
    """Whether :func:`mark_invoked` was called with this id, in this hook or one before."""
    return bool(unit_state.unit.get(storable("reactive.invoked.%s" % invocation_id), False))


def mark_invoked(invocation_id: str) -> None:
    """Remember that something was done, for :func:`was_invoked`; forgotten if the hook fails."""
    unit_state.unit.set(storable("reactive.invoked.%s" % invocation_id), True)


def data_changed(data_id: str, data: Any, hash_type: str = "md5") -> bool:
    """Whether the data differs from what was given with this id the last time; remembers it.

    Args:
        data_id: name of the data, unique in the charm.
        data: anything that JSON can hold. Mappings compare by content; sets have no order and may
            seem changed when they are not.
        hash_type: any algorithm of ``hashlib``.

    Raises:
        TypeError: JSON cannot hold the data.
        ValueError: ``hashlib`` does not have the algorithm.
    """
    return _data_changed(data_id, data, hash_type, True)


def is_data_changed(data_id: str, data: Any, hash_type: str = "md5") -> bool:
    """As :func:`data_changed`, but without remembering."""
    return _data_changed(data_id, data, hash_type, False)


def _data_changed(data_id: str, data: Any, hash_type: str, update: bool) -> bool:
    import hashlib  # most hooks hash nothing

    key = "reactive.data_changed.%s" % data_id
    new_hash = hashlib.new(hash_type, json.dumps(data, sort_keys=True).encode("utf-8")).hexdigest()
    if unit_state.unit.get(key) == new_hash:
        return False
    if update:
        unit_state.unit.set(key, new_hash)
    return True


# -- predicates of the commands that shell handlers run -----------------------------------------
def in_phase(*phases: str) -> bool:
    """Whether a dispatch is in one of these phases; outside a dispatch every phase will do.

    A command that somebody types on the unit is outside, and wants to know about the flags.
    """
    phase = PHASE_NAMES.get(unit_state.unit.engine.phase()) or unit_state.unit.get(unit_state.PHASE)
    return phase is None or phase in phases


def _hook(hook_patterns: Sequence[str]) -> bool:
    return in_phase("hooks") and any_hook(*hook_patterns)


def _restricted_hook(hook_name: str) -> bool:
    return in_phase("restricted") and environment.hook_name() == hook_name


def _when_all(flags: Iterable[str]) -> bool:
    return in_phase("other") and all_flags_set(*flags)


def _when_any(flags: Iterable[str]) -> bool:
    return in_phase("other") and any_flags_set(*flags)


def _when_none(flags: Iterable[str]) -> bool:
    return in_phase("other") and not any_flags_set(*flags)


def _when_not_all(flags: Iterable[str]) -> bool:
    return in_phase("other") and not all_flags_set(*flags)


if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), {}, old=True)
