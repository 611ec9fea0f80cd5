"""gob, the encoding in which the Juju agent is asked: the part of it that hook tools need.

A connection carries messages, each a length and so many bytes. A message defines a type, under a number of
the sender's own choice, or is a value of one: types go once per connection, ahead of the first value. Fields
are matched by name, those that are zero are left out, and those that the receiver does not know are skipped.
So clients and servers of different versions of Juju understand each other, and so does this module: it
decodes values of any type that the other side has defined, and encodes the few structs of :data:`CALL` to
:data:`NOTHING`. The format is that of Go's package ``encoding/gob``; which structs there are, Juju's
``worker/uniter/runner/jujuc`` and ``net/rpc`` say.

Both sides are here, the client that hooks use and what the desk's own agent needs. Texts are ``bytes``: Go's
strings need not be UTF-8, and arguments of processes need not either.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, Set, Tuple

__all__ = [
    "CALL",
    "COMMAND",
    "METHOD",
    "NOTHING",
    "RESULT",
    "RETURNED",
    "Decoder",
    "Encoder",
    "GobError",
    "Struct",
]

#: The one method of the agent that hook tools call.
METHOD = b"Jujuc.Main"

# The types that gob has by itself, by their numbers.
_BOOL, _INT, _UINT, _FLOAT, _BYTES, _STRING, _COMPLEX, _INTERFACE = range(1, 9)

# Go's own limit, of a message and of what is in it.
_LONGEST = 1 << 30

# Definitions that describe themselves through each other are legal, values without end are not.
_DEEPEST = 64

# Of types that one side defines; the agent has five.
_MOST_TYPES = 1000

# Of values in one message: each takes far more room here than in the message.
_MOST_VALUES = 1 << 18


class GobError(Exception):
    """What was received is not gob, or goes beyond what can be taken."""


# -- encoding -----------------------------------------------------------------------------------
def _unsigned(number: int) -> bytes:
    if number < 128:
        return bytes((number,))
    length = (number.bit_length() + 7) // 8
    return bytes((256 - length,)) + number.to_bytes(length, "big")


def _signed(number: int) -> bytes:
    return _unsigned(number << 1 if number >= 0 else (~number << 1) | 1)


def _text(value: bytes) -> bytes:
    return _unsigned(len(value)) + value


class Struct:
    """A struct that is sent: its definition, and how its values are encoded.

    Args:
        number: by which the sender calls it, from 65.
        name: of the type in Go; nobody looks at it.
        fields: names and types, in order.
    """

    def __init__(self, number: int, name: bytes, fields: List[Tuple[str, int]]) -> None:
        self._number = _signed(number)
        self._fields = fields
        body = _signed(-number) + b"\x03\x01\x01" + _text(name) if name else _signed(-number) + b"\x03\x01"
        body += (b"\x01" if name else b"\x02") + _signed(number) + b"\x00"
        if fields:
            body += b"\x01" + _unsigned(len(fields))
            for field, kind in fields:
                body += b"\x01" + _text(field.encode()) + b"\x01" + _signed(kind) + b"\x00"
        #: The messages that define it.
        self.definition = _text(body + b"\x00\x00")
        if any(kind == _WORDS for _, kind in fields):
            self.definition += _text(
                _signed(-_WORDS)
                + b"\x02\x01\x02"
                + _signed(_WORDS)
                + b"\x00\x01"
                + _signed(_STRING)
                + b"\x00\x00"
            )

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """The message that holds a value; what is not named is zero."""
        parts = [self._number]
        delta = 0
        for field, kind in self._fields:
            delta += 1
            value = values.get(field)
            if not value:
                continue  # zero values are not sent
            parts.append(_unsigned(delta))
            delta = 0
            if kind in (_BYTES, _STRING):
                parts.append(_unsigned(len(value)))
                parts.append(value)
            elif kind == _WORDS:
                parts.append(_unsigned(len(value)))
                parts.extend([_text(word) for word in value])
            else:
                parts.append(_signed(value) if kind == _INT else _unsigned(value))
        parts.append(b"\x00")
        return _text(b"".join(parts))


# The number of the type "list of strings".
_WORDS = 71

#: ``net/rpc``'s header of a call.
CALL = Struct(65, b"Request", [("ServiceMethod", _STRING), ("Seq", _UINT)])

#: What :data:`METHOD` is called with. Agents without the field ``Token`` (Juju 4) skip it.
COMMAND = Struct(
    66,
    b"Request",
    [
        ("ContextId", _STRING),
        ("Dir", _STRING),
        ("CommandName", _STRING),
        ("Args", _WORDS),
        ("StdinSet", _BOOL),
        ("Stdin", _BYTES),
        ("Token", _STRING),
    ],
)

#: ``net/rpc``'s header of what comes back.
RETURNED = Struct(67, b"Response", [("ServiceMethod", _STRING), ("Seq", _UINT), ("Error", _STRING)])

#: What comes back of a command that was run.
RESULT = Struct(68, b"ExecResponse", [("Code", _INT), ("Stdout", _BYTES), ("Stderr", _BYTES)])

#: What comes back in its place with an error.
NOTHING = Struct(69, b"", [])


class Encoder:
    """What one side of a connection sends."""

    def __init__(self) -> None:
        self._defined: Set[Struct] = set()

    def encode(self, struct: Struct, values: Mapping[str, Any]) -> bytes:
        """The messages for one value, with the definition if the other side has not got it yet."""
        message = struct.encode(values)
        if struct not in self._defined:
            self._defined.add(struct)
            return struct.definition + message
        return message


# -- decoding -----------------------------------------------------------------------------------
# What definitions of types are made of, under numbers that no sender can choose.
_WIRE_TYPE, _ARRAY, _COMMON, _SLICE, _STRUCT, _FIELD, _FIELDS, _MAP, _OPAQUE = range(-1, -10, -1)

_FIRST_TYPES: Dict[int, Tuple[str, Any]] = {
    _WIRE_TYPE: (
        "struct",
        [
            ("ArrayT", _ARRAY),
            ("SliceT", _SLICE),
            ("StructT", _STRUCT),
            ("MapT", _MAP),
            ("GobEncoderT", _OPAQUE),
            ("BinaryMarshalerT", _OPAQUE),
            ("TextMarshalerT", _OPAQUE),
        ],
    ),
    _COMMON: ("struct", [("Name", _STRING), ("Id", _INT)]),
    _ARRAY: ("struct", [("CommonType", _COMMON), ("Elem", _INT), ("Len", _INT)]),
    _SLICE: ("struct", [("CommonType", _COMMON), ("Elem", _INT)]),
    _STRUCT: ("struct", [("CommonType", _COMMON), ("Field", _FIELDS)]),
    _FIELD: ("struct", [("Name", _STRING), ("Id", _INT)]),
    _FIELDS: ("list", _FIELD),
    _MAP: ("struct", [("CommonType", _COMMON), ("Key", _INT), ("Elem", _INT)]),
    _OPAQUE: ("struct", [("CommonType", _COMMON)]),
}


class Decoder:
    """What the other side of a connection sends.

    Args:
        take: returns exactly so many bytes of what was received, and raises if no more come.
    """

    def __init__(self, take: Callable[[int], bytes]) -> None:
        self._take = take
        self._types = dict(_FIRST_TYPES)

    def decode(self) -> Dict[str, Any]:
        """The next struct, as its fields by name: numbers, truths, ``bytes`` for texts, and lists.

        Fields that are zero are missing. What this project has no use for (floating point, interfaces) is
        ``None``.

        Raises:
            GobError: what was received is not gob, or no struct.
            Exception: whatever ``take`` raises.
        """
        while True:
            message = _Message(self._take(self._length()), self._types)
            number = message.signed()
            if number < 0:
                self._define(-number, message.value(_WIRE_TYPE, 0))
                message.end()
                continue
            kind = self._types.get(number)
            if kind is None:
                raise GobError("a value of type %d, which nobody has defined" % number)
            if kind[0] != "struct":
                raise GobError("a value that is no struct")
            found: Dict[str, Any] = message.value(number, 0)
            message.end()
            return found

    def _length(self) -> int:
        """The length of the next message."""
        first = self._take(1)[0]
        if first < 128:
            length = first
        elif first < 256 - 8:
            raise GobError("a length of %d bytes" % (256 - first))
        else:
            length = int.from_bytes(self._take(256 - first), "big")
        if length > _LONGEST:
            raise GobError("a message of %d bytes" % length)
        return length

    def _define(self, number: int, wire: Mapping[str, Any]) -> None:
        """Note a type that the other side has defined."""
        if number in self._types or number <= _INTERFACE:
            raise GobError("type %d is defined twice" % number)
        if len(self._types) > _MOST_TYPES:
            raise GobError("too many types")
        (name, body), *more = list(wire.items()) or [("", {})]
        if more or not name:
            raise GobError("type %d is not of one kind" % number)
        if name == "StructT":
            fields = [
                (field.get("Name", b"").decode("utf-8", "replace"), field.get("Id", 0))
                for field in body.get("Field", [])
            ]
            self._types[number] = "struct", fields
        elif name == "MapT":
            self._types[number] = "map", (body.get("Key", 0), body.get("Elem", 0))
        elif name in ("ArrayT", "SliceT"):
            self._types[number] = "list", body.get("Elem", 0)
        else:
            self._types[number] = "opaque", None


class _Message:
    """One message, while it is read."""

    def __init__(self, data: bytes, types: Mapping[int, Tuple[str, Any]]) -> None:
        self._data = data
        self._types = types
        self._at = 0
        self._values = 0

    def end(self) -> None:
        if self._at != len(self._data):
            raise GobError("%d bytes too many in a message" % (len(self._data) - self._at))

    def unsigned(self) -> int:
        data, at = self._data, self._at
        if at >= len(data):
            raise GobError("a message ends too early")
        number = data[at]
        self._at = at = at + 1
        if number < 128:
            return number
        if number < 256 - 8:
            raise GobError("a number of %d bytes" % (256 - number))
        self._at = end = at + 256 - number
        if end > len(data):
            raise GobError("a message ends within a number")
        return int.from_bytes(data[at:end], "big")

    def signed(self) -> int:
        number = self.unsigned()
        return ~(number >> 1) if number & 1 else number >> 1

    def text(self) -> bytes:
        length = self.unsigned()
        at = self._at
        if length > len(self._data) - at:
            raise GobError("a message ends within a text of %d bytes" % length)
        self._at = at + length
        return self._data[at : at + length]

    def count(self) -> int:
        """How many elements follow, each of which takes a byte at least."""
        count = self.unsigned()
        if count > len(self._data) - self._at:
            raise GobError("a message ends within a list of %d elements" % count)
        return count

    def value(self, kind: int, depth: int) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise GobError("more than %d values in a message" % _MOST_VALUES)
        if kind in (_BYTES, _STRING):
            return self.text()
        if kind == _INT:
            return self.signed()
        if kind in (_UINT, _BOOL):
            return self.unsigned()
        if kind == _FLOAT:
            self.unsigned()
            return None
        if kind == _COMPLEX:
            self.unsigned()
            self.unsigned()
            return None
        if kind == _INTERFACE:
            if self.text():
                self.signed()
                self.text()
            return None
        return self._defined(kind, depth)

    def _defined(self, kind: int, depth: int) -> Any:
        """A value of a type that the other side has defined."""
        known = self._types.get(kind)
        if known is None:
            raise GobError("type %d, which nobody has defined" % kind)
        if depth == _DEEPEST:
            raise GobError("a value in more than %d others" % _DEEPEST)
        depth += 1
        form, parts = known
        if form == "struct":
            return self._struct(parts, depth)
        if form == "list":
            return [self.value(parts, depth) for _ in range(self.count())]
        if form == "map":
            for _ in range(self.count()):
                self.value(parts[0], depth)
                self.value(parts[1], depth)
            return None
        self.text()
        return None

    def _struct(self, fields: List[Tuple[str, int]], depth: int) -> Dict[str, Any]:
        found: Dict[str, Any] = {}
        number = -1
        while True:
            delta = self.unsigned()
            if not delta:
                return found
            number += delta
            if number >= len(fields):
                raise GobError("field %d of a struct that has %d" % (number + 1, len(fields)))
            name, kind = fields[number]
            found[name] = self.value(kind, depth)
