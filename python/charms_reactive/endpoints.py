"""Endpoints: the classes that interface layers are made of, and the relation data they see.

Which data has changed is found in one pass per endpoint and hook; see ``seen_data.py``.
"""

from __future__ import annotations

import os
from itertools import chain

from ._alias import on_demand
from ._events import Object
from ._juju import environment, hook_tools, juju_log
from ._juju.environment import hookenv
from ._unit_state import unit_state
from .flags import clear_flag, is_flag_set, set_flag, toggle_flag
from .relations import RelationFactory, relation_factory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, ClassVar, Dict, Iterable, Iterator, List, Optional, Tuple

    from typing_extensions import TypeAlias

    from ._relations.data_views import JSONUnitDataView as JSONUnitDataView
    from ._relations.data_views import UnitDataView as UnitDataView

    _List: TypeAlias = List[Any]
else:
    _List = list

__all__ = ["Endpoint"]


def _in_a_context_without_main() -> bool:
    """Whether hook tools answer and no dispatch is going on: in an action, above its call of ``main()``."""
    from . import bus  # which is loaded in every hook, but not yet here

    return bool(os.environ.get("JUJU_CONTEXT_ID")) and bus.current_course() is None


class Endpoint(RelationFactory, Object):
    """Base of an interface layer's class; there is one instance per endpoint of the charm.

    Four flags are managed for each endpoint, before any handler runs:

    ``endpoint.{endpoint_name}.joined``
        is set as long as there are remote units.
    ``endpoint.{endpoint_name}.changed``
        is set when any relation data has changed; the interface layer clears it.
    ``endpoint.{endpoint_name}.changed.{key}``
        is set when the data under that key has changed, come or gone, for any remote unit or
        application; the interface layer clears it.
    ``endpoint.{endpoint_name}.departed``
        is set when a remote unit leaves, and cleared in the next hook with units; the interface layer
        may clear it before.

    An interface layer may offer events of its own in ``on``; see :class:`~charms.reactive.events.Object`.

    Data is looked at in this endpoint's own relation hooks, and in the hook in which ``joined`` is set.
    Data of applications is looked at in the hooks in which Juju announces that it has changed.

    Args:
        endpoint_name: the endpoint's name in ``metadata.yaml``.
        relation_ids: ids of its relations, such as ``db:3``.
    """

    _endpoints: ClassVar[Dict[str, Endpoint]] = {}

    # Whether it was asked for before the framework made it.
    _made_before_main = False

    @classmethod
    def from_name(cls, endpoint_name: str) -> Any:
        """The instance for an endpoint, or ``None``.

        :func:`charms.reactive.main` makes them all. Before it, in an action for example, an instance is made
        when it is asked for; what that publishes is published by ``main()``.
        """
        if endpoint_name not in Endpoint._endpoints and _in_a_context_without_main():
            endpoint = cls._instance(endpoint_name)
            if endpoint is not None:
                endpoint._made_before_main = True
        return Endpoint._endpoints.get(endpoint_name)

    @classmethod
    def from_flag(cls, flag: str) -> Any:
        """The instance for the endpoint that a set flag is named after, or ``None``.

        Args:
            flag: such as ``endpoint.db.joined``; ``endpoint.`` may be left out.
        """
        if "." not in flag or not is_flag_set(flag):
            return None
        parts = flag.split(".")
        return cls.from_name(parts[1] if parts[0] == "endpoint" else parts[0])

    @classmethod
    def _startup(cls) -> None:
        """Make the instances, in sorted order of the endpoints' names, and manage their flags."""
        for endpoint_name in environment.endpoint_names():
            endpoint = Endpoint._endpoints.get(endpoint_name)
            if endpoint is not None and endpoint._made_before_main:
                endpoint._made_before_main = False  # somebody may have it, and have it publish something
            else:
                endpoint = cls._instance(endpoint_name)
            if endpoint is None:
                continue
            juju_log.hand_over()
            endpoint.register_triggers()
            endpoint._manage_departed()
            endpoint._manage_flags()
            for relation in endpoint.relations:
                hookenv.atexit(relation._flush_data)

    @classmethod
    def _instance(cls, endpoint_name: str) -> Optional[Endpoint]:
        """Make the instance for an endpoint, or ``None`` if its interface layer has no such class."""
        if endpoint_name not in environment.asked(hookenv.relation_types):
            return None
        factory = relation_factory(endpoint_name)
        if not (isinstance(factory, type) and issubclass(factory, cls)):
            return None
        # Should Juju ever leave the endpoint's name out of relation ids, what we store must not change.
        relation_ids = [
            found if ":" in found else "%s:%s" % (endpoint_name, found)
            for found in hook_tools.names("relation-ids", hookenv.relation_ids, endpoint_name)
        ]
        endpoint = factory(endpoint_name, relation_ids)
        Endpoint._endpoints[endpoint_name] = endpoint
        return endpoint

    def __init__(self, endpoint_name: str, relation_ids: Optional[List[str]] = None) -> None:
        self._endpoint_name = endpoint_name
        self._relations = KeyList(map(Relation, relation_ids or []), key_attr="relation_id")
        self._all_joined_units: Optional[CombinedUnitsView] = None
        self._all_departed_units: Optional[CachedKeyList] = None

    def _names_as_origin(self) -> Tuple[str, ...]:
        # The object is there only once the hook has begun, and handlers are registered before.
        return (self.endpoint_name,)

    @property
    def endpoint_name(self) -> str:
        """The endpoint's name."""
        return self._endpoint_name

    @property
    def relations(self) -> KeyList:
        """The relations of this endpoint, by relation id."""
        return self._relations

    @property
    def is_joined(self) -> bool:
        """Whether there are remote units."""
        return len(self.all_units) > 0

    @property
    def joined(self) -> bool:
        """Whether there are remote units.

        .. deprecated:: 0.6.3
           Use :attr:`is_joined`.
        """
        return self.is_joined

    @property
    def all_units(self) -> CombinedUnitsView:
        """The units of all relations.

        .. deprecated:: 0.6.1
           Use :attr:`all_joined_units`.
        """
        return self.all_joined_units

    @property
    def all_joined_units(self) -> CombinedUnitsView:
        """The units of all relations, by relation id and unit name.

        An application may be related more than once; its units are then listed more than once.
        """
        if self._all_joined_units is None:
            units = chain.from_iterable(relation.units for relation in self.relations)
            self._all_joined_units = CombinedUnitsView(units)
        return self._all_joined_units

    @property
    def all_departed_units(self) -> CachedKeyList:
        """The units that have left, with their data as it was then, until they are removed from here.

        The list is kept from hook to hook. A unit is in it from the start of the hook in which it
        departs, and is no longer among :attr:`all_joined_units` then.
        """
        if self._all_departed_units is None:
            key = "reactive.endpoints.departed.%s" % self.endpoint_name
            self._all_departed_units = CachedKeyList.load(key, RelatedUnit._deserialize, "unit_name")
        return self._all_departed_units

    def expand_name(self, flag: str) -> str:
        """The full name of a flag of this endpoint.

        ``{endpoint_name}`` is replaced; a name without it gets ``endpoint.{endpoint_name}.`` in front.
        """
        if "{endpoint_name}" not in flag:
            flag = "endpoint.{endpoint_name}." + flag
        return flag.replace("{endpoint_name}", self.endpoint_name)

    def register_triggers(self) -> None:
        """Called once per hook before the flags are managed; for subclasses that couple them."""

    def manage_flags(self) -> None:
        """Called when the flags have been managed; for subclasses that have flags of their own.

        That is in this endpoint's own relation hooks, and in every hook at whose start ``joined`` was
        not set.
        """

    # -- at the start of a hook ----------------------------------------------------------------
    def _own_hook(self) -> str:
        """What happens to one of this endpoint's relations in this hook, such as ``joined``; or nothing."""
        hook: str = hookenv.hook_name()
        prefix = self.endpoint_name + "-relation-"
        return hook[len(prefix) :] if hook.startswith(prefix) else ""

    def _manage_departed(self) -> None:
        """Move the unit that departs, if one does, from the joined to the departed."""
        relation_id, unit_name = hookenv.relation_id(), hookenv.remote_unit()
        if self._own_hook() != "departed" or not relation_id or not unit_name:
            return
        known = relation_id in self.relations
        relation = self.relations[relation_id] if known else Relation(relation_id)
        self.all_departed_units.append(RelatedUnit(relation, unit_name))
        if unit_name in relation.joined_units:
            del relation.joined_units[unit_name]
            self._all_joined_units = None
        if known and not relation.joined_units:
            del self.relations[relation_id]

    def _manage_flags(self) -> None:
        """Set and clear this endpoint's flags."""
        happens = self._own_hook()
        joined = self.expand_name("joined")
        was_joined = is_flag_set(joined)
        toggle_flag(joined, self.is_joined)
        if happens == "departed":
            set_flag(self.expand_name("departed"))
        elif self.is_joined:
            clear_flag(self.expand_name("departed"))
        if was_joined and not happens:
            return  # reading data costs a process per unit, and every change comes with its own hook
        changed = self.expand_name("changed")
        for key in self._changed_keys(happens):
            set_flag(changed)
            # No formatting: the other side chooses the key.
            set_flag(changed + "." + key)
        juju_log.hand_over()
        self.manage_flags()

    def _changed_keys(self, happens: str) -> List[str]:
        """The keys whose data differs from what was last seen, for each unit in order; remembers it."""
        bags = {
            "%s.%s." % (unit.relation.relation_id, unit.unit_name): unit._texts for unit in self.all_units
        }
        here = hookenv.relation_id()
        if happens == "changed" and here in self.relations and not hookenv.remote_unit():
            # Without a unit it is an application's data that has changed.
            application = os.environ.get("JUJU_REMOTE_APP")
            if application:
                bags["%s.%s." % (here, application)] = self.relations[here].received_app_raw.data
        related = set(self.relations.keys())
        if happens == "broken":
            related.discard(here)
        from ._relations import seen_data  # most hooks look at no data

        return seen_data.changed_keys(self.endpoint_name, bags, related)


class Relation:
    """One relation of an endpoint, to one remote application.

    Args:
        relation_id: for example ``db:3``.
    """

    def __init__(self, relation_id: str) -> None:
        self._relation_id = relation_id
        self._endpoint_name = relation_id.split(":")[0]
        self._application_name: Optional[str] = None
        self._application_asked = False
        self._units: Optional[CombinedUnitsView] = None
        self._data: Optional[JSONUnitDataView] = None
        self._app_data: Optional[JSONUnitDataView] = None
        self._remote_app_data: Optional[JSONUnitDataView] = None

    def __repr__(self) -> str:
        return "<Relation %s>" % self._relation_id

    @property
    def relation_id(self) -> str:
        """The relation's id."""
        return self._relation_id

    @property
    def endpoint_name(self) -> str:
        """The name of the endpoint that this relation belongs to."""
        return self._endpoint_name

    @property
    def endpoint(self) -> Any:
        """The :class:`~charms.reactive.Endpoint` that this relation belongs to."""
        return Endpoint.from_name(self.endpoint_name)

    @property
    def application_name(self) -> Optional[str]:
        """The remote application's name; in a peer relation it is our own.

        Without remote units Juju has to be asked for it, save in this relation's own hooks; ``None``
        if it does not tell.
        """
        if self._application_name is None and not self._application_asked:
            if self.units:
                self._application_name = self.units[0].application_name
            else:
                from ._juju import relation_data

                self._application_asked = True
                self._application_name = relation_data.remote_application(self.relation_id)
        return self._application_name

    @property
    def units(self) -> CombinedUnitsView:
        """The remote units.

        .. deprecated:: 0.6.1
           Use :attr:`joined_units`.
        """
        return self.joined_units

    @property
    def joined_units(self) -> CombinedUnitsView:
        """The remote units, by unit name."""
        if self._units is None:
            names = hook_tools.names("relation-list", hookenv.related_units, self.relation_id)
            self._units = CombinedUnitsView(RelatedUnit(self, name) for name in names)
        return self._units

    @property
    def to_publish(self) -> JSONUnitDataView:
        """What our unit publishes; values are encoded as JSON, mappings with sorted keys.

        Changes are published when the hook succeeds, and forgotten when it fails. ``None`` takes a key
        away, as ``del`` does.
        """
        if self._data is None:
            self._data = self._own_data(unit=hookenv.local_unit())
        return self._data

    @property
    def to_publish_raw(self) -> UnitDataView:
        """What our unit publishes, as strings; for interfaces that do not use JSON."""
        return self.to_publish.raw_data

    @property
    def to_publish_app(self) -> JSONUnitDataView:
        """What our application publishes; only the leader may write it, or read it.

        Raises:
            RelationToolError: Juju does not let us read it.
        """
        if self._app_data is None:
            self._app_data = self._own_data(app=hookenv.application_name())
        return self._app_data

    @property
    def to_publish_app_raw(self) -> UnitDataView:
        """What our application publishes, as strings; for interfaces that do not use JSON."""
        return self.to_publish_app.raw_data

    @property
    def received_app(self) -> JSONUnitDataView:
        """What the remote application has published, decoded from JSON."""
        if self._remote_app_data is None:
            from ._errors.rare import RelationToolError
            from ._juju import relation_data
            from ._relations import data_views

            application = self.application_name
            data: Dict[str, str] = {}
            if application is not None:
                try:
                    data = dict(relation_data.read(self.relation_id, app=application))
                except RelationToolError as error:
                    if self.units:
                        raise
                    # There is nobody to have published anything that would still be needed.
                    juju_log.log("%s; taken as empty" % error, juju_log.WARNING)
            self._remote_app_data = data_views.view(data, self.relation_id, application)
        return self._remote_app_data

    @property
    def received_app_raw(self) -> UnitDataView:
        """What the remote application has published, as strings."""
        return self.received_app.raw_data

    def _own_data(self, unit: Optional[str] = None, app: Optional[str] = None) -> JSONUnitDataView:
        from ._juju import relation_data
        from ._relations import data_views

        # Not a copy: what we are about to publish is what everybody in this hook should read.
        data = relation_data.read(self.relation_id, unit, app)
        return data_views.view(data, self.relation_id, app or unit, writeable=True)

    def _flush_data(self) -> None:
        """Publish what differs; called when the hook has succeeded."""
        for view, app in ((self._data, False), (self._app_data, True)):
            if view is not None:
                changes = view.raw_data._changes()
                if changes:
                    from ._juju import relation_data

                    relation_data.publish(self.relation_id, changes, app=app)
                    view.raw_data._published()

    def _serialize(self) -> str:
        return self.relation_id

    @classmethod
    def _deserialize(cls, relation_id: str) -> Relation:
        endpoint = Endpoint.from_name(relation_id.split(":")[0])
        if endpoint is not None and relation_id in endpoint.relations:
            relation: Relation = endpoint.relations[relation_id]
            return relation
        return cls(relation_id)  # it is broken


class RelatedUnit:
    """A remote unit of a relation.

    Args:
        relation: the :class:`Relation`.
        unit_name: for example ``mysql/0``.
        data: what it has published, if that is known already.
    """

    def __init__(self, relation: Relation, unit_name: str, data: Optional[JSONUnitDataView] = None) -> None:
        self._relation = relation
        self._unit_name = unit_name
        self._application_name = unit_name.split("/")[0]
        self._data = data
        self._read: Optional[Dict[str, str]] = None

    def __repr__(self) -> str:
        return "<RelatedUnit %s of %s>" % (self._unit_name, self._relation.relation_id)

    @property
    def relation(self) -> Relation:
        """The relation to which the unit belongs."""
        return self._relation

    @property
    def unit_name(self) -> str:
        """The unit's name."""
        return self._unit_name

    @property
    def application_name(self) -> str:
        """The name of the unit's application."""
        return self._application_name

    @property
    def received(self) -> JSONUnitDataView:
        """What the unit has published, decoded from JSON."""
        if self._data is None:
            from ._relations import data_views

            self._data = data_views.view(self._texts, self.relation.relation_id, self.unit_name)
        return self._data

    @property
    def _texts(self) -> Dict[str, str]:
        """What the unit has published; most hooks need no view of most units."""
        if self._read is None:
            from ._juju import relation_data

            # A copy: some functions of charmhelpers add keys to what they have read.
            self._read = dict(relation_data.read(self.relation.relation_id, self.unit_name))
        return self._read

    @property
    def received_raw(self) -> UnitDataView:
        """What the unit has published, as strings."""
        return self.received.raw_data

    def _serialize(self) -> Dict[str, Any]:
        return {
            "relation": self.relation._serialize(),
            "unit_name": self.unit_name,
            "data": dict(self.received_raw),
        }

    @classmethod
    def _deserialize(cls, data: Dict[str, Any]) -> RelatedUnit:
        from ._relations import data_views

        view = data_views.view(data["data"], data["relation"], data["unit_name"])
        return cls(Relation._deserialize(data["relation"]), data["unit_name"], view)


# -- lists of relations and units ---------------------------------------------------------------
class KeyList(_List):
    """A list whose items can also be had by one of their attributes, which need not be unique.

    Args:
        items: what is in the list.
        key_attr: name of the attribute that is an item's key.
    """

    def __init__(self, items: Iterable[Any], key_attr: str) -> None:
        super().__init__(items)
        self._key_attr = key_attr

    def _index_of(self, key: Any) -> Any:
        """The index that an index, a slice or a key stands for; the first one, for a key."""
        if isinstance(key, (int, slice)):
            return key
        for index, item in enumerate(self):
            if getattr(item, self._key_attr) == key:
                return index
        raise KeyError(key)

    def __getitem__(self, key: Any) -> Any:
        """The item with an index or a key; of several with that key the first."""
        return super().__getitem__(self._index_of(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(self._index_of(key), value)

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(self._index_of(key))

    def __contains__(self, key_or_value: object) -> bool:
        return key_or_value in self.keys() or super().__contains__(key_or_value)

    def pop(self, key: Any = -1) -> Any:
        """Remove an item, by its index or key, and return it."""
        return super().pop(self._index_of(key))

    def keys(self) -> List[Any]:
        """The key of each item, in order."""
        return [getattr(item, self._key_attr) for item in self]

    def values(self) -> List[Any]:
        """The items as an ordinary list."""
        return list(self)

    def items(self) -> Iterator[Tuple[Any, Any]]:
        """Each item with its key in front, in order."""
        return ((getattr(item, self._key_attr), item) for item in self)


class CachedKeyList(KeyList):
    """A :class:`KeyList` that is written to the unit state whenever it is changed.

    Args:
        cache_key: key of its row in the unit state.
        items: what is in the list.
        key_attr: name of the attribute that is an item's key.
    """

    def __init__(self, cache_key: str, items: Iterable[Any], key_attr: str) -> None:
        self._cache_key = cache_key
        super().__init__(items, key_attr)

    @classmethod
    def load(cls, cache_key: str, deserializer: Callable[[Any], Any], key_attr: str) -> CachedKeyList:
        """The list as it was written last; ``deserializer`` makes an item of what was stored of it."""
        stored = unit_state.unit.get(cache_key) or []
        return cls(cache_key, [deserializer(item) for item in stored], key_attr)

    def _save(self) -> None:
        if self:
            unit_state.unit.set(self._cache_key, [item._serialize() for item in self])
        else:
            unit_state.unit.unset(self._cache_key)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._save()

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self._save()

    def __iadd__(self, values: Iterable[Any]) -> CachedKeyList:  # type: ignore[misc]
        self.extend(values)
        return self

    def pop(self, key: Any = -1) -> Any:
        """Remove an item, by its index or key, and return it."""
        item = super().pop(key)
        self._save()
        return item

    def remove(self, value: Any) -> None:
        """Remove an item."""
        super().remove(value)
        self._save()

    def clear(self) -> None:
        """Remove all items."""
        super().clear()
        self._save()

    def append(self, value: Any) -> None:
        """Add an item at the end."""
        super().append(value)
        self._save()

    def insert(self, index: Any, value: Any) -> None:
        """Add an item in front of another one."""
        super().insert(index, value)
        self._save()

    def extend(self, values: Iterable[Any]) -> None:
        """Add items at the end."""
        super().extend(values)
        self._save()


class CombinedUnitsView(KeyList):
    """The units of one or more relations, by relation id and unit name, and their data merged.

    Of several units with one name, the name stands for the one in the first relation. In the merged
    data the first unit that has published a key decides its value, so it is of little use with more
    than one unit.

    Args:
        items: the :class:`RelatedUnit` objects.
    """

    def __init__(self, items: Iterable[RelatedUnit]) -> None:
        ordered = sorted(items, key=lambda unit: (unit.relation.relation_id, unit.unit_name))
        super().__init__(ordered, key_attr="unit_name")
        self._data: Optional[JSONUnitDataView] = None

    @property
    def received(self) -> JSONUnitDataView:
        """The data of all units, merged, decoded from JSON."""
        if self._data is None:
            from ._relations import data_views

            merged: Dict[str, str] = {}
            for unit in reversed(self):
                merged.update(unit.received_raw)
            self._data = data_views.view(merged, self._relation_ids, self._names)
        return self._data

    def _relation_ids(self) -> Optional[str]:
        """For an error's text, and not before there is one: units and relations may be mocks."""
        return ", ".join(sorted({str(unit.relation.relation_id) for unit in self})) or None

    def _names(self) -> Optional[str]:
        return ", ".join(map(str, self.keys())) or None

    @property
    def received_raw(self) -> UnitDataView:
        """The data of all units, merged, as strings."""
        return self.received.raw_data


hookenv.atstart(Endpoint._startup)

if not TYPE_CHECKING:  # only hooks that look at relation data pay for these
    __getattr__, __dir__ = on_demand(
        globals(), dict.fromkeys(("JSONUnitDataView", "UnitDataView"), "_relations.data_views"), old=True
    )
