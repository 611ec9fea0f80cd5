"""Records: small objects with typed fields, kept in the unit state.

A record is there for later hooks once its hook has succeeded, and gone with the hook that failed::

    from charms_reactive.records import Record

    class Setting(Record, key="key"):
        key: str
        value: str = ""
        sensitive: bool = False

    setting = Setting.create(key="password", value="s3cret", sensitive=True)
    setting.value = "better"
    setting.save()
    Setting.filter(sensitive=True)

Each change emits two of the events of :mod:`charms.reactive.events`, with the class as their origin:
``PreRecordCreate`` and ``PostRecordCreate``, ``PreRecordUpdate`` …, ``PreRecordDelete`` ….
"""

from __future__ import annotations

import re
import sys

from . import events
from ._errors import kind_of
from ._errors.rare import (
    RecordAmbiguousError,
    RecordDefinitionError,
    RecordError,
    RecordExistsError,
    RecordFieldError,
    RecordNotFoundError,
)
from ._events.record_events import REDACTED, RecordDiff
from ._records.record_fields import copied, fields_of
from ._unit_state import unit_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        Callable,
        ClassVar,
        Dict,
        FrozenSet,
        Iterable,
        List,
        Optional,
        Tuple,
        Type,
        TypeVar,
        Union,
        overload,
    )

    from typing_extensions import ParamSpec, dataclass_transform

    from ._records.record_fields import Field

    R = TypeVar("R", bound="Record")
    D = TypeVar("D")
    P = ParamSpec("P")
else:

    def overload(function):  # noqa: ANN001, ANN202 -- it is what type checkers never see
        return function

    def dataclass_transform(**_):  # noqa: ANN003, ANN202
        return lambda cls: cls


__all__ = [
    "Record",
    "RecordAmbiguousError",
    "RecordDefinitionError",
    "RecordError",
    "RecordExistsError",
    "RecordFieldError",
    "RecordNotFoundError",
]

#: A record is the row ``reactive.records.NAME.KEY`` of the unit state, a mapping of its fields; the row
#: ``reactive.records.NAME`` has the last automatic key of that class.
PREFIX = "reactive.records."

_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_OMITTED: Any = unit_state.OMITTED

# What has become of a record, as far as the object knows.
_NEW, _SAVED, _DELETED = "new", "saved", "deleted"


class _Model:
    """What is known of a class of records, once it is used."""

    def __init__(self, cls: Type[Record]) -> None:
        self.cls = cls
        self.label = cls.__qualname__
        self.fields: Dict[str, Field] = fields_of(cls, Record)
        self.key = cls._key_field or ("id" if "id" in self.fields else None)
        if self.key is not None:
            words = self.fields[self.key].words if self.key in self.fields else None
            if words not in ("str", "int"):
                reason = "its key is to be %s, which is no field of type str or int" % self.key
                raise RecordDefinitionError(self.label, reason)
        self.sensitive = cls._sensitive
        for name in sorted(self.sensitive - set(self.fields)):
            reason = "sensitive names %s, which is none of its fields" % name
            raise RecordDefinitionError(self.label, reason)
        for name in self.sensitive:
            self.fields[name].sensitive = True
        self.numbered = self.key is None or self.fields[self.key].words == "int"
        self.counter = PREFIX + cls._stored_name
        self.prefix = self.counter + "."

    def row(self, key: Any) -> str:
        """The name of a record's row."""
        return "%s%s" % (self.prefix, key)

    def key_of(self, row: str) -> Any:
        """The key of a record, from the end of its row's name."""
        return int(row) if self.numbered else row

    def check_key(self, key: Any) -> None:
        """Refuse what can be no key.

        Raises:
            RecordFieldError: it is of another type, or a string that cannot name a row.
        """
        if self.key is not None:
            self.fields[self.key].check(key)
        elif not isinstance(key, int) or isinstance(key, bool):
            raise RecordFieldError(
                self.label, "id", "int", key, "it takes int, and not %s" % kind_of(key), key
            )
        try:
            str(key).encode()
        except UnicodeEncodeError:
            reason = "it has characters that no text has"
            raise RecordFieldError(self.label, self.key or "id", "str", key, reason, key) from None

    def read(self, key: Any) -> Optional[Dict[str, Any]]:
        """The stored fields of a record; ``None`` if there is none."""
        found = unit_state.unit.get(self.row(key))
        return None if found is None else self.migrated(key, found)

    def read_all(self) -> List[Tuple[Any, Dict[str, Any]]]:
        """Key and stored fields of all records, in the order of their keys."""
        rows = unit_state.unit.getrange(self.prefix)
        try:
            found = [(self.key_of(row), stored) for row, stored in rows.items()]
        except ValueError:
            raise RecordError(
                self.label, "rows %s* have keys that are no numbers, as if of another class" % self.prefix
            ) from None
        found.sort(key=lambda item: item[0])
        return [(key, self.migrated(key, stored)) for key, stored in found]

    def migrated(self, key: Any, stored: Any) -> Dict[str, Any]:
        """Stored fields as the class has them today."""
        if isinstance(stored, dict):
            stored = self.cls.migrate(stored)
        if not isinstance(stored, dict):
            raise RecordError(
                self.label, "the row of a record holds %s, and no record" % kind_of(stored), key
            )
        return stored

    def load(self, key: Any, stored: Dict[str, Any]) -> Any:
        """The record of these stored fields."""
        record = self.cls.__new__(self.cls)
        values = record.__dict__
        values["_condition"] = _SAVED
        values["_key"] = key
        values["_stored"] = stored
        for name, field in self.fields.items():
            value = field.of(stored)
            field.check(value, "a record has another value than the class wants today: ", key)
            values[name] = copied(value)
        return record

    def next_key(self) -> int:
        """A key that no record of the class has had."""
        unit = unit_state.unit
        unit.begin()
        last: int = unit.get(self.counter, 0)
        unit.set(self.counter, last + 1)
        return last + 1


class _Memory:
    """All that this module remembers: which class has used a name in this unit state."""

    def __init__(self) -> None:
        self.storage: object = None
        self.users: Dict[str, Type[Record]] = {}


_memory = _Memory()


def _model(cls: Type[Record]) -> _Model:
    """What is known of a class that is about to be used."""
    model = cls.__dict__.get("_model")
    if model is None:
        if cls is Record:
            raise RecordDefinitionError("Record", "use a subclass with the fields that you need")
        cls._model = model = _Model(cls)
    unit = unit_state.unit
    unit.fresh()
    if _memory.storage is not unit._storage:
        _memory.storage = unit._storage
        _memory.users.clear()
    user = _memory.users.setdefault(model.counter, cls)
    if user is not cls:
        _refuse_twins(cls, user)
        _memory.users[model.counter] = cls
    found: _Model = model
    return found


def _refuse_twins(cls: Type[Record], other: Type[Record]) -> None:
    """Two classes in use must not share rows by accident; by a name that is given in one, they may."""
    places = ["%s.%s" % (it.__module__, it.__qualname__) for it in (other, cls)]
    given = any(it._stored_name != it.__name__ for it in (cls, other))
    if places[0] != places[1] and not given and _is_current(cls) and _is_current(other):
        reason = (
            "both %s and %s would be kept under the name %s; give one of them another: class X(Record, "
            'name="...")' % (*places, cls._stored_name)
        )
        raise RecordDefinitionError(cls.__qualname__, reason)


def _is_current(cls: type) -> bool:
    """Whether a class is what its module has under its name, and no leftover or local class."""
    found: Any = sys.modules.get(cls.__module__)
    for word in cls.__qualname__.split("."):
        found = getattr(found, word, None)
    return found is cls


@dataclass_transform(kw_only_default=True, eq_default=False)
class Record:
    """Base of all classes of records.

    The annotations of a class are the fields of its records, those of its base classes included; a
    value that is assigned to one is its default. Fields hold what JSON can: ``str``, ``int``,
    ``float``, ``bool``, ``None``, and lists and dicts of these. Every value is checked when it is
    assigned, and what is inside lists and dicts when the record is saved.

    Two records are equal if they are of one class and have the same key and fields. Shown in a log or
    a traceback, a record has the types of its fields and not their values.

    Args:
        key: (of the class, ``class Setting(Record, key="name")``) the field that identifies a record,
            a ``str`` or ``int``; without it a field named ``id``, and without that records are
            numbered, from 1. A key is never given twice, unless by a hook that was rolled back.
        name: (of the class) what the class is called in the unit state; by default its own name. A
            class that is renamed keeps its records if it keeps this.
        sensitive: (of the class) the fields whose values are for nobody to see, those of base classes
            included: what is :meth:`redacted` does not have them, and no error does.
        fields: (of the constructor) the values of the fields. The record is not kept until it is saved.

    Raises:
        RecordDefinitionError: (when the class is used) it is defined in a way that cannot work.
        RecordFieldError: a value is not what its field takes, is missing, or there is no such field;
            it is a :class:`TypeError`.
    """

    if TYPE_CHECKING:
        _model: ClassVar[Optional[_Model]]
        _stored_name: ClassVar[str]
        _key_field: ClassVar[Optional[str]]
        _sensitive: ClassVar[FrozenSet[str]]
    else:
        _key_field = None
        _sensitive = frozenset()

    def __init_subclass__(
        cls,
        *,
        key: Optional[str] = None,
        name: Optional[str] = None,
        sensitive: Union[str, Iterable[str]] = (),
        **others: Any,
    ) -> None:
        super().__init_subclass__(**others)
        cls._sensitive = cls._sensitive.union([sensitive] if isinstance(sensitive, str) else sensitive)
        cls._stored_name = cls.__name__ if name is None else name
        if not _NAME.match(cls._stored_name):
            reason = "its name must be of letters, digits, - and _, and not %r" % (cls._stored_name,)
            raise RecordDefinitionError(cls.__qualname__, reason)
        if key is not None:
            cls._key_field = key

    if not TYPE_CHECKING:

        def __init__(self, **fields: Any) -> None:
            model = _model(type(self))
            self.__dict__.update(_condition=_NEW, _key=None, _stored=None)
            for name in fields:
                if name not in model.fields:
                    raise _no_field(model, name)
            for name, field in model.fields.items():
                if name in fields:
                    setattr(self, name, fields[name])
                else:
                    self.__dict__[name] = field.default()

        def __setattr__(self, name: str, value: Any) -> None:
            model = type(self).__dict__.get("_model") or _model(type(self))
            field = model.fields.get(name)
            if field is not None:
                if name == model.key:
                    model.check_key(value)
                    if self._condition != _NEW and value != self._key:
                        reason = "it is the key of the record, and stays what it is"
                        raise RecordFieldError(model.label, name, field.words, value, reason, self._key)
                field.check(value)
                self.__dict__[name] = value
            elif name.startswith("_") or (name != "id" and hasattr(type(self), name)):
                object.__setattr__(self, name, value)
            else:
                raise _no_field(model, name)

    @property
    def id(self) -> Any:
        """The key; a number, or the value of the key field. ``None`` before an automatic one is given."""
        key = _model(type(self)).key
        return self.__dict__["_key"] if key is None else self.__dict__[key]

    # -- finding ----------------------------------------------------------------------------
    @overload
    @classmethod
    def get(cls: Type[R], key: Union[str, int], /) -> R: ...

    @overload
    @classmethod
    def get(cls: Type[R], key: Union[str, int], default: D, /) -> Union[R, D]: ...  # noqa: F811

    @overload
    @classmethod
    def get(cls: Type[R], /, **fields: Any) -> R: ...  # noqa: F811

    @classmethod
    def get(  # noqa: F811 -- ruff does not know that it is typing's overload
        cls: Type[R], key: Any = _OMITTED, default: Any = _OMITTED, /, **fields: Any
    ) -> Any:
        """The one record of a key, or with these fields.

        Args:
            key: its key.
            default: what to return if there is none.
            fields: values of fields, in place of the key; the only record that has them is returned.

        Raises:
            RecordNotFoundError: there is none, and no default; it is a :class:`LookupError`.
            RecordAmbiguousError: several have these fields.
            RecordFieldError: the key or a value is not what its field takes.
        """
        model = _model(cls)
        if key is _OMITTED:
            if not fields:
                raise RecordError(model.label, "get() needs a key, or values of fields")
            found = cls.filter(**fields)
            if not found:
                raise RecordNotFoundError(model.label, fields)
            if len(found) > 1:
                raise RecordAmbiguousError(model.label, fields, len(found))
            return found[0]
        if fields:
            raise RecordError(model.label, "get() takes a key or values of fields, not both")
        model.check_key(key)
        stored = model.read(key)
        if stored is None:
            if default is _OMITTED:
                raise RecordNotFoundError(model.label, key)
            return default
        return model.load(key, stored)

    @classmethod
    def all(cls: Type[R]) -> List[R]:
        """All records of the class, without those of its subclasses, in the order of their keys.

        Raises:
            RecordFieldError: a stored value is not what its field takes; see :meth:`migrate`.
        """
        model = _model(cls)
        return [model.load(key, stored) for key, stored in model.read_all()]

    @classmethod
    def filter(cls: Type[R], **fields: Any) -> List[R]:
        """The records with these values of fields, in the order of their keys.

        Raises:
            RecordFieldError: there is no such field, or a value is not what it takes.
        """
        model = _model(cls)
        key = _OMITTED
        for name, value in fields.items():
            if name == model.key or (name == "id" and model.key is None):
                model.check_key(value)
                key = value
            elif name not in model.fields:
                raise _no_field(model, name)
            else:
                model.fields[name].check(value)
        if key is not _OMITTED:
            stored = model.read(key)
            candidates = [] if stored is None else [(key, stored)]
        else:
            candidates = model.read_all()
        wanted = [(model.fields[name], value) for name, value in fields.items() if name in model.fields]
        return [
            model.load(key, stored)
            for key, stored in candidates
            if all(field.of(stored) == value for field, value in wanted)
        ]

    def redacted(self) -> Dict[str, Any]:
        """The fields for people to see: in the place of values of sensitive ones is ``[REDACTED]``."""
        model = _model(type(self))
        return {
            name: REDACTED if name in model.sensitive else copied(self.__dict__[name])
            for name in model.fields
        }

    # -- changing ---------------------------------------------------------------------------
    if TYPE_CHECKING:

        @classmethod
        def create(cls: Callable[P, R], *args: P.args, **fields: P.kwargs) -> R: ...
    else:

        @classmethod
        def create(cls: Type[R], **fields: Any) -> R:
            """Make a record and save it.

            Raises:
                RecordFieldError: a value is not what its field takes, is missing, or there is no such field.
                RecordExistsError: there is a record of that key.
            """
            record = cls(**fields)
            record.save()
            return record

    def save(self) -> None:
        """Keep the record as it is now, in the open transaction of the hook.

        A new record is created. Of another one, the fields are written that differ from what was read
        or saved last; what others have made of the rest meanwhile stays, and the object takes it over.
        If nothing differs, nothing is written and no event emitted: there would be no diff to tell.

        Handlers of the Pre event may change the record, which is then part of what is written and of
        the diff of the Post event. After them :meth:`validate` has a look at it.

        Raises:
            RecordFieldError: a list or dict holds what its field does not take.
            RecordExistsError: it is new, and there is a record of that key.
            RecordNotFoundError: it was deleted, or the hook that made it was rolled back.
            RecordError: a handler of its Pre event saves it; its changes are saved without that.
        """
        model = _model(type(self))
        if self.__dict__["_condition"] == _NEW:
            self._create(model)
        else:
            self._update(model)

    def delete(self) -> None:
        """Delete the record. The object keeps its fields and cannot be saved again.

        Raises:
            RecordNotFoundError: it is not there: never saved, deleted before, or rolled back.
            RecordError: a handler of its Pre event deletes it too.
        """
        model = _model(type(self))
        self._read_again(model)
        with _Busy(self, model):
            events.emit_event(events.PreRecordDelete, origin=type(self), record=self)
        self._read_again(model)
        unit_state.unit.unset(model.row(self.id))
        self.__dict__["_condition"] = _DELETED
        events.emit_event(events.PostRecordDelete, origin=type(self), record=self)

    def refresh(self) -> None:
        """Read the fields again, and forget what was changed and not saved.

        Raises:
            RecordNotFoundError: the record is not there.
        """
        model = _model(type(self))
        stored = self._read_again(model)
        self.__dict__.update(model.load(self.id, stored).__dict__)

    def validate(self) -> None:
        """Refuse a record that the class does not want, by raising; to be overridden.

        It is called when the record is saved, after the handlers of the Pre event, which may have
        changed it, and before anything is written. What is raised comes out of :meth:`save`.
        """

    @classmethod
    def migrate(cls, stored: Dict[str, Any]) -> Dict[str, Any]:
        """Make stored fields what the class wants today; to be overridden.

        It is called for every record that is read. A field that is new and has a default needs nothing
        of it, and one that the class no longer has is kept. A field that was renamed, or is of another
        type now, does.

        Args:
            stored: the fields as they are stored, to be changed as you like.

        Returns:
            The fields as they are to be.
        """
        return stored

    def _create(self, model: _Model) -> None:
        if model.key is None and self.__dict__["_key"] is None:
            self.__dict__["_key"] = model.next_key()
        self._refuse_existing(model)
        with _Busy(self, model):
            events.emit_event(events.PreRecordCreate, origin=type(self), record=self)
        self._refuse_existing(model)
        self.validate()
        fields = self._fields(model)
        unit_state.unit.set(model.row(self.id), fields)
        self.__dict__.update(_condition=_SAVED, _key=self.id, _stored=copied(fields))
        events.emit_event(events.PostRecordCreate, origin=type(self), record=self)

    def _update(self, model: _Model) -> None:
        stored = self._read_again(model)
        diff = self._diff(model, stored)
        if diff:
            with _Busy(self, model):
                events.emit_event(events.PreRecordUpdate, origin=type(self), record=self, diff=diff)
            self.validate()
            unit_state.unit.begin()
            stored = self._read_again(model)
            diff = self._diff(model, stored)
        new = dict(stored)
        new.update((name, values[1]) for name, values in diff.items())
        if diff:
            unit_state.unit.set(model.row(self.id), new)
        for name, field in model.fields.items():
            value = field.of(new)
            if self.__dict__[name] != value:
                field.check(value, "others have stored what the class does not want: ")
                self.__dict__[name] = copied(value)
        self.__dict__["_stored"] = new
        if diff:
            events.emit_event(events.PostRecordUpdate, origin=type(self), record=self, diff=diff)

    def _refuse_existing(self, model: _Model) -> None:
        if unit_state.unit.get(model.row(self.id)) is not None:
            raise RecordExistsError(model.label, self.id)

    def _read_again(self, model: _Model) -> Dict[str, Any]:
        """What is stored now."""
        condition = self.__dict__["_condition"]
        if condition == _NEW:
            raise RecordNotFoundError(model.label, self.id, "it was never saved")
        stored = None if condition == _DELETED else model.read(self.id)
        if stored is None:
            raise RecordNotFoundError(
                model.label, self.id, "it was deleted, or made in a hook that was rolled back"
            )
        return stored

    def _fields(self, model: _Model) -> Dict[str, Any]:
        """All fields as they are to be stored, checked to the bottom of their lists and dicts."""
        for name, field in model.fields.items():
            field.check(self.__dict__[name])
        return {name: copied(self.__dict__[name]) for name in model.fields}

    def _diff(self, model: _Model, stored: Dict[str, Any]) -> RecordDiff:
        """The fields that this object has changed and that differ from what is stored now."""
        known = self.__dict__["_stored"]
        diff = {}
        for name, value in self._fields(model).items():
            field = model.fields[name]
            if not _same(value, field.of(known)):
                before = field.of(stored)
                if not _same(value, before):
                    diff[name] = (copied(before), value)
        return RecordDiff._of(diff, model.sensitive)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, Record)
        model = _model(type(self))
        mine, theirs = self.__dict__, other.__dict__
        return self.id == other.id and all(mine[name] == theirs[name] for name in model.fields)

    def __repr__(self) -> str:
        model = _model(type(self))
        names = list(model.fields) if model.key is not None else ["id"] + list(model.fields)
        kinds = ["%s: %s" % (name, kind_of(getattr(self, name, None))) for name in names]
        return "<%s>" % ", ".join([type(self).__name__, *kinds])


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same in JSON, to which ``1`` and ``True`` are two."""
    if type(one) is not type(other) and (isinstance(one, bool) or isinstance(other, bool)):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def _no_field(model: _Model, name: str) -> RecordFieldError:
    has = "it has %s" % ", ".join(model.fields) if model.fields else "it has none"
    return RecordFieldError(model.label, name, None, None, "the class has no such field; %s" % has)


class _Busy:
    """The time in which a record's Pre event is handled, when it cannot be saved or deleted as well."""

    def __init__(self, record: Record, model: _Model) -> None:
        self._values = record.__dict__
        if self._values.get("_busy"):
            raise RecordError(
                model.label,
                "the record is about to be saved or deleted already; a handler of a Pre event changes the "
                "record and leaves that to whoever has begun it",
                record.id,
            )

    def __enter__(self) -> None:
        self._values["_busy"] = True

    def __exit__(self, *_: object) -> None:
        del self._values["_busy"]
