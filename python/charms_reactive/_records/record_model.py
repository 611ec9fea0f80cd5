"""What is known of a class of records: its fields, its rows, and how a row becomes a record and back.

A record whose row is as its class writes it is read and written without looking at each part: values
whose type alone says that they fit are not looked at further, and the text of the row is kept, to tell
later whether anything has changed. Every other row takes the way that says what is wrong with it.
"""

from __future__ import annotations

import json
from json import encoder as _json_encoder

from charms_reactive._errors import kind_of
from charms_reactive._errors.rare import RecordDefinitionError, RecordError, RecordFieldError
from charms_reactive._events import event_registry
from charms_reactive._events.record_events import EVENTS
from charms_reactive._juju import juju_log, settings
from charms_reactive._unit_state import texts, unit_state

from .record_fields import fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

    from .record_fields import Field

__all__ = ["DELETED", "NEW", "PREFIX", "SAVED", "RecordModel", "is_same"]

#: A record is the row ``reactive.records.NAME.KEY`` of the unit state, a mapping of its fields; the row
#: ``reactive.records.NAME`` has the last automatic key of that class.
PREFIX = "reactive.records."

#: Which fields of a class are for nobody to see: for what shows rows without knowing the classes.
HIDDEN = "reactive.records_hidden."

#: What has become of a record, as far as the object knows.
NEW, SAVED, DELETED = "new", "saved", "deleted"

_MISSING: Any = object()
_decoder: Any = json.JSONDecoder()
_scan = _decoder.scan_once


def _new_encoder() -> Any:
    """What ``json.dumps`` makes anew for each value; none where json has no part in C."""
    make: Any = getattr(_json_encoder, "c_make_encoder", None)
    if make is None:
        return None
    text = _json_encoder.encode_basestring_ascii
    return make(None, None, text, None, ": ", ", ", False, False, False)


_encode = _new_encoder()


def dumped(value: Any) -> str:
    """A value as ``json.dumps`` writes it, in half of its time."""
    return "".join(_encode(value, 0)) if _encode is not None else json.dumps(value)


class RecordModel:
    """What is known of a class of records, once it is used.

    Args:
        cls: the class.
        base: ``Record``.

    Raises:
        RecordDefinitionError: the class is defined in a way that cannot work.
    """

    def __init__(self, cls: Any, base: Any) -> None:
        self.cls = cls
        self.label: str = cls.__qualname__
        self.fields: Dict[str, Field] = fields_of(cls, base)
        self.key: Optional[str] = cls._key_field or ("id" if "id" in self.fields else None)
        if self.key is not None:
            words = self.fields[self.key].words if self.key in self.fields else None
            if words not in ("str", "int"):
                raise self.wrong("its key is to be %s, which is no field of type str or int" % self.key)
        for name in self._named("sensitive", cls._sensitive):
            self.fields[name].sensitive = True
        self.sensitive = frozenset(name for name, field in self.fields.items() if field.sensitive)
        self.unique = self._named("unique", cls._unique)
        self.cascade = self._named("cascade", cls._cascade)
        self.references: Dict[str, Any] = {
            name: cls if target == cls.__name__ else target for name, target in cls._references.items()
        }
        self._named("references", self.references)
        for name in self.cascade:
            if name not in self.references:
                raise self.wrong("cascade names %s, which is none of its references" % name)
        for name, target in self.references.items():
            if not (isinstance(target, type) and issubclass(target, base)):
                raise self.wrong("the reference %s is to name a class of records" % name)
        indexed = {*self._named("index", cls._index), *self.unique, *self.references}
        self.indexed = [name for name in self.fields if name in indexed and name != self.key]
        for name in self.indexed:
            if self.fields[name].kind.stored_as is None or not name.isascii():
                raise self.wrong("field %s cannot be indexed: SQLite cannot compare what it holds" % name)
        self.numbered = self.key is None or self.fields[self.key].words == "int"
        self.counter: str = PREFIX + cls._stored_name
        self.prefix: str = self.counter + "."
        self.migrates = cls.migrate.__func__ is not base.migrate.__func__
        self.validates = cls.validate is not base.validate
        # By field: the types of which every value fits, immutable and as JSON has them.
        self.exact = {name: field.kind.exact for name, field in self.fields.items()}
        self._plain = [(n, f.kind.exact, f.kind.fits) for n, f in self.fields.items() if not f.kind.is_coded]
        self._coded = [(n, f.kind.decode, f.kind.fits) for n, f in self.fields.items() if f.kind.is_coded]
        self._all = [(name, field.kind.exact, field) for name, field in self.fields.items()]
        #: The defaults that records may share, and the fields whose default each gets for itself.
        self.defaults: Dict[str, Any] = {}
        self.own_defaults: List[Tuple[str, Field]] = []
        for name, field in self.fields.items():
            if field.required:
                continue
            value = field.default()
            if type(value) in self.exact[name]:
                self.defaults[name] = value
            else:
                self.own_defaults.append((name, field))
        # In which unit state the class was used, and nobody has used its name since.
        self.memory: object = None
        self.storage: object = None
        #: In which unit state, and until when, every row is as :meth:`migrate` wants it; where there are
        #: indexes, or can be none.
        self.settled: object = None
        self.unindexed: object = None
        self._hidden_told: object = None
        # The number given last, and until when nobody else can have given one.
        self._last = 0
        self._last_stamp: Tuple[object, int, int] = (None, 0, 0)
        #: What was said of records that cannot be read, in this unit state.
        self.reported: Set[str] = set()
        # Whether anybody hears of these records, as long as the registry of handlers is the same.
        self._asked: object = None
        self._is_heard = True

    def _named(self, what: str, names: Iterable[str]) -> List[str]:
        for name in sorted(names):
            if name not in self.fields:
                raise self.wrong("%s names %s, which is none of its fields" % (what, name))
        return sorted(names)

    def wrong(self, reason: str) -> RecordDefinitionError:
        """The error of a class that cannot work."""
        return RecordDefinitionError(self.label, reason)

    def is_heard(self) -> bool:
        """Whether any of the events of these records is heard by anybody."""
        registry = event_registry.in_use
        if self._asked is not registry.token:
            self._asked = registry.token
            self._is_heard = any(event_registry.heard(kind, self.cls) for kind in EVENTS)
        return self._is_heard

    # -- keys ------------------------------------------------------------------------------------
    def row(self, key: Any) -> str:
        """The name of a record's row."""
        return self.prefix + str(key)

    def key_of(self, row: str) -> Any:
        """The key of a record, from its row's name."""
        end = row[len(self.prefix) :]
        return int(end) if self.numbered else end

    def check_key(self, key: Any) -> None:
        """Refuse what can be no key.

        Raises:
            RecordFieldError: it is of another type, or a string that cannot name a row.
        """
        if type(key) is str and not self.numbered and key.isascii():
            return
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

    def next_key(self) -> int:
        """A key that no record of the class has had."""
        unit = unit_state.unit
        conn = texts.begin(unit)
        if conn is None:
            last: int = unit.get(self.counter, 0)
            unit.set(self.counter, last + 1)
            return last + 1
        if self._stamp() != self._last_stamp:
            text = texts.read(unit, self.counter)
            self._last = 0 if text is None else int(text)
        self._last += 1
        sql = "INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)"
        texts.execute(unit, conn, sql, (self.counter, "%d" % self._last))
        self._last_stamp = self._stamp()
        return self._last

    def _stamp(self) -> Tuple[object, int, int]:
        """What is another one as soon as anybody may have changed a row."""
        unit = unit_state.unit
        return unit._storage, unit._epoch, unit._storage().conn.total_changes

    def keep_number(self) -> None:
        """The row that was written since the last number was given is a record's own."""
        self._last_stamp = self._stamp()

    # -- rows ------------------------------------------------------------------------------------
    def text(self, values: Dict[str, Any]) -> str:
        """The row of a record, every field checked to the bottom of its lists and dicts."""
        made = {}
        for name, exact, field in self._all:
            value = values[name]
            if type(value) not in exact:
                field.check(value)
                if field.kind.is_coded:
                    value = field.kind.encode(value)
            made[name] = value
        return dumped(made)

    def stored(self, values: Dict[str, Any]) -> Dict[str, Any]:
        """All fields as they are to be stored, checked, sharing nothing with the values."""
        for name, _, field in self._all:
            field.check(values[name])
        return {name: field.kind.encode(values[name]) for name, _, field in self._all}

    def hide(self) -> None:
        """Before the first record with sensitive fields is written, note in a row which they are."""
        unit = unit_state.unit
        if self._hidden_told != (unit._storage, unit._epoch):
            names = sorted(self.sensitive)
            row = HIDDEN + self.cls._stored_name
            if unit.get(row, []) != names:
                unit.set(row, names)
            self._hidden_told = unit._storage, unit._epoch

    def load(self, key: Any, text: str) -> Any:
        """The record of a row.

        Raises:
            RecordFieldError: a stored value is not what its field takes.
            RecordError: the row holds no record.
        """
        if not self.migrates:
            try:
                values, end = _scan(text, 0)
                if end == len(text) and type(values) is dict and len(values) == len(self._all):
                    for name, exact, fits in self._plain:
                        value = values[name]
                        if type(value) not in exact and not fits(value):
                            raise ValueError
                    for name, decode, fits in self._coded:
                        value = values[name] = decode(values[name])
                        if not fits(value):
                            raise ValueError
                    values["_condition"] = SAVED
                    values["_key"] = key
                    values["_stored"] = text
                    values["_is_exact"] = True
                    record = self.cls.__new__(self.cls)
                    object.__setattr__(record, "__dict__", values)
                    return record
            except (KeyError, TypeError, ValueError, StopIteration, RecursionError):
                pass  # what it is, is found out below
        return self._load_slowly(key, text)

    def _load_slowly(self, key: Any, text: str) -> Any:
        text, stored = self.migrated(key, text)
        record = self.cls.__new__(self.cls)
        values = record.__dict__
        values["_condition"] = SAVED
        values["_key"] = key
        values["_stored"] = text
        values["_is_exact"] = False  # the row may have fields that the class does not know
        for name, field in self.fields.items():
            values[name] = self.value_of(field, stored, key)
        return record

    def value_of(
        self,
        field: Field,
        stored: Dict[str, Any],
        key: Any,
        where: str = "a record has another value than the class wants today: ",
    ) -> Any:
        """The value of a field in a stored record, a copy of its own."""
        value = field.of(stored, key)
        field.check(value, where, key, "; migrate() of the class can change what is stored")
        return value

    def migrated(self, key: Any, text: str) -> Tuple[str, Dict[str, Any]]:
        """The text of a row and its fields, as the class has them today; a hook keeps what that changes."""
        try:
            stored = json.loads(text)
        except (TypeError, ValueError):
            raise RecordError(self.label, "the row of a record is not JSON", key) from None
        if isinstance(stored, dict) and self.migrates:
            before = dumped(stored)
            try:
                stored = self.cls.migrate(stored)
            except RecordError:
                raise
            except Exception as error:
                raise RecordError(self.label, "migrate() raised %s" % type(error).__name__, key) from error
        else:
            before = ""
        if not isinstance(stored, dict):
            raise RecordError(
                self.label, "the row of a record holds %s, and no record" % kind_of(stored), key
            )
        if before:
            now = dumped(stored)
            if now != before and texts.may_write(unit_state.unit):
                self._keep(key, text, now, stored)
                text = now
        return text, stored

    def _keep(self, key: Any, before: str, now: str, stored: Dict[str, Any]) -> None:
        """Write what a migration has made of a row, if that is a record now."""
        for field in self.fields.values():
            self.value_of(field, stored, key)
        texts.replace(unit_state.unit, self.row(key), before, now)

    def read(self, key: Any) -> Optional[Any]:
        """The record of a key; ``None`` if there is none."""
        text = texts.read(unit_state.unit, self.row(key))
        return None if text is None else self.load(key, text)

    def rows(self) -> List[Tuple[Any, str]]:
        """Key and text of all records, in the order of their keys."""
        found = texts.read_below(unit_state.unit, self.prefix)
        start = len(self.prefix)
        if not self.numbered:
            return [(row[start:], text) for row, text in found]
        try:
            numbered = [(int(row[start:]), text) for row, text in found]
        except ValueError:
            raise RecordError(
                self.label, "rows %s* have keys that are no numbers, as if of another class" % self.prefix
            ) from None
        numbered.sort()
        return numbered

    def load_each(self, rows: Iterable[Tuple[Any, str]]) -> Iterator[Any]:
        """The records of rows; one that cannot be read is told of, and does not take the others away.

        Raises:
            RecordError: one cannot be read, in strict mode.
        """
        load = self.load
        for key, text in rows:
            try:
                record = load(key, text)
            except RecordError as error:
                self._report(error)
            else:
                yield record

    def _report(self, error: RecordError) -> None:
        if settings.is_strict():
            raise error
        words = "a record is left out, as it cannot be read: %s" % error
        if words not in self.reported:
            self.reported.add(words)
            juju_log.log(words, juju_log.ERROR)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same in JSON, to which ``1`` and ``True`` are two."""
    if type(one) is not type(other) and (isinstance(one, bool) or isinstance(other, bool)):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    return bool(one == other)
