"""Relation data as objects: dataclasses, and pydantic models where a charm has those."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import Any, Dict, Iterator, Mapping, Optional, Protocol, Set, Tuple

from charms_reactive._errors import kind_of
from charms_reactive._errors.rare import RelationDataError

__all__ = ["load", "store"]

_NOTHING = type(None)


class View(Protocol):
    """What is needed of a :class:`~charms_reactive.endpoints.JSONUnitDataView`."""

    @property
    def writeable(self) -> bool: ...

    @property
    def raw_data(self) -> Any: ...

    def __iter__(self) -> Iterator[str]: ...

    def __contains__(self, key: object) -> bool: ...

    def __getitem__(self, key: str) -> Any: ...

    def update(self, values: Mapping[str, Any]) -> None: ...

    def _error(self, key: Optional[str], reason: object) -> RelationDataError: ...


def load(view: View, model: Any) -> Any:
    """Make an object of the data; see :meth:`JSONUnitDataView.load`."""
    if not isinstance(model, type):
        raise TypeError("load() takes a dataclass or a pydantic model, and not %s" % kind_of(model))
    if _is_pydantic(model):
        return _load_pydantic(view, model)
    if not dataclasses.is_dataclass(model):
        raise TypeError("%s is neither a dataclass nor a pydantic model" % model.__qualname__)
    values: Dict[str, Any] = {}
    for field, key, hint in _fields(model):
        if not field.init:
            continue
        if key in view:
            values[field.name] = _fitting(view, key, hint)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            if not _accepts_none(hint):
                raise view._error(key, "it is not there, and %s needs it" % model.__qualname__)
            values[field.name] = None
    try:
        return model(**values)
    except RelationDataError:
        raise
    except ValueError as error:  # the class has conditions of its own
        reason = "%s refuses it: %s" % (model.__qualname__, _reason_of(error))
        raise view._error(_field_of(error), reason) from None


def store(view: View, obj: Any) -> None:
    """Write an object's fields; see :meth:`JSONUnitDataView.store`."""
    model = type(obj)
    if not view.writeable:
        raise view._error(None, "data that was received cannot be changed")
    if _is_pydantic(model):
        values = _dump_pydantic(view, obj)
    elif dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        values = {}
        for field, key, hint in _fields(model):
            value = getattr(obj, field.name)
            if value is not None and not _fits(value, hint):
                raise view._error(key, "it is %s, not %s" % (_kind(value), _shown(hint)))
            values[key] = value
    else:
        raise TypeError(
            "store() takes an instance of a dataclass or a pydantic model, and not %s" % kind_of(obj)
        )
    for key, value in values.items():
        try:
            json.dumps(value, sort_keys=True)
        except (TypeError, ValueError, RecursionError) as error:
            raise view._error(key, "it cannot be written as JSON: %s" % error) from error
    view.update(values)


# -- dataclasses --------------------------------------------------------------------------------
def _fields(model: Any) -> Iterator[Tuple[Any, str, Any]]:
    """Each field of a dataclass, its key in relation data, and its type."""
    try:
        hints = typing.get_type_hints(model)
    except (NameError, TypeError) as error:
        raise TypeError("the types of %s cannot be found: %s" % (model.__qualname__, error)) from error
    for field in dataclasses.fields(model):
        yield field, field.metadata.get("key", field.name), hints[field.name]


def _fitting(view: View, key: str, hint: Any) -> Any:
    """The value under a key if it is of that type."""
    value = view[key]
    if _fits(value, hint):
        return _widened(value, hint)
    if isinstance(value, (bool, int, float)) and _fits("", hint):
        return view.raw_data[key]
    raise view._error(key, _what_it_is(view, key, value) + ", not %s" % _shown(hint))


def _what_it_is(view: View, key: str, value: Any) -> str:
    if isinstance(value, str) and view.raw_data[key] == value:
        return "it is text that is not JSON (the other side is to publish JSON, as to_publish does)"
    return "it is %s" % _kind(value)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value that JSON can hold is of a type."""
    if hint is Any or hint is object:
        return True
    if hint is None or hint is _NOTHING:
        return value is None
    if hint in (bool, str, list, dict):
        return isinstance(value, hint)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and _is_float(value)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if _is_union(origin):
        return any(_fits(value, part) for part in parts)
    if origin is list:
        return isinstance(value, list) and all(_fits(item, parts[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            _fits(key, parts[0]) and _fits(item, parts[1]) for key, item in value.items()
        )
    if origin is typing.Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    raise TypeError("relation data cannot be loaded as %s" % _shown(hint))


def _widened(value: Any, hint: Any) -> Any:
    """JSON writes whole numbers without a point; a field of type float gets a float all the same."""
    if hint is float:
        return float(value)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if _is_union(origin):
        return _widened(value, next(part for part in _exact_first(value, parts) if _fits(value, part)))
    if origin is list:
        return [_widened(item, parts[0]) for item in value]
    if origin is dict:
        return {key: _widened(item, parts[1]) for key, item in value.items()}
    return value


def _exact_first(value: Any, parts: Tuple[Any, ...]) -> Tuple[Any, ...]:
    return ((int,) if int in parts and isinstance(value, int) else ()) + parts


def _is_float(value: Any) -> bool:
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _is_union(origin: Any) -> bool:
    # The type of `int | str` is of no Python below 3.10.
    return origin is typing.Union or (origin is not None and origin is getattr(types, "UnionType", None))


def _accepts_none(hint: Any) -> bool:
    return hint is not Any and hint is not object and _fits(None, hint)


def _kind(value: Any) -> str:
    """What a value is. Never the value itself: it may be a password, and this ends up in the log."""
    names = {
        bool: "a boolean",
        int: "a whole number",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "a mapping",
        _NOTHING: "null",
    }
    return names.get(type(value), "of type %s" % type(value).__name__)


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


# -- pydantic, versions 1 and 2, known by what they offer and never imported --------------------
def _is_pydantic(model: type) -> bool:
    return hasattr(model, "model_validate") or (hasattr(model, "parse_obj") and hasattr(model, "__fields__"))


def _load_pydantic(view: View, model: Any) -> Any:
    new = hasattr(model, "model_validate")
    known: Set[Any] = set()
    for name, field in (model.model_fields if new else model.__fields__).items():
        known.update((name, field.alias, getattr(field, "validation_alias", None)))
    # Juju adds keys of its own, which a model that forbids others must not see.
    values = {key: view[key] for key in view if key in known}
    try:
        return model.model_validate(values) if new else model.parse_obj(values)
    except ValueError as error:
        reason = "%s refuses it: %s" % (model.__qualname__, _reason_of(error))
        key = _field_of(error)
        if isinstance(values.get(key), str) and view.raw_data[key] == values[key]:
            reason += "; it is text that is not JSON, as which the other side is to publish it"
        raise view._error(key, reason) from None


def _dump_pydantic(view: View, obj: Any) -> Dict[str, Any]:
    try:
        if hasattr(obj, "model_dump"):
            values: Dict[str, Any] = obj.model_dump(mode="json", by_alias=True)
        else:
            values = json.loads(obj.json(by_alias=True))
    except (TypeError, ValueError) as error:
        raise view._error(None, "it cannot be written as JSON: %s" % error) from error
    return values


def _first_of(error: ValueError) -> Dict[str, Any]:
    errors = getattr(error, "errors", None)
    found = errors() if callable(errors) else []
    return dict(found[0]) if found else {}


def _field_of(error: ValueError) -> Any:
    where = _first_of(error).get("loc") or ()
    return str(where[0]) if where else None


def _reason_of(error: ValueError) -> str:
    # The text of a whole pydantic error would show the values.
    return str(_first_of(error).get("msg") or error)
