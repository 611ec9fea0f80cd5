"""The state of a unit as a value: what a hook is given, and what it leaves behind.

A :class:`State` never changes. A hook is run *in* one and has another as its outcome, so that a test
reads as given, when, then, and any state can be the beginning of another test::

    given = State(config={"port": 8080}, flags=["app.installed"])
    then = unit.run("config-changed", given)
    assert then.state.flags == {"app.installed", "app.configured"}
    assert unit.run("update-status", then.state).state == then.state
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import (
    AbstractSet,
    Any,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    NoReturn,
    Optional,
    Sequence,
    Tuple,
    TypeVar,
    Union,
)

from charms_reactive.testing.errors import CharmError

from .charm import listed

Key = TypeVar("Key")
Value = TypeVar("Value")

#: The version of what :meth:`State.to_json` writes.
FORMAT = 1


class Frozen(Dict[Key, Value]):
    """A mapping that cannot be changed; equal to a ``dict`` of the same items."""

    def _refuse(self, *arguments: object, **more: object) -> NoReturn:
        raise TypeError("a state cannot be changed; make another one with dataclasses.replace()")

    __setitem__ = _refuse
    __delitem__ = _refuse
    clear = _refuse
    pop = _refuse
    popitem = _refuse
    setdefault = _refuse
    update = _refuse
    __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset((key, repr(value)) for key, value in self.items()))

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (dict(self),)

    def __copy__(self) -> Frozen[Key, Value]:
        return self

    def __deepcopy__(self, memo: Dict[int, Any]) -> Frozen[Key, Value]:
        return self


def frozen(value: Any) -> Any:
    """Mappings and lists, however deep, as ones that cannot be changed."""
    if isinstance(value, Frozen):
        return value
    if isinstance(value, Mapping):
        return Frozen({key: frozen(inner) for key, inner in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(frozen(inner) for inner in value)
    return value


def thawed(value: Any) -> Any:
    """The same as plain dictionaries and lists, for JSON and for whoever changes them."""
    if isinstance(value, Mapping):
        return {key: thawed(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [thawed(inner) for inner in value]
    return value


#: Units of a relation as a test gives them: by name or number, with their data or without any.
Units = Union[
    Sequence[Union[int, str]],
    AbstractSet[Union[int, str]],
    Mapping[int, Mapping[str, str]],
    Mapping[str, Mapping[str, str]],
    Mapping[Union[int, str], Mapping[str, str]],
]


@dataclass(frozen=True)
class Status:
    """A workload status: its name (``active``, ``blocked``, …) and its message."""

    status: str
    message: str = ""

    def __str__(self) -> str:
        return "%s: %s" % (self.status, self.message) if self.message else self.status


@dataclass(frozen=True, init=False)
class Relation:
    """One relation of the unit, with all data that it can read in it.

    Args:
        endpoint: the charm's own name of the relation.
        application: on the other side; by default ``remote``. Of a peer relation always the unit's own.
        units: the remote units that are in the relation, each with its data: by name (``mysql/0``) or by
            number; or just their names or numbers.
        data: of the remote application. In a peer relation, the application's own data as the leader
            has written them.
        local: this unit's data. What Juju puts there itself (``ingress-address``, …) is added.
        local_application: this application's data, which its leader has published.
        number: of the relation; by default the first that is free. ``id`` is ``endpoint:number``.
        departing: units that are no longer listed, whose data can still be read: those of which the
            ``-departed`` hook runs or is still to run.
        departed: the same of those that have departed. Their data can be read as long as the relation lasts.
    """

    endpoint: str
    application: str
    units: Mapping[str, Mapping[str, str]]
    data: Mapping[str, str]
    local: Mapping[str, str]
    local_application: Mapping[str, str]
    number: int
    departing: Mapping[str, Mapping[str, str]]
    departed: Mapping[str, Mapping[str, str]]

    def __init__(
        self,
        endpoint: str,
        application: str = "",
        units: Units = (),
        data: Mapping[str, str] = {},
        local: Mapping[str, str] = {},
        local_application: Mapping[str, str] = {},
        number: int = -1,
        departing: Units = (),
        departed: Units = (),
    ) -> None:
        put = partial(object.__setattr__, self)
        put("endpoint", endpoint)
        put("number", number)
        put("units", _units("units", units, application or "remote"))
        put("departing", _units("departing", departing, application or "remote"))
        put("departed", _units("departed", departed, application or "remote"))
        owners = {unit.partition("/")[0] for unit in self.units}
        put("application", application or (owners.pop() if len(owners) == 1 else "remote"))
        put("data", _settings(data))
        put("local", _settings(local))
        put("local_application", _settings(local_application))

    @property
    def id(self) -> str:
        """As hook tools call it, for example ``db:0``."""
        return "%s:%d" % (self.endpoint, self.number)


def _units(attribute: str, given: Any, application: str) -> Frozen[str, Frozen[str, str]]:
    if isinstance(given, str):
        raise CharmError("%s are several, for example [%r], not one string" % (attribute, given))
    if not isinstance(given, Mapping):
        given = {unit: {} for unit in given}
    return Frozen(
        {
            "%s/%d" % (application, unit) if isinstance(unit, int) else unit: _settings(data)
            for unit, data in given.items()
        }
    )


def _settings(data: Any) -> Frozen[str, str]:
    if not isinstance(data, Mapping):
        raise CharmError("relation data are a mapping, not %r" % (data,))
    for key, value in data.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise CharmError(
                "relation data are strings, which %r: %r is not; what a charm reads with received[...] is "
                "JSON text" % (key, value)
            )
    return Frozen({key: value for key, value in data.items() if value})


@dataclass(frozen=True)
class Storage:
    """One storage instance that is attached to the unit.

    Args:
        name: as ``storage`` in the metadata calls it.
        index: of the instance; ``id`` is ``name/index``.
        location: where it is mounted, or its device; by default ``/storage/name/index``.
        kind: ``filesystem`` or ``block``.
    """

    name: str
    index: int = 0
    location: str = ""
    kind: str = "filesystem"

    def __post_init__(self) -> None:
        if not self.location:
            object.__setattr__(self, "location", "/storage/%s/%d" % (self.name, self.index))

    @property
    def id(self) -> str:
        """As hook tools call it, for example ``data/0``."""
        return "%s/%d" % (self.name, self.index)


@dataclass(frozen=True, init=False)
class Secret:
    """One secret that the unit knows of: its application's, its own, or one that was granted to it.

    Args:
        content: of its only revision. ``revisions`` are given instead where there are several.
        owner: the name of an application or unit; empty for a user's secret. By default the unit's own
            application.
        label: by which its owner knows it.
        id: 20 digits and lower-case letters; by default one that follows from owner and label.
        revisions: number to content.
        description: the owner's.
        rotate: ``never``, ``hourly``, ``daily``, ``weekly``, ``monthly``, ``quarterly`` or ``yearly``.
        rotates: when it is due, for example ``2030-01-01T00:00:00Z``.
        expires: when it expires, in the same form.
        access: who may read it: the names of units and applications, each with the id of the relation for
            which that was granted.
        consumers: of each unit that has read it the revision that it tracks and its label for it.
    """

    content: Mapping[str, str]
    owner: Optional[str]
    label: str
    id: str
    revisions: Mapping[str, Mapping[str, str]]
    description: str
    rotate: str
    rotates: str
    expires: str
    access: Tuple[Tuple[str, str], ...]
    consumers: Mapping[str, Tuple[int, str]]

    def __init__(
        self,
        content: Mapping[str, str] = {},
        owner: Optional[str] = None,
        label: str = "",
        id: str = "",
        revisions: Union[Mapping[int, Mapping[str, str]], Mapping[str, Mapping[str, str]]] = {},
        description: str = "",
        rotate: str = "never",
        rotates: str = "",
        expires: str = "",
        access: Iterable[Tuple[str, str]] = (),
        consumers: Mapping[str, Tuple[int, str]] = {},
    ) -> None:
        if bool(content) == bool(revisions):
            raise CharmError("a secret has either content or revisions, and not none")
        put = partial(object.__setattr__, self)
        put("content", Frozen())
        put("owner", owner)
        put("label", label)
        seed = "%s %s" % ("" if owner is None else owner, label)
        put("id", id or "c" + hashlib.sha256(seed.encode()).hexdigest()[:19])
        given: Mapping[Any, Mapping[str, str]] = revisions or {1: content}
        put("revisions", frozen({str(number): content for number, content in given.items()}))
        put("description", description)
        put("rotate", rotate)
        put("rotates", rotates)
        put("expires", expires)
        put("access", tuple((target, relation) for target, relation in access))
        put("consumers", Frozen({unit: (int(at), label) for unit, (at, label) in consumers.items()}))

    @property
    def latest(self) -> int:
        """The number of the latest revision."""
        return max(int(number) for number in self.revisions)


@dataclass(frozen=True, init=False)
class State:
    """Everything that a hook of the unit can read, and everything that it can leave behind.

    Args:
        config: options that differ from their defaults.
        leader: whether the unit leads its application.
        flags: the flags that are set: their names, or names with the values that legacy relations keep.
        relations: that the unit is in.
        leader_settings: of the application (until Juju 3).
        storages: that are attached.
        secrets: that the unit knows of.
        resources: path of each resource that can be fetched, by name.
        stored: other rows of the unit state by key, as JSON has their values: what the framework and the
            charm keep in ``unitdata.kv()``.
        files: of the charm directory that differ from the charm's own: path to content; ``None`` for one
            that a hook has deleted.
        tables: SQL of tables that the charm itself has added to the unit state.
        unit_status: as ``status-set`` has left it.
        application_status: the application's.
        workload_version: as ``application-version-set`` has left it.
        opened_ports: as ``open-port`` has left them, for example ``{"80/tcp"}``.
        address: of the unit, in all its networks.
        juju: more of the Juju side, by the names of
            :func:`charms_reactive.testing.hooktools.new_juju`: networks, payloads, credential, goal
            and so on.

    Attributes:
        flag_values: the values of those flags that have one.
    """

    config: Mapping[str, Any]
    leader: bool
    flags: FrozenSet[str]
    relations: Tuple[Relation, ...]
    leader_settings: Mapping[str, str]
    storages: Tuple[Storage, ...]
    secrets: Tuple[Secret, ...]
    resources: Mapping[str, str]
    stored: Mapping[str, Any]
    files: Mapping[str, Optional[bytes]]
    tables: Tuple[str, ...]
    unit_status: Status
    application_status: Status
    workload_version: str
    opened_ports: FrozenSet[str]
    address: str
    juju: Mapping[str, Any]
    flag_values: Mapping[str, Any]

    def __init__(
        self,
        config: Mapping[str, Any] = {},
        leader: bool = True,
        flags: Iterable[str] = (),
        relations: Iterable[Relation] = (),
        leader_settings: Mapping[str, str] = {},
        storages: Iterable[Storage] = (),
        secrets: Iterable[Secret] = (),
        resources: Mapping[str, str] = {},
        stored: Mapping[str, Any] = {},
        files: Mapping[str, Union[str, bytes, None]] = {},
        tables: Iterable[str] = (),
        unit_status: Status = Status("waiting", "installing agent"),
        application_status: Status = Status("unknown"),
        workload_version: str = "",
        opened_ports: Iterable[str] = (),
        address: str = "127.0.0.1",
        juju: Mapping[str, Any] = {},
        flag_values: Mapping[str, Any] = {},
    ) -> None:
        if isinstance(flags, str):
            raise CharmError("flags are several names, for example [%r], not one string" % flags)
        if isinstance(flags, Mapping):
            values = {flag: value for flag, value in flags.items() if value is not None}
            flag_values = {**values, **flag_values}
        put = partial(object.__setattr__, self)
        for name, value in (
            ("config", config),
            ("leader_settings", leader_settings),
            ("resources", resources),
            ("stored", stored),
            ("juju", juju),
        ):
            if not isinstance(value, Mapping):
                raise CharmError("%s of a state is a mapping, not %r" % (name, value))
            put(name, frozen(value))
        put("leader", leader)
        put("flags", frozenset(flags))
        put("flag_values", frozen({flag: flag_values[flag] for flag in sorted(flag_values)}))
        put("relations", _numbered(relations))
        put("storages", tuple(storages))
        put("secrets", tuple(secrets))
        put("files", Frozen({name: _content(content) for name, content in files.items()}))
        put("tables", tuple(tables))
        put("unit_status", unit_status)
        put("application_status", application_status)
        put("workload_version", workload_version)
        put("opened_ports", frozenset(opened_ports))
        put("address", address)

    # -- parts --------------------------------------------------------------------------------
    def replace(self, **changes: Any) -> State:
        """The same state but for some of its attributes."""
        if "flags" in changes and "flag_values" not in changes:
            wanted = frozenset(changes["flags"])
            kept = {flag: value for flag, value in self.flag_values.items() if flag in wanted}
            changes["flag_values"] = kept
        return dataclasses.replace(self, **changes)

    def with_flags(self, *flags: str) -> State:
        """The same state with these flags set as well."""
        return self.replace(flags=self.flags | set(flags))

    def without_flags(self, *flags: str) -> State:
        """The same state with these flags not set."""
        return self.replace(flags=self.flags - set(flags))

    def with_config(self, **options: Any) -> State:
        """The same state with these options set as well; ``None`` for an option's default."""
        config = {**self.config, **options}
        return self.replace(config={name: value for name, value in config.items() if value is not None})

    def relation(self, which: Union[str, Relation]) -> Relation:
        """One relation, by its id, by its endpoint if that has only one, or as it was in another state.

        A :class:`Relation` that got its number from the state is the one that was made of it; of other states
        the one that is like it, or with the same application.

        Raises:
            CharmError: there is none, or there are several.
        """
        wanted = which.id if isinstance(which, Relation) else which
        if isinstance(which, Relation) and which.number < 0:
            wanted = which.endpoint
        found = [one for one in self.relations if wanted in (one.id, one.endpoint)]
        if isinstance(which, Relation):
            for alike in (_made_of, _like, _with_the_application_of):
                if len(found) > 1:
                    found = [one for one in found if alike(one, which)] or found
        if len(found) != 1:
            there = listed(one.id for one in self.relations)
            what = "is no relation" if not found else "are several relations"
            raise CharmError("there %s %r; there is %s" % (what, wanted, there))
        return found[0]

    def with_relation(self, relation: Relation) -> State:
        """The same state with this relation in place of the one of its id, or as one more."""
        others = [one for one in self.relations if relation.number < 0 or one.id != relation.id]
        together = sorted([*others, relation], key=lambda one: (one.number < 0, one.number))
        return self.replace(relations=tuple(together))

    def without_relation(self, which: Union[str, Relation]) -> State:
        """The same state after this relation was removed."""
        gone = self.relation(which)
        return self.replace(relations=tuple(one for one in self.relations if one.id != gone.id))

    # -- as text ------------------------------------------------------------------------------
    def to_json(self) -> Dict[str, Any]:
        """The state as JSON can hold it; without what is empty or as usual."""
        plain = State()
        document: Dict[str, Any] = {"format": FORMAT}
        for spec in dataclasses.fields(self):
            value = getattr(self, spec.name)
            if value == getattr(plain, spec.name):
                continue
            if spec.name == "files":
                value = {name: _encoded(content) for name, content in value.items()}
            elif isinstance(value, frozenset):
                value = sorted(value)
            elif spec.name in _LISTS:
                value = [_document(one) for one in value]
            elif isinstance(value, Status):
                value = dataclasses.asdict(value)
            document[spec.name] = thawed(value)
        return document

    @classmethod
    def from_json(cls, document: Any) -> State:
        """The state that :meth:`to_json` has written.

        Raises:
            CharmError: it is something else, or of a later version.
        """
        if not isinstance(document, Mapping) or "format" not in document:
            raise CharmError("this is no state of a simulated unit: it has no format")
        if document["format"] != FORMAT:
            raise CharmError(
                "the state is in format %r, and this version of charms.reactive knows %d"
                % (document["format"], FORMAT)
            )
        values = {key: value for key, value in document.items() if key != "format"}
        unknown = set(values) - {spec.name for spec in dataclasses.fields(cls)}
        if unknown:
            raise CharmError("a state has no %s" % listed(unknown))
        try:
            for name, kind in _LISTS.items():
                if name in values:
                    values[name] = [kind(**one) for one in values[name]]
            for name in ("unit_status", "application_status"):
                if name in values:
                    values[name] = Status(**values[name])
            if "files" in values:
                values["files"] = {name: _decoded(content) for name, content in values["files"].items()}
            return cls(**values)
        except (TypeError, ValueError, AttributeError) as error:
            raise CharmError("this is no state of a simulated unit: %s" % error) from error

    def dumps(self) -> str:
        """The state as JSON text, one value per line: for a file that people may read and edit."""
        return json.dumps(self.to_json(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


_LISTS: Dict[str, Any] = {"relations": Relation, "storages": Storage, "secrets": Secret}


def _document(one: Any) -> Dict[str, Any]:
    """A part of a state as JSON can hold it; without what is empty."""
    return {
        spec.name: thawed(getattr(one, spec.name))
        for spec in dataclasses.fields(one)
        if getattr(one, spec.name) not in ("", {}, ())
    }


def _numbered(relations: Iterable[Relation]) -> Tuple[Relation, ...]:
    """The relations, each with a number."""
    given = tuple(relations)
    for one in given:
        if not isinstance(one, Relation):
            raise CharmError("relations of a state are Relation(...), not %r" % (one,))
    taken = {one.number for one in given}
    free: Iterator[int] = (number for number in range(len(given) + len(taken)) if number not in taken)
    return tuple(one if one.number >= 0 else _with_number(one, next(free)) for one in given)


def _with_number(given: Relation, number: int) -> Relation:
    relation = dataclasses.replace(given, number=number)
    # Whoever has made it can tell it from one that is like it. It is no field: equality ignores it.
    object.__setattr__(relation, "_given", given)
    return relation


def _made_of(one: Relation, given: Relation) -> bool:
    return getattr(one, "_given", None) is given


def _like(one: Relation, given: Relation) -> bool:
    return dataclasses.replace(one, number=given.number) == given


def _with_the_application_of(one: Relation, given: Relation) -> bool:
    return one.application == given.application


def _content(content: Union[str, bytes, None]) -> Optional[bytes]:
    if not isinstance(content, (str, bytes, type(None))):
        raise CharmError("the content of a file is text, bytes or None, not %r" % (content,))
    return content.encode("utf-8") if isinstance(content, str) else content


def _encoded(content: Optional[bytes]) -> Any:
    """A file's content for JSON: text as it is, anything else in base64."""
    if content is None:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}


def _decoded(content: Any) -> Optional[bytes]:
    if isinstance(content, Mapping):
        return base64.b64decode(content.get("base64"), validate=True)  # type: ignore[arg-type]
    return _content(content)


# -- differences ------------------------------------------------------------------------------------
def differences(before: State, after: State) -> List[str]:
    """What tells one state from another, a line each: ``+`` only in the second, ``-`` only in the first."""
    found: List[str] = []
    for spec in dataclasses.fields(State):
        old, new = getattr(before, spec.name), getattr(after, spec.name)
        if old == new:
            continue
        name = spec.name.replace("_", " ")
        if isinstance(old, frozenset):
            one = name[:-1] if name.endswith("s") else name
            found += ["- %s %s" % (one, item) for item in sorted(old - new)]
            found += ["+ %s %s" % (one, item) for item in sorted(new - old)]
        elif spec.name in _LISTS:
            found += _different_items({one.id: one for one in old}, {one.id: one for one in new}, name[:-1])
        elif isinstance(old, Mapping):
            found += _different_items(old, new, name)
        else:
            found += ["- %s: %s" % (name, old), "+ %s: %s" % (name, new)]
    return found


def _different_items(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> List[str]:
    found = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if key in old and key in new and before == after:
            continue
        if isinstance(before, (Relation, Secret)) and isinstance(after, (Relation, Secret)):
            for spec in dataclasses.fields(before):
                one, two = getattr(before, spec.name), getattr(after, spec.name)
                if isinstance(one, Mapping):
                    part = "%s %s %s" % (name, key, spec.name.replace("_", " "))
                    found += _different_items(one, two, part)
                elif one != two:
                    found += ["- %s %s %s: %s" % (name, key, spec.name, one)]
                    found += ["+ %s %s %s: %s" % (name, key, spec.name, two)]
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            found += _different_items(before, after, "%s %s" % (name, key))
        else:
            if key in old:
                found.append("- %s %s: %s" % (name, key, _shown(before)))
            if key in new:
                found.append("+ %s %s: %s" % (name, key, _shown(after)))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return "%d bytes" % len(value)
    text = repr(thawed(value))
    return text if len(text) <= 200 else text[:197] + "..."
