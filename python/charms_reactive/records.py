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

import json
import re
import sys

from . import events
from ._alias import on_demand
from ._errors import kind_of
from ._errors.rare import (
    RecordAmbiguousError,
    RecordDefinitionError,
    RecordError,
    RecordExistsError,
    RecordFieldError,
    RecordNotFoundError,
    RecordReferenceError,
)
from ._events.event_registry import heard
from ._events.record_events import REDACTED, RecordDiff
from ._events.system_events import on_commit
from ._records.record_fields import Sensitive as _Sensitive
from ._records.record_model import DELETED, NEW, SAVED, RecordModel, dumped, is_same
from ._records.savepoints import atomic
from ._unit_state import texts, unit_state

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
        Mapping,
        Optional,
        Tuple,
        Type,
        TypeVar,
        Union,
        overload,
    )

    from typing_extensions import Annotated, ParamSpec, dataclass_transform

    from ._records.queries import Query as Query

    R = TypeVar("R", bound="Record")
    D = TypeVar("D")
    P = ParamSpec("P")
    #: Marks a field whose values are for nobody to see; to type checkers it is of the type in brackets.
    Sensitive = Annotated[D, "sensitive"]
else:
    Sensitive = _Sensitive

    def overload(function):  # noqa: ANN001, ANN202 -- it is what type checkers never see
        return function

    def dataclass_transform(**_):  # noqa: ANN003, ANN202
        return lambda cls: cls


__all__ = [
    "Query",
    "Record",
    "RecordAmbiguousError",
    "RecordDefinitionError",
    "RecordError",
    "RecordExistsError",
    "RecordFieldError",
    "RecordNotFoundError",
    "RecordReferenceError",
    "Sensitive",
    "atomic",
    "on_commit",
]

_OMITTED: Any = unit_state.OMITTED
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")


class _Memory:
    """All that this module remembers: which class has used a name in this unit state."""

    def __init__(self) -> None:
        self.storage: object = None
        self.users: Dict[str, Type[Record]] = {}


_memory = _Memory()


def _model(cls: Any) -> RecordModel:
    """What is known of a class that is about to be used."""
    model = cls.__dict__.get("_model")
    if model is not None and model.memory is _memory and model.storage is unit_state.unit._storage:
        return model  # type: ignore[no-any-return]
    if model is None:
        if cls is Record:
            raise RecordDefinitionError("Record", "use a subclass with the fields that you need")
        cls._model = model = RecordModel(cls, Record)
    unit = unit_state.unit
    unit.fresh()
    if _memory.storage is not unit._storage:
        _memory.storage = unit._storage
        _memory.users.clear()
    user = _memory.users.setdefault(model.counter, cls)
    if user is not cls:
        _refuse_twins(cls, user)
        _memory.users[model.counter] = cls
        _model_of(user).storage = None  # it has to ask again
    model.memory, model.storage = _memory, unit._storage
    model.reported.clear()
    return model  # type: ignore[no-any-return]


def _model_of(cls: Any) -> RecordModel:
    """The model of a class that was used before."""
    return cls._model  # type: ignore[no-any-return]


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
            included: what is :meth:`redacted` does not have them, and no error does. A field that is
            annotated ``Sensitive[...]`` is one without being named here.
        index: (of the class) fields by which records are found without reading them all.
        unique: (of the class) fields in which no two records have the same value, unless it is ``None``;
            they have an index.
        references: (of the class) fields that hold the key of another record: by field, the class of that
            one, or the name of this class. They have an index. The record must be there, unless the field
            holds ``None``, and cannot be deleted as long as another one refers to it.
        cascade: (of the class) those of the references with which a record is deleted together.
        fields: (of the constructor) the values of the fields. The record is not kept until it is saved.

    Raises:
        RecordDefinitionError: (when the class is used) it is defined in a way that cannot work.
        RecordFieldError: a value is not what its field takes, is missing, or there is no such field;
            it is a :class:`TypeError`.
    """

    if TYPE_CHECKING:
        _model: ClassVar[Optional[RecordModel]]
        _stored_name: ClassVar[str]
        _key_field: ClassVar[Optional[str]]
        _sensitive: ClassVar[FrozenSet[str]]
        _index: ClassVar[FrozenSet[str]]
        _unique: ClassVar[FrozenSet[str]]
        _cascade: ClassVar[FrozenSet[str]]
        _references: ClassVar[Mapping[str, Any]]
        _referrers: ClassVar[List[Any]]
    else:
        _key_field = None
        _sensitive = _index = _unique = _cascade = frozenset()
        _references = {}

    def __init_subclass__(
        cls,
        *,
        key: Optional[str] = None,
        name: Optional[str] = None,
        sensitive: Union[str, Iterable[str]] = (),
        index: Union[str, Iterable[str]] = (),
        unique: Union[str, Iterable[str]] = (),
        references: Optional[Mapping[str, Union[Type[Record], str]]] = None,
        cascade: Union[str, Iterable[str]] = (),
        **others: Any,
    ) -> None:
        super().__init_subclass__(**others)
        cls._sensitive = _with(cls._sensitive, sensitive)
        cls._index = _with(cls._index, index)
        cls._unique = _with(cls._unique, unique)
        cls._cascade = _with(cls._cascade, cascade)
        cls._references = {**cls._references, **(references or {})}
        cls._referrers = []
        for target in cls._references.values():
            if isinstance(target, type) and issubclass(target, Record) and target is not Record:
                target._referrers.append(cls)
            elif target == cls.__name__:
                cls._referrers.append(cls)
        cls._stored_name = cls.__name__ if name is None else name
        if not _NAME.match(cls._stored_name):
            reason = "its name must be of letters, digits, - and _, and not %r" % (cls._stored_name,)
            raise RecordDefinitionError(cls.__qualname__, reason)
        if key is not None:
            cls._key_field = key

    if not TYPE_CHECKING:

        def __init__(self, **fields: Any) -> None:
            cls = type(self)
            model = _model(cls)
            values = self.__dict__
            values["_condition"] = NEW
            values["_key"] = values["_stored"] = None
            values.update(model.defaults)
            exact = model.exact
            for name, value in fields.items():
                types = exact.get(name)
                if types is None:
                    raise _no_field(model, name)
                if type(value) in types and (name != model.key or (type(value) is str and value.isascii())):
                    values[name] = value
                else:
                    setattr(self, name, value)
            for name, field in model.own_defaults:
                if name not in fields:
                    values[name] = field.default()
            if len(values) < len(exact) + 3:
                for name, field in model.fields.items():
                    if name not in values:
                        field.default()

        def __setattr__(self, name: str, value: Any) -> None:
            cls = type(self)
            model = cls.__dict__.get("_model") or _model(cls)
            types = model.exact.get(name)
            if types is not None:
                if name == model.key:
                    model.check_key(value)
                    if self._condition != NEW and value != self._key:
                        field = model.fields[name]
                        reason = "it is the key of the record, and stays what it is"
                        raise RecordFieldError(model.label, name, field.words, value, reason, self._key)
                if type(value) not in types:
                    model.fields[name].check(value)
                self.__dict__[name] = value
            elif name.startswith("_") or (name != "id" and hasattr(cls, name)):
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
        text = texts.read(unit_state.unit, model.prefix + str(key))
        if text is None:
            if default is _OMITTED:
                raise RecordNotFoundError(model.label, key)
            return default
        return model.load(key, text)

    @classmethod
    def all(cls: Type[R]) -> List[R]:
        """All records of the class, without those of its subclasses, in the order of their keys.

        One that cannot be read is left out, and the log says so; see :meth:`migrate`.

        Raises:
            RecordError: one cannot be read, in strict mode.
        """
        model = _model(cls)
        return list(model.load_each(model.rows()))

    @classmethod
    def filter(cls: Type[R], *predicates: Callable[[R], bool], **conditions: Any) -> List[R]:
        """The records that fulfil all conditions, in the order of their keys; see :meth:`where`.

        Raises:
            RecordFieldError: there is no such field, or a value is not what it takes.
        """
        return cls.where(*predicates, **conditions).all()

    @classmethod
    def where(cls: Type[R], *predicates: Callable[[R], bool], **conditions: Any) -> Query[R]:
        """A query: its records can be gone through, counted, ordered, changed and deleted.

        Args:
            predicates: functions of a record that say whether it is wanted. Type checkers see into these.
            conditions: ``FIELD=VALUE``, or a comparison behind the field's name: ``__lt``, ``__le``,
                ``__gt``, ``__ge``, ``__ne``, ``__in`` (one of these), ``__contains`` (of lists, dicts and
                text), ``__startswith``. Of a field that is ``None`` only the equality is true.

        Raises:
            RecordFieldError: there is no such field or comparison, or a value is not what the field takes.
        """
        from ._records.queries import Query  # who only reads by key has no use for it

        query: Query[R] = Query(_model(cls))
        return query.where(*predicates, **conditions)

    @classmethod
    def get_or_create(
        cls: Type[R], /, defaults: Optional[Mapping[str, Any]] = None, **fields: Any
    ) -> Tuple[R, bool]:
        """The one record with these fields, which is made if there is none.

        Args:
            fields: what identifies it.
            defaults: further fields of a new one.

        Returns:
            The record, and whether it was made.

        Raises:
            RecordAmbiguousError: several have these fields.
        """
        try:
            return cls.get(**fields), False
        except RecordNotFoundError:
            create: Any = cls.create
            return create(**{**fields, **(defaults or {})}), True

    @classmethod
    def create_many(cls: Type[R], records: Iterable[Union[R, Mapping[str, Any]]]) -> List[R]:
        """Save many new records: all or, if one cannot be saved, none.

        Args:
            records: records that are not kept yet, or the fields of each.
        """
        with atomic():
            made: List[R] = []
            for one in records:
                record: Any = one if isinstance(one, Record) else cls(**one)
                record.save()
                made.append(record)
        return made

    @classmethod
    def delete_by_key(cls, key: Union[str, int], /) -> bool:
        """Delete the record of a key, with its events; returns whether there was one.

        A record that can no longer be read is deleted, too, without events.
        """
        model = _model(cls)
        model.check_key(key)
        try:
            record = model.read(key)
        except RecordError:
            return texts.remove(unit_state.unit, model.row(key))
        if record is None:
            return False
        record.delete()
        return True

    def redacted(self) -> Dict[str, Any]:
        """The fields for people to see: in the place of values of sensitive ones is ``[REDACTED]``."""
        model = _model(type(self))
        return {
            name: REDACTED if name in model.sensitive else field.kind.copy(self.__dict__[name])
            for name, field in model.fields.items()
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
            RecordExistsError: it is new, and there is a record of that key, or one has the same value in a
                field that is unique.
            RecordReferenceError: it refers to a record that is not there.
            RecordNotFoundError: it was deleted, or the hook that made it was rolled back.
            RecordError: a handler of its Pre event saves it; its changes are saved without that.
        """
        model = _model(type(self))
        if self.__dict__["_condition"] == NEW:
            self._create(model)
        else:
            self._update(model)

    def delete(self) -> None:
        """Delete the record. The object keeps its fields and cannot be saved again.

        Records that refer to it by a reference of ``cascade`` are deleted before it.

        Raises:
            RecordNotFoundError: it is not there: never saved, deleted before, or rolled back.
            RecordReferenceError: another record refers to it.
            RecordError: a handler of its Pre event deletes it too.
        """
        cls = type(self)
        model = _model(cls)
        values = self.__dict__
        row = model.prefix + str(values["_key"])
        if cls._referrers and values["_condition"] == SAVED:
            from ._records.references import let_go  # few records are referred to

            with atomic():
                let_go(cls, self, _model)
                self._delete(model, row)
        elif model.is_heard():
            self._delete(model, row)
        elif values["_condition"] == SAVED and texts.remove(unit_state.unit, row):
            values["_condition"] = DELETED
        else:
            self._read_again(model)

    def _delete(self, model: RecordModel, row: str) -> None:
        cls = type(self)
        self._read_again(model)
        with _Busy(self, model):
            events.emit_event(events.PreRecordDelete, origin=cls, record=self)
        if not texts.remove(unit_state.unit, row):
            self._read_again(model)
        self.__dict__["_condition"] = DELETED
        events.emit_event(events.PostRecordDelete, origin=cls, record=self)

    def _is_gone(self) -> bool:
        """Whether its row is no longer there."""
        return texts.read(unit_state.unit, _model(type(self)).row(self.id)) is None

    def refresh(self) -> None:
        """Read the fields again, and forget what was changed and not saved.

        Raises:
            RecordNotFoundError: the record is not there.
        """
        model = _model(type(self))
        self.__dict__.update(model.load(self.id, self._read_again(model)).__dict__)

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
        type now, does. What it changes is kept with the hook in which the record was read.

        Args:
            stored: the fields as they are stored, to be changed as you like.

        Returns:
            The fields as they are to be.
        """
        return stored

    def _create(self, model: RecordModel) -> None:
        cls = type(self)
        values = self.__dict__
        unit = unit_state.unit
        if model.sensitive:
            model.hide()
        if model.key is not None:
            key = values[model.key]
        elif values["_key"] is None:
            key = values["_key"] = model.next_key()
        else:
            key = values["_key"]
        row = model.prefix + str(key)
        if model.is_heard() and heard(events.PreRecordCreate, cls):
            if texts.read(unit, row) is not None:
                raise RecordExistsError(model.label, key)
            with _Busy(self, model):
                events.emit_event(events.PreRecordCreate, origin=cls, record=self)
            if model.key is not None:  # which a handler may have changed
                key = values[model.key]
                row = model.prefix + str(key)
        if model.validates:
            self.validate()
        if model.unique or model.references:
            self._check_others(model, key, [*model.unique, *model.references])
        text = model.text(values)
        if not texts.insert(unit, row, text):
            raise RecordExistsError(model.label, key)
        if model.key is None:
            model.keep_number()
        values["_condition"] = SAVED
        values["_key"] = key
        values["_stored"] = text
        values["_is_exact"] = True
        if model.is_heard() and heard(events.PostRecordCreate, cls):
            events.emit_event(events.PostRecordCreate, origin=cls, record=self)

    def _update(self, model: RecordModel) -> None:
        values = self.__dict__
        if not (model.is_heard() or model.validates or model.migrates or model.unique or model.references):
            # Nobody wants to know what has changed: it is enough that nobody else has changed it.
            before = values["_stored"]
            text = model.text(values)
            if (
                values["_is_exact"]
                and values["_condition"] == SAVED
                and text != before
                and texts.replace(unit_state.unit, model.prefix + str(values["_key"]), before, text)
            ):
                values["_stored"] = text
                return
        self._update_and_tell(model)

    def _update_and_tell(self, model: RecordModel) -> None:
        text, stored = model.migrated(self.id, self._read_again(model))
        diff = self._diff(model, stored)
        if diff:
            with _Busy(self, model):
                events.emit_event(events.PreRecordUpdate, origin=type(self), record=self, diff=diff)
            self.validate()
            unit_state.unit.begin()
            text, stored = model.migrated(self.id, self._read_again(model))
            diff = self._diff(model, stored)
        new = dict(stored)
        new.update((name, model.fields[name].stored(pair[1])) for name, pair in diff.items())
        if diff:
            self._check_others(
                model, self.id, [name for name in (*model.unique, *model.references) if name in diff]
            )
            if model.sensitive:
                model.hide()
            now = dumped(new)
            texts.replace(unit_state.unit, model.row(self.id), text, now)
            text = now
        others = "others have stored what the class does not want: "
        for name, field in model.fields.items():
            value = model.value_of(field, new, self.id, others)
            if self.__dict__[name] != value:
                self.__dict__[name] = value
        self.__dict__["_stored"] = text
        self.__dict__["_is_exact"] = len(new) == len(model.fields)
        if diff:
            events.emit_event(events.PostRecordUpdate, origin=type(self), record=self, diff=diff)

    def _check_others(self, model: RecordModel, key: Any, names: Iterable[str]) -> None:
        """Refuse a value that another record has in a unique field, or that refers to nothing."""
        if names:
            from ._records.references import check

            check(type(self), model, self.__dict__, key, names, _model)

    def _read_again(self, model: RecordModel) -> str:
        """The row as it is now."""
        condition = self.__dict__["_condition"]
        if condition == NEW:
            raise RecordNotFoundError(model.label, self.id, "it was never saved")
        text = None if condition == DELETED else texts.read(unit_state.unit, model.row(self.id))
        if text is None:
            raise RecordNotFoundError(
                model.label, self.id, "it was deleted, or made in a hook that was rolled back"
            )
        return text

    def _diff(self, model: RecordModel, stored: Dict[str, Any]) -> RecordDiff:
        """The fields that this object has changed and that differ from what is stored now."""
        known = json.loads(self.__dict__["_stored"])
        diff = {}
        for name, value in model.stored(self.__dict__).items():
            field = model.fields[name]
            if not is_same(value, field.raw(known)) and not is_same(value, field.raw(stored)):
                diff[name] = (field.before(stored), field.kind.copy(self.__dict__[name]))
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


def _with(names: FrozenSet[str], more: Union[str, Iterable[str]]) -> FrozenSet[str]:
    return names.union([more] if isinstance(more, str) else more)


def _no_field(model: RecordModel, name: str) -> RecordFieldError:
    has = "it has %s" % ", ".join(model.fields) if model.fields else "it has none"
    return RecordFieldError(model.label, name, None, None, "the class has no such field; %s" % has)


class _Busy:
    """The time in which a record's Pre event is handled, when it cannot be saved or deleted as well."""

    def __init__(self, record: Record, model: RecordModel) -> None:
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


if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), {"Query": "_records.queries"})
