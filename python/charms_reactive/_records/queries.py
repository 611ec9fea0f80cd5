"""Records that are looked for: by values, comparisons and predicates, in an order, some of them.

SQLite finds what an index knows, by the index of one field; that a record is what was asked for is always
decided here, on the record as it was read. So a row of an older charm, a value that JSON and Python compare
in different ways, and a Python whose SQLite has no JSON cost time and never change what is found.
"""

from __future__ import annotations

import operator
import sqlite3

from charms_reactive._errors import kind_of
from charms_reactive._errors.rare import RecordError, RecordFieldError
from charms_reactive._unit_state import texts, unit_state

from . import record_model
from .field_kinds import ORDERED
from .savepoints import atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Generic, Iterable, Iterator, List, Optional, Tuple, TypeVar

    from .record_fields import Field
    from .record_model import RecordModel

    R = TypeVar("R")

    class _Base(Generic[R]):
        pass
else:
    R = None

    class _Base:
        def __class_getitem__(cls, _):  # noqa: ANN001, ANN204 -- as Generic would, which is dear to import
            return cls


__all__ = ["Query"]


def _contains(value: Any, part: Any) -> bool:
    return value is not None and part in value


def _starts(value: Any, part: Any) -> bool:
    return isinstance(value, str) and value.startswith(part)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    # What is not there is neither less nor more, as in SQL.
    return lambda value, other: value is not None and compare(value, other)


_TESTS: Dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": _ordered(operator.lt),
    "le": _ordered(operator.le),
    "gt": _ordered(operator.gt),
    "ge": _ordered(operator.ge),
    "in": lambda value, others: value in others,
    "contains": _contains,
    "startswith": _starts,
}
_IN_SQL = {"eq": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

# What SQLite compares as Python does: 64 bits, and text without NUL, at which its JSON ends a string.
_LARGEST = 2**63


class _Condition:
    """One thing that a record must fulfil."""

    __slots__ = ("field", "name", "test", "value", "words")

    def __init__(self, name: str, field: Optional[Field], words: str, value: Any) -> None:
        self.name = name
        self.field = field
        self.words = words
        self.value = value
        self.test = _TESTS[words]

    def holds(self, record: Any) -> bool:
        try:
            return bool(self.test(getattr(record, self.name), self.value))
        except TypeError:
            return False  # of another type, and so neither less nor more

    def in_sql(self) -> Optional[Tuple[str, Tuple[Any, ...]]]:
        """What follows the stored value, and its parameters; ``None`` where SQLite cannot tell."""
        kind = None if self.field is None else self.field.kind
        if kind is None or kind.stored_as is None or self.value is None:
            return None
        if self.words == "in":
            values = [_in_sql(kind, value) for value in self.value]
            if not values or len(values) > 500 or None in values:
                return None
            return "IN (%s)" % ", ".join("?" * len(values)), tuple(values)
        if self.words not in _IN_SQL or (self.words != "eq" and kind.stored_as != ORDERED):
            return None
        value = _in_sql(kind, self.value)
        return None if value is None else ("%s ?" % _IN_SQL[self.words], (value,))


def _in_sql(kind: Any, value: Any) -> Any:
    """The stored form of a value as a parameter; ``None`` where SQLite would compare it in another way."""
    stored = kind.encode(value)
    if isinstance(stored, str):
        return stored if "\0" not in stored and _is_text(stored) else None
    if isinstance(stored, int):
        return stored if -_LARGEST < stored < _LARGEST else None
    return stored


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class Query(_Base[R]):
    """The records of a class that fulfil all conditions; read anew each time that it is gone through.

    ``Node.where(zone="a", weight__gt=3).order_by("-weight").limit(10)``
    """

    def __init__(self, model: RecordModel) -> None:
        self._model = model
        self._conditions: List[_Condition] = []
        self._predicates: List[Callable[[Any], bool]] = []
        self._order: Tuple[str, ...] = ()
        self._limit: Optional[int] = None
        self._offset = 0

    def _copy(self) -> Query[R]:
        made: Query[R] = Query(self._model)
        made.__dict__.update(
            self.__dict__, _conditions=list(self._conditions), _predicates=list(self._predicates)
        )
        return made

    # -- asking --------------------------------------------------------------------------------
    def where(self, *predicates: Callable[[R], bool], **conditions: Any) -> Query[R]:
        """Those of them that fulfil these conditions as well; see :meth:`Record.where`."""
        made = self._copy()
        given: Tuple[Any, ...] = predicates
        for predicate in given:
            if not callable(predicate):
                reason = "a condition is a function of a record, or FIELD=VALUE, and not %s"
                raise RecordError(self._model.label, reason % kind_of(predicate))
            made._predicates.append(predicate)
        for name, value in conditions.items():
            made._conditions.append(self._condition(name, value))
        return made

    def _condition(self, given: str, value: Any) -> _Condition:
        model = self._model
        name, words = given, "eq"
        if given not in model.fields and given != "id":
            name, _, words = given.rpartition("__")
            if words not in _TESTS or (name not in model.fields and name != "id"):
                reason = "the class has no such field; it has %s, each of which %s may follow" % (
                    ", ".join(model.fields) or "none",
                    ", ".join("__" + one for one in _TESTS),
                )
                raise RecordFieldError(model.label, given, None, None, reason)
        field = model.fields.get(name)
        is_key = name == model.key or (name == "id" and model.key is None)
        if field is None and not is_key:
            raise RecordFieldError(model.label, name, None, None, "the class has no such field")
        if words == "in":
            value = list(value)
        if words in ("eq", "ne", "lt", "le", "gt", "ge", "in"):
            for one in value if words == "in" else [value]:
                if is_key:
                    model.check_key(one)
                elif field is not None:
                    field.check(one)
        return _Condition(name, field, words, value)

    def order_by(self, *fields: str) -> Query[R]:
        """The same in the order of these fields; of one with ``-`` before its name, the largest first.

        What has no value comes first, and records that are equal in all of them by their keys.

        Raises:
            RecordFieldError: there is no such field.
        """
        for field in fields:
            name = field.lstrip("-")
            if name not in self._model.fields and name != "id":
                raise RecordFieldError(self._model.label, name, None, None, "the class has no such field")
        made = self._copy()
        made._order = fields
        return made

    def limit(self, most: int, offset: int = 0) -> Query[R]:
        """At most so many of them, without the first ``offset``."""
        made = self._copy()
        made._limit, made._offset = most, offset
        return made

    # -- finding -------------------------------------------------------------------------------
    def __iter__(self) -> Iterator[R]:
        return iter(self.all())

    def all(self) -> List[R]:
        """All of them, by default in the order of their keys.

        Raises:
            RecordError: a record cannot be read, in strict mode; else it is left out, and the log says so.
        """
        found = self._found()
        if not self._offset and self._limit is None:
            return found
        return found[self._offset : None if self._limit is None else self._offset + self._limit]

    def first(self) -> Optional[R]:
        """The first of them, or ``None``."""
        return next(iter(self), None)

    def count(self) -> int:
        """How many there are; without conditions also those that cannot be read."""
        if self._conditions or self._predicates or self._limit is not None:
            return len(self.all())
        return texts.count_below(unit_state.unit, self._model.prefix)

    def exists(self) -> bool:
        """Whether there is one."""
        return self.first() is not None

    # -- changing ------------------------------------------------------------------------------
    def update(self, **fields: Any) -> int:
        """Give each of them these values and save it: all or, if one cannot be saved, none.

        Returns:
            How many there were.
        """
        with atomic():
            records: Any = self.all()
            for record in records:
                for name, value in fields.items():
                    setattr(record, name, value)
                record.save()
        return len(records)

    def delete(self) -> int:
        """Delete each of them: all or, if one cannot be deleted, none.

        Returns:
            How many there were.
        """
        with atomic():
            records: Any = self.all()
            for record in records:
                if record._condition != record_model.DELETED and not record._is_gone():
                    record.delete()
        return len(records)

    # -- how -----------------------------------------------------------------------------------
    def _found(self) -> List[Any]:
        model = self._model
        conditions, predicates = self._conditions, self._predicates
        records = model.load_each(self._candidates())
        if conditions or predicates:
            found = [
                record
                for record in records
                if all(condition.holds(record) for condition in conditions)
                and all(predicate(record) for predicate in predicates)
            ]
        else:
            found = list(records)
        for field in reversed(self._order):
            name = field.lstrip("-")
            found.sort(key=lambda record: _sortable(getattr(record, name)), reverse=field.startswith("-"))
        return found

    def _candidates(self) -> Iterable[Tuple[Any, str]]:
        """Key and text of rows, in the order of keys, among which all are that are looked for."""
        model = self._model
        for condition in self._conditions:
            if condition.words == "eq" and condition.name in (model.key, "id" if model.key is None else None):
                text = texts.read(unit_state.unit, model.row(condition.value))
                return [] if text is None else [(condition.value, text)]
        unit_state.unit.fresh()
        if self._conditions and unit_state.unit.stand_in is None and self._is_settled():
            ranked = sorted(
                self._conditions, key=lambda one: (one.name not in model.indexed, one.words != "eq")
            )
            for condition in ranked:
                found = self._by_index(condition)
                if found is not None:
                    return found
        return model.rows()

    def _is_settled(self) -> bool:
        """Whether all rows are as the class has them today, so that SQLite sees what Python would."""
        model = self._model
        unit = unit_state.unit
        if model.migrates and model.settled != (unit._storage, unit._epoch):
            if not texts.may_write(unit):
                return False
            for _ in model.load_each(model.rows()):
                pass
            model.settled = unit._storage, unit._epoch
        return True

    def _by_index(self, condition: _Condition) -> Optional[List[Tuple[Any, str]]]:
        """The rows that SQLite finds for a condition; ``None`` where it cannot look for it."""
        model = self._model
        told = condition.in_sql()
        if told is None or not condition.name.isascii():
            return None
        field = condition.field
        has_index = condition.name in model.indexed and self._has_index()
        comparison, parameters = told
        found = self._select(condition.name, comparison, parameters, has_index)
        if found is None:
            return None
        if field is not None and not field.required:
            default = field.default()
            if default is not None and condition.test(default, condition.value):
                # A row that is older than the field has its default.
                older = self._select(condition.name, "IS NULL", (), has_index)
                if older is None:
                    return None
                found += older
        if len(found) > 1:
            found.sort()
        return found

    def _select(
        self, name: str, comparison: str, parameters: Tuple[Any, ...], has_index: bool
    ) -> Optional[List[Tuple[Any, str]]]:
        model = self._model
        sql = "SELECT key, data FROM kv %s WHERE %s AND %s %s" % (
            'INDEXED BY "%s%s"' % (model.prefix, name) if has_index else "",
            _range(model),
            _stored_value(name),
            comparison,
        )
        try:
            rows = texts.select(unit_state.unit, sql, parameters)
        except (sqlite3.Error, OverflowError):
            if not has_index:
                return None  # this SQLite has no JSON, or a row is none
            # It was made in a transaction that was rolled back.
            model.unindexed = None
            self._make_indexes()
            return self._select(name, comparison, parameters, False)
        try:
            return [(model.key_of(row), text) for row, text in rows]
        except ValueError:
            return None

    def _has_index(self) -> bool:
        model, unit = self._model, unit_state.unit
        if model.unindexed == (unit._storage, False):
            return False
        if model.unindexed != (unit._storage, True):
            self._make_indexes()
        return bool(model.unindexed == (unit._storage, True))

    def _make_indexes(self) -> None:
        """Make the indexes of the class that are missing, and drop those that it no longer has."""
        model, unit = self._model, unit_state.unit
        wanted = {model.prefix + name: name for name in model.indexed}
        sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND name >= ? AND name < ?"
        there = {name for (name,) in texts.select(unit, sql, (model.prefix, model.counter + "/"))}
        if there != set(wanted):
            if not texts.may_write(unit):
                return  # whoever only looks writes nothing, and takes longer
            try:
                for name in sorted(there - set(wanted)):
                    texts.select(unit, 'DROP INDEX "%s"' % name)
                for index, name in wanted.items():
                    if index not in there:
                        sql = 'CREATE INDEX "%s" ON kv (%s) WHERE %s'
                        texts.select(unit, sql % (index, _stored_value(name), _range(model)))
            except sqlite3.Error:
                model.unindexed = (unit._storage, False)
                return
        model.unindexed = (unit._storage, True)


def _stored_value(name: str) -> str:
    return "json_extract(data, '$.%s')" % name


def _range(model: RecordModel) -> str:
    """The rows of a class, as text: SQLite uses a partial index only where it reads the index's own words."""
    return "key >= '%s' AND key < '%s/'" % (model.prefix, model.counter)


def _sortable(value: Any) -> Tuple[bool, Any]:
    return value is not None, value
