"""Kinds of values that a field of a record can hold, and how each is written as JSON.

What JSON has itself is kept as it is. The rest has a form in JSON: an enumeration its value, a date or time
its text in ISO 8601, bytes base64, dataclasses and pydantic models an object of their fields.
"""

from __future__ import annotations

import binascii
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, FrozenSet, Optional, Sequence

__all__ = [
    "ANY",
    "BY_NAME",
    "NONE",
    "STR",
    "Kind",
    "copied",
    "dict_of",
    "is_float",
    "list_of",
    "literal",
    "of_class",
    "of_dataclass",
    "union",
]

#: How SQLite's own comparison of the stored form fits: in order as well, or only whether it is equal.
ORDERED, EQUAL = "ordered", "equal"


def _same(value: Any) -> Any:
    return value


class Kind:
    """What an annotation allows: in words, as a test, and as JSON.

    Attributes:
        words: for messages.
        fits: whether a value is of the kind, to the bottom of its lists and dicts.
        encode: its form in JSON; it shares no list and no dict with the value.
        decode: the value of such a form; raises ``ValueError``, ``TypeError`` or ``KeyError`` if it is none.
        exact: types whose every instance is of the kind, immutable, and its own form in JSON.
        stored_as: :data:`ORDERED`, :data:`EQUAL`, or ``None`` where SQLite cannot compare it.
        is_coded: whether values differ from their form in JSON.
        sensitive: the annotation says ``Sensitive``.
    """

    __slots__ = ("decode", "encode", "exact", "fits", "is_coded", "sensitive", "stored_as", "words")

    def __init__(
        self,
        words: str,
        fits: Callable[[Any], bool],
        encode: Optional[Callable[[Any], Any]] = None,
        decode: Callable[[Any], Any] = _same,
        exact: FrozenSet[type] = frozenset(),
        stored_as: Optional[str] = None,
    ) -> None:
        self.words = words
        self.fits = fits
        self.is_coded = encode is not None
        self.encode: Callable[[Any], Any] = encode or copied
        self.decode = decode
        self.exact = exact
        self.stored_as = stored_as
        self.sensitive = False

    def copy(self, value: Any) -> Any:
        """A value that can be changed without changing the given one."""
        return self.decode(self.encode(value))


def copied(value: Any) -> Any:
    """A value that shares no list and no dict with the given one."""
    if isinstance(value, list):
        return [copied(item) for item in value]
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return value


# -- what JSON has ------------------------------------------------------------------------------
def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_float(value: Any) -> bool:
    """Whether JSON has the number; it has neither infinities nor NaN, and an int does for a float."""
    return (isinstance(value, float) and value - value == 0) or _is_int(value)


def _is_json(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return value is None or isinstance(value, (str, bool)) or is_float(value)


def _plain(words: str, fits: Callable[[Any], bool], *exact: type) -> Kind:
    return Kind(words, fits, exact=frozenset(exact), stored_as=ORDERED)


STR = _plain("str", lambda value: isinstance(value, str), str)
ANY = Kind("anything that JSON can hold", _is_json, exact=frozenset([str, int, bool, type(None)]))
NONE = _plain("None", lambda value: value is None, type(None))
BY_NAME = {
    "str": STR,
    "int": _plain("int", _is_int, int),
    "float": _plain("float", is_float, int),
    "bool": _plain("bool", lambda value: isinstance(value, bool), bool),
    "None": NONE,
    "NoneType": NONE,
    "Any": ANY,
    "object": ANY,
}


def literal(values: Sequence[Any]) -> Kind:
    """One of these values."""

    def fits(value: Any) -> bool:
        return any(type(value) is type(one) and value == one for one in values)

    return Kind(" or ".join(repr(one) for one in values), fits, stored_as=ORDERED)


# -- what is made of others ---------------------------------------------------------------------
def list_of(item: Kind) -> Kind:
    """A list of items of a kind."""
    fits, encode, decode = item.fits, item.encode, item.decode
    made = Kind(
        "list of %s" % item.words,
        lambda value: isinstance(value, list) and all(map(fits, value)),
        (lambda value: list(map(encode, value))) if item.is_coded else None,
        (lambda stored: list(map(decode, _checked(stored, list)))) if item.is_coded else _same,
    )
    made.sensitive = item.sensitive
    return made


def dict_of(item: Kind) -> Kind:
    """A dict of strings to values of a kind."""
    fits, encode, decode = item.fits, item.encode, item.decode

    def encode_all(value: Dict[str, Any]) -> Dict[str, Any]:
        return {key: encode(one) for key, one in value.items()}

    def decode_all(stored: Any) -> Dict[str, Any]:
        return {key: decode(one) for key, one in _checked(stored, dict).items()}

    made = Kind(
        "dict of str to %s" % item.words,
        lambda value: (
            isinstance(value, dict) and all(isinstance(key, str) and fits(one) for key, one in value.items())
        ),
        encode_all if item.is_coded else None,
        decode_all if item.is_coded else _same,
    )
    made.sensitive = item.sensitive
    return made


def union(kinds: Sequence[Kind]) -> Kind:
    """A value of any of these kinds; of several that it may be, the first."""
    words = " or ".join(dict.fromkeys(kind.words for kind in kinds))

    def encode(value: Any) -> Any:
        return next(kind for kind in kinds if kind.fits(value)).encode(value)

    def decode(stored: Any) -> Any:
        for kind in kinds:
            try:
                value = kind.decode(stored)
            except (ValueError, TypeError, KeyError):
                continue
            if kind.fits(value):
                return value
        raise ValueError("it is none of these")

    coded = any(kind.is_coded for kind in kinds)
    made = Kind(
        words,
        lambda value: any(kind.fits(value) for kind in kinds),
        encode if coded else None,
        decode if coded else _same,
        frozenset().union(*(kind.exact for kind in kinds)),
    )
    stored = {kind.stored_as for kind in kinds if kind is not NONE}
    if len(stored) == 1 and not (coded and len(kinds) > 2):
        (made.stored_as,) = stored
    made.sensitive = any(kind.sensitive for kind in kinds)
    return made


def _checked(stored: Any, kind: type) -> Any:
    if not isinstance(stored, kind):
        raise TypeError("it is no %s" % kind.__name__)
    return stored


# -- classes ------------------------------------------------------------------------------------
def of_class(cls: type) -> Optional[Kind]:
    """The kind of a class that is neither JSON's nor a dataclass; ``None`` if it cannot be kept.

    What such a class comes from is looked up where it was imported, so that a hook whose records have none
    imports none.
    """
    name = cls.__name__
    if cls is bytes:
        return Kind(
            "bytes", lambda value: isinstance(value, bytes), _to_base64, _from_base64, stored_as=EQUAL
        )
    enum: Any = sys.modules.get("enum")
    if enum is not None and issubclass(cls, enum.Enum):
        members: Any = cls
        if not all(isinstance(one.value, (str, int, bool, type(None))) for one in members):
            return None
        return Kind(
            name, lambda value: isinstance(value, cls), lambda value: value.value, members, stored_as=EQUAL
        )
    datetime: Any = sys.modules.get("datetime")
    if datetime is not None and cls is datetime.datetime:
        return Kind(
            name,
            lambda value: isinstance(value, datetime.datetime),
            lambda value: value.isoformat(),
            lambda stored: datetime.datetime.fromisoformat(_checked(stored, str)),
        )
    if datetime is not None and cls is datetime.date:
        return Kind(
            name,
            lambda value: isinstance(value, datetime.date) and not isinstance(value, datetime.datetime),
            lambda value: value.isoformat(),
            lambda stored: datetime.date.fromisoformat(_checked(stored, str)),
            stored_as=ORDERED,
        )
    if hasattr(cls, "model_validate") and hasattr(cls, "model_dump"):
        model: Any = cls
        return Kind(
            name,
            lambda value: isinstance(value, cls),
            lambda value: value.model_dump(mode="json"),
            model.model_validate,
        )
    return None


def _to_base64(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def _from_base64(stored: Any) -> bytes:
    value = binascii.a2b_base64(_checked(stored, str))
    if _to_base64(value) != stored:
        raise ValueError("it is no base64")  # of which binascii leaves out what it does not know
    return value


def of_dataclass(cls: Any, read: Callable[[str, Any], Kind]) -> Kind:
    """The kind of a dataclass, whose fields are kinds of their own.

    Args:
        cls: the dataclass.
        read: makes a kind of the name and the annotation of a field.
    """
    kinds = {one.name: read(one.name, one.type) for one in cls.__dataclass_fields__.values() if one.init}

    def fits(value: Any) -> bool:
        return isinstance(value, cls) and all(kind.fits(getattr(value, name)) for name, kind in kinds.items())

    def encode(value: Any) -> Dict[str, Any]:
        return {name: kind.encode(getattr(value, name)) for name, kind in kinds.items()}

    def decode(stored: Any) -> Any:
        given = _checked(stored, dict)
        return cls(**{name: kind.decode(given[name]) for name, kind in kinds.items() if name in given})

    made = Kind(cls.__name__, fits, encode, decode)
    made.sensitive = any(kind.sensitive for kind in kinds.values())
    return made
