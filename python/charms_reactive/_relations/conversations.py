"""Conversations: what legacy relations remember of the units that they talk to.

A conversation is a row of the unit state, ``reactive.conversations.NAMESPACE.SCOPE``, with the units that
take part in it; data that the charm keeps with it stands in rows below that. Charms that have left
this kind of relation behind read these rows to this day, so their keys and content are fixed.
"""

from __future__ import annotations

import os

from charms_reactive._juju import environment
from charms_reactive._juju.environment import hookenv
from charms_reactive._unit_state import unit_state
from charms_reactive._unit_state.rows import CONVERSATIONS as _ROWS
from charms_reactive.flags import _get_flag_value, clear_flag, get_states, set_flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Set, Tuple

__all__ = ["ALL", "TOGGLE", "Conversation", "scopes"]

# Default values that nobody passes by accident. ALL is not used any more; charms may name it.
ALL = object()
TOGGLE = object()

_LOCAL_DATA = ".local-data."
# How often units have joined a conversation of several relations, where that is more than once.
_TIMES = "reactive.conversations_joined."
_FIELDS = {"namespace", "units", "scope"}


class scopes:  # noqa: N801 -- the name that charms know
    """The usual scopes of conversations; any other string is one too.

    .. deprecated:: 0.6.0
       Write interface layers with :class:`~charms_reactive.endpoints.Endpoint`.
    """

    GLOBAL = "global"
    """One conversation with all units of all relations of the endpoint. What it publishes reaches every
    one of them, and what it reads is the first value that any of them has."""

    SERVICE = "service"
    """One conversation with each remote application, shared by its units."""

    UNIT = "unit"
    """One conversation with each remote unit. What it publishes is still seen by all units of the
    relation, because Juju knows no narrower way."""


def scope_of_hook(scope: str) -> Any:
    """Whom the conversation of the current hook is with, a unit or application; ``None`` where there is none.

    A broken hook has no remote unit, and its application is known to those versions of Juju that tell it.
    """
    if scope == scopes.UNIT:
        return hookenv.remote_unit()
    if scope != scopes.SERVICE:
        return scope
    application = hookenv.remote_service_name()
    if application is None and hookenv.remote_unit() is not None:
        application = os.environ.get("JUJU_REMOTE_APP", "")
    return application


class Conversation:
    """The exchange with a group of remote units, from the first one's joining to the last one's departing.

    Args:
        namespace: id of the relation, or name of the endpoint where the conversation spans all of them.
        units: names of the remote units that take part.
        scope: a unit's name, an application's name, or the scope itself where it is neither of the two.
    """

    def __init__(self, namespace: str, units: Iterable[str], scope: str) -> None:
        self.namespace = namespace
        self.units: Set[str] = set(units)
        self.scope = scope

    @classmethod
    def _key(cls, namespace: str, scope: str) -> str:
        return "%s%s.%s" % (_ROWS, namespace, scope)

    @property
    def key(self) -> str:
        """The key of the row that keeps this conversation."""
        return self._key(self.namespace, self.scope)

    @property
    def relation_name(self) -> str:
        """The endpoint's name."""
        return self.namespace.partition(":")[0]

    @property
    def relation_ids(self) -> List[str]:
        """The ids of the relations that this conversation goes over."""
        if ":" in self.namespace:
            return [self.namespace]
        ids: List[str] = hookenv.relation_ids(self.namespace)
        return ids

    # -- keeping -------------------------------------------------------------------------------
    @classmethod
    def join(cls, scope: str) -> Conversation:
        """The conversation that the remote unit of the current hook takes part in, from now on if not yet.

        Where there is no remote unit, outside of relation hooks for one, nothing is written.

        Args:
            scope: of the relation, for example :attr:`.scopes.UNIT`.
        """
        unit = hookenv.remote_unit()
        namespace, scope = cls._place_in_hook(scope)
        stored = unit_state.unit.get(cls._key(namespace, scope))
        conversation = cls.deserialize(stored or {"namespace": namespace, "units": [], "scope": scope})
        if unit and namespace and unit not in conversation.units:
            conversation.units.add(unit)
            unit_state.unit.set(conversation.key, cls.serialize(conversation))
        return conversation

    @classmethod
    def _place_in_hook(cls, scope: str) -> Tuple[str, str]:
        """Namespace and scope of the current hook's conversation."""
        if scope in (scopes.UNIT, scopes.SERVICE):
            return hookenv.relation_id(), scope_of_hook(scope)
        return hookenv.relation_type(), scope

    def depart(self) -> None:
        """Remove the remote unit of the current hook; the row goes with the last one.

        Flags keep naming the conversation, and local data stays.
        """
        self.units.discard(hookenv.remote_unit())
        if self.units:
            unit_state.unit.set(self.key, self.serialize(self))
        else:
            unit_state.unit.unset(self.key)

    @classmethod
    def deserialize(cls, conversation: Mapping[str, Any]) -> Conversation:
        """A conversation from the content of its row."""
        return cls(**conversation)

    @classmethod
    def serialize(cls, conversation: Conversation) -> Dict[str, Any]:
        """The content of a conversation's row."""
        return {
            "namespace": conversation.namespace,
            "units": sorted(conversation.units),
            "scope": conversation.scope,
        }

    @classmethod
    def load(cls, keys: Iterable[str]) -> List[Conversation]:
        """The conversations of these keys, without those that are over."""
        rows = [unit_state.unit.get(key) for key in keys]
        return [cls.deserialize(row) for row in rows if row]

    # -- flags ---------------------------------------------------------------------------------
    def set_state(self, state: str) -> None:
        """Set a flag for this conversation; it stays set as long as one conversation has it.

        Args:
            state: name of the flag, in which ``{relation_name}`` stands for the endpoint's name.
        """
        flag = self._flag(state)
        value = _get_flag_value(flag)
        if not _has_conversations(value):
            value = {"relation": self.relation_name, "conversations": []}
        elif self.key in value["conversations"]:
            return
        value["conversations"].append(self.key)
        set_flag(flag, value)

    def remove_state(self, state: str) -> None:
        """Clear a flag for this conversation, and altogether if no other one has it.

        Args:
            state: as in :meth:`set_state`.
        """
        flag = self._flag(state)
        value = _get_flag_value(flag)
        if not _has_conversations(value):
            return
        others = [key for key in value["conversations"] if key != self.key]
        if not others:
            clear_flag(flag)
        elif others != value["conversations"]:
            set_flag(flag, dict(value, conversations=others))

    def is_state(self, state: str) -> bool:
        """Whether a flag is set for this conversation.

        Args:
            state: as in :meth:`set_state`.
        """
        value = _get_flag_value(self._flag(state))
        return _has_conversations(value) and self.key in value["conversations"]

    def toggle_state(self, state: str, active: Any = TOGGLE) -> None:
        """Set or clear a flag for this conversation.

        Args:
            state: as in :meth:`set_state`.
            active: set the flag if this is true in Python's sense; without it, if it is not set.
        """
        if active is TOGGLE:
            active = not self.is_state(state)
        if active:
            self.set_state(state)
        else:
            self.remove_state(state)

    set_flag = set_state
    remove_flag = remove_state
    is_flag_set = is_state
    toggle_flag = toggle_state

    def _flag(self, state: str) -> str:
        # Not format(): a name may have been made from what the other side has sent.
        return state.replace("{relation_name}", self.relation_name)

    # -- data ----------------------------------------------------------------------------------
    def set_remote(
        self,
        key: Optional[str] = None,
        value: object = None,
        data: Optional[Mapping[str, object]] = None,
        **kwdata: object,
    ) -> None:
        """Publish data to the other side, on every relation of this conversation, at once.

        Args:
            key: one key.
            value: its value, published as ``str()`` has it; ``None`` takes the key away.
            data: more keys and values.
            **kwdata: more keys and values.
        """
        settings = _merge(key, value, data, kwdata)
        if settings:
            for relation_id in self.relation_ids:
                hookenv.relation_set(relation_id, dict(settings))

    def get_remote(self, key: str, default: Any = None) -> Any:
        """The first value that is not empty among those that the units of this conversation have published.

        A unit that departs in this hook still counts.

        Args:
            key: of the relation data.
            default: returned if none of them has it.
        """
        for relation_id, unit in self._remote_units():
            if environment.is_own("relation_get"):
                # All of a unit's data in one process; most interfaces read several keys.
                value = (hookenv.relation_get(None, unit, relation_id) or {}).get(key)
            else:  # what a test has put there knows the key that it is asked for
                value = hookenv.relation_get(key, unit, relation_id)
            if value:
                return value
        return default

    def _remote_units(self) -> Iterator[Tuple[str, str]]:
        departing = hookenv.remote_unit() if environment.hook_name().endswith("-relation-departed") else None
        for relation_id in self.relation_ids:
            units = list(hookenv.related_units(relation_id))
            if departing and relation_id == hookenv.relation_id() and departing not in units:
                units.append(departing)  # Juju does not list it any more, but still has its data
            for unit in units:
                if unit in self.units:
                    yield relation_id, unit

    def set_local(
        self,
        key: Optional[str] = None,
        value: object = None,
        data: Optional[Mapping[str, object]] = None,
        **kwdata: object,
    ) -> None:
        """Keep data with this conversation, unseen by the other side.

        Args:
            key: one key.
            value: its value, anything that JSON can hold.
            data: more keys and values.
            **kwdata: more keys and values.
        """
        for name, kept in _merge(key, value, data, kwdata).items():
            unit_state.unit.set(self.key + _LOCAL_DATA + name, kept)

    def get_local(self, key: str, default: Any = None) -> Any:
        """A value that :meth:`set_local` has kept.

        Args:
            key: its key.
            default: returned if there is none.
        """
        return unit_state.unit.get(self.key + _LOCAL_DATA + key, default)


def _merge(
    key: Optional[str], value: object, data: Optional[Mapping[str, object]], more: Mapping[str, object]
) -> Dict[str, object]:
    merged = dict(data or {})
    if key is not None:
        merged[key] = value
    merged.update(more)
    return merged


def _has_conversations(value: Any) -> bool:
    """Whether a flag's value is one that conversations have given it."""
    return isinstance(value, dict) and isinstance(value.get("conversations"), list)


def start_hook() -> None:
    """Begin a hook: bring old rows to the form of today, and see to units that come and go."""
    migrate()
    hook_name = environment.hook_name()
    if hook_name.endswith("-relation-joined"):
        _count_joining()
    elif hook_name.endswith("-relation-departed"):

        def depart_conv() -> None:
            _depart()

        hookenv.atexit(depart_conv)


def _count_joining() -> None:
    """Note a unit that joins again, over another relation, what all relations of the endpoint share.

    An application may be related to one endpoint twice, and its units must not be gone with the first
    of the relations. Juju would tell how it is, but only for a process in each departed hook.
    """
    unit = hookenv.remote_unit()
    for conversation in list(_of(hookenv.relation_type())):
        if unit in conversation.units:
            key = conversation.key.replace(_ROWS, _TIMES, 1)
            times = unit_state.unit.get(key, {})
            unit_state.unit.set(key, dict(times, **{unit: times.get(unit, 1) + 1}))


def _depart() -> None:
    """End a departed hook: the remote unit leaves every conversation that it takes part in."""
    unit = hookenv.remote_unit()
    for conversation in list(_of(hookenv.relation_id())):
        if unit in conversation.units:
            conversation.depart()
    for conversation in list(_of(hookenv.relation_type())):
        if unit in conversation.units:
            key = conversation.key.replace(_ROWS, _TIMES, 1)
            times = unit_state.unit.get(key, {})
            left = times.pop(unit, 1) - 1
            if left < 1:
                conversation.depart()
                continue
            if left > 1:
                times[unit] = left
            if times:
                unit_state.unit.set(key, times)
            else:
                unit_state.unit.unset(key)


def _of(namespace: str) -> Iterator[Conversation]:
    """The conversations of a relation's id, or of an endpoint's name."""
    prefix = "%s%s." % (_ROWS, namespace)
    for scope, row in unit_state.unit.getrange(prefix).items():
        # The same range holds their local data, which may look like anything.
        if _LOCAL_DATA not in scope and isinstance(row, dict) and row.keys() == _FIELDS:
            yield Conversation.deserialize(row)


def migrate() -> None:
    """Bring conversations of the oldest releases to the form of today.

    Those had the endpoint's name where relations with several applications need the relation's id.
    """
    for place, row in unit_state.unit.getrange(_ROWS).items():
        if _LOCAL_DATA in place or not isinstance(row, dict) or "namespace" in row:
            continue
        if row.keys() == {"relation_name", "scope", "units"}:
            _migrate(_ROWS + place, row["relation_name"], row["scope"], row["units"])


def _migrate(key: str, relation_name: str, scope: str, units: List[str]) -> None:
    if scope == scopes.GLOBAL:
        conversation = Conversation(relation_name, units, scope)
        unit_state.unit.set(key, Conversation.serialize(conversation))
        return
    new_keys = []
    for relation_id in hookenv.relation_ids(relation_name):
        present = set(units).intersection(hookenv.related_units(relation_id))
        conversation = Conversation(relation_id, present, scope)
        if conversation.units:
            unit_state.unit.set(conversation.key, Conversation.serialize(conversation))
            new_keys.append(conversation.key)
    unit_state.unit.unset(key)
    for flag, value in get_states().items():
        if _has_conversations(value) and key in value["conversations"]:
            others = [other for other in value["conversations"] if other != key]
            set_flag(flag, dict(value, conversations=others + new_keys))
