"""YAML as Juju prints it: block style, folded at 80 columns, in the quotes and the order of its own library.

Juju prints with its fork of a Go port of libyaml (github.com/juju/yaml at 12a32b7, in Juju 2.9 to 4.0 alike).
The rules are those of that library, told here in the order in which they are applied:

1. A text is plain, unless read back it would be something else than text, see :func:`is_text`: then it is in
   double quotes. A text with a line feed is literal (``|``). One that is no UTF-8 is base64, with the tag
   ``!!binary``.
2. What cannot be plain (it begins with an indicator, has ``": "`` or ``" #"``, or white space at an end) is
   in single quotes. What cannot be in single quotes or literal is in double quotes: it has letters that are
   not printable, as a tab and those beyond 0xFFFF, or white space at the end of a line.
3. A line that is longer than 80 columns is broken at the next single space.
4. A key that is longer than 128 bytes or has several lines gets a ``?``.
5. Mappings are sorted: numbers within keys by value, letters after everything else; see :func:`natural`.
"""

from __future__ import annotations

import re
from functools import cmp_to_key

from .numerals import general, integer, of_base
from .values import Plain, Struct

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, List, Tuple

#: Lines are broken when they are longer.
WIDTH = 80
#: Keys that are longer, in bytes, stand behind a ``?``.
LONGEST_KEY = 128

_INDENT = 2
_BREAKS = "\n\r\x85\u2028\u2029"
_WORDS = frozenset(
    [
        word
        for lower in ("y", "yes", "true", "on", "n", "no", "false", "off", "null")
        for word in (lower, lower.capitalize(), lower.upper())
    ]
    + ["", "~", ".nan", ".NaN", ".NAN"]
    + [sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")]
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][-+][0-9]+)?")
_POINT_FLOAT = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:([Tt])| )([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?"
    r"(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)


def as_yaml(value: object) -> str:
    """A value as YAML, without a line feed at its end.

    Args:
        value: what JSON can hold, :class:`~.values.Struct` and :class:`~.values.Plain`. A text with
            surrogates stands for bytes.
    """
    printer = _Printer()
    printer.node(value, in_mapping=False, key=False)
    return "".join(printer.parts).rstrip("\n")


# -- what a text would be -------------------------------------------------------------------------------
def is_text(text: str) -> bool:
    """Whether a plain scalar would be read back as text: as no number, time, truth or null."""
    if text in _WORDS:
        return False
    first = text[0]
    if first == ".":
        return not (_POINT_FLOAT.fullmatch(text) and _in_range(text))
    if first not in "+-0123456789":
        return True
    return not (_is_time(text) or _is_number(text.replace("_", "")) or _SIXTIES.fullmatch(text))


def _is_number(text: str) -> bool:
    whole = integer(text)
    if whole is not None and -(1 << 63) <= whole < (1 << 64 if text[0] not in "+-" else 1 << 63):
        return True
    if _FLOAT.fullmatch(text) and text[-1].isdigit():
        # The exponent may be too large, and then it is text after all.
        return _in_range(text)
    # What begins with 0b is tried once more, and may have a sign there.
    sign, binary, digits = text.partition("0b")
    if not binary or sign not in ("", "-"):
        return False
    number = of_base(digits[1:] if not sign and digits[:1] in ("+", "-") else digits, 2)
    return number is not None and number < 1 << 63


def _in_range(text: str) -> bool:
    try:
        return float(text) not in (float("inf"), float("-inf"))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if found is None:
        return False
    year, month, day = (int(found.group(number)) for number in (1, 2, 3))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not (1 <= month <= 12 and 1 <= day <= days[month - 1]):
        return False
    if found.group(5) is None:
        return True
    clock = [int(found.group(number)) for number in (5, 6, 7)]
    if clock[0] > 23 or clock[1] > 59 or clock[2] > 59:
        return False
    zone = found.group(8)
    if (zone is None) is (found.group(4) is not None):
        return False  # One with a T has a zone, and one with a blank has none.
    return zone in (None, "Z") or (int(zone[1:3]) <= 24 and int(zone[4:6]) < 60)


# -- the order of keys ----------------------------------------------------------------------------------
def natural(one: str, other: str) -> int:
    """Compares two keys: negative if the first goes before the second.

    Where they differ for the first time, a letter goes behind anything else, and digits go by the number that
    begins there. Zeros do not begin one if other digits stand before them. What is no text is U+FFFD.
    """
    one, other = (_SURROGATE.sub("\ufffd", text) for text in (one, other))
    for at, (left, right) in enumerate(zip(one, other)):
        if left == right:
            continue
        letters = left.isalpha(), right.isalpha()
        if any(letters):
            return ord(left) - ord(right) if all(letters) else letters[0] - letters[1]
        before = 1 if "0" in (left, right) and _follows_a_number(one, at) else 0
        first, end = _number_at(one, at, before)
        second, other_end = _number_at(other, at, before)
        return first - second or end - other_end or ord(left) - ord(right)
    return len(one) - len(other)


def _follows_a_number(text: str, at: int) -> bool:
    """Whether the digits just before a place are more than zeros."""
    start = at
    while start and text[start - 1].isdecimal():
        start -= 1
    return bool(text[start:at].strip("0"))


def _number_at(text: str, at: int, number: int) -> Tuple[int, int]:
    """What digits from there on make of a number, as one of 64 bits; and where they end."""
    while at < len(text) and text[at].isdecimal():
        number = number * 10 + ord(text[at]) - ord("0")
        at += 1
    return (number + (1 << 63)) % (1 << 64) - (1 << 63), at


# -- printing -------------------------------------------------------------------------------------------
class _Scalar:
    """One scalar, and in which styles it can be printed.

    Attributes:
        text: what is printed.
        style: ``"``, ``'``, ``|`` or empty for plain.
        tag: in front of it; empty for none.
        several_lines: whether it has line breaks.
    """

    def __init__(self, value: Any) -> None:
        self.tag = ""
        self.style = ""
        self.text, plain = _scalar(value), True
        if isinstance(value, str) and not isinstance(value, Plain):
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                self.tag, self.text = "!!binary", _base64(value)
            else:
                plain = is_text(value)
            self.style = "|" if "\n" in self.text else "" if plain else '"'
        text = self.text
        self.several_lines = any(letter in text for letter in _BREAKS)
        space_break = re.search(" [%s]" % _BREAKS, text) is not None
        odd = not text.isascii() or not text.isprintable()
        odd = odd and any(not _is_printable(letter) for letter in text)
        self._quotable = not (space_break or odd or re.search("[%s] " % _BREAKS, text))
        self._literal = bool(text) and not (space_break or odd or text.endswith(" "))
        edges = text[:1] + text[-1:]
        self._plain = not (self.several_lines or space_break or odd or " " in edges or _indicates(text))

    def styled(self, key: bool) -> str:
        """The style in which it is printed, as a key in one line or not."""
        style = '"' if key and self.several_lines else self.style
        if not style and (not self._plain or (key and not self.text)):
            style = "'"
        if style == "'" and not self._quotable:
            style = '"'
        return '"' if style == "|" and (key or not self._literal) else style


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return general(value) if isinstance(value, float) else str(value)


def _base64(text: str) -> str:
    from base64 import b64encode

    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogatepass")
    shown = b64encode(data).decode("ascii")
    if len(shown) < 70:
        return shown
    return "".join([shown[at : at + 70] + "\n" for at in range(0, len(shown), 70)])


def _is_printable(letter: str) -> bool:
    code = ord(letter)
    return (
        letter == "\n"
        or 0x20 <= code <= 0x7E
        or 0xA0 <= code <= 0xD7FF
        or (0xE000 <= code <= 0xFFFD and code != 0xFEFF)
    )


_INDICATOR = re.compile(
    r"---|\.\.\.|[#,\[\]{}&*!|>'\"%@`]|[?:-](?:[ \t]|$)"  # at the beginning
    r"|.*:(?:[ \t]|$)|.*[ \t\n\r\x85\u2028\u2029]#",  # anywhere
    re.DOTALL,
)


def _indicates(text: str) -> bool:
    """Whether a text that is not quoted would be taken for something else in block style."""
    return _INDICATOR.match(text) is not None


_ESCAPES = {
    "\0": "0",
    "\a": "a",
    "\b": "b",
    "\t": "t",
    "\n": "n",
    "\v": "v",
    "\f": "f",
    "\r": "r",
    "\x1b": "e",
    '"': '"',
    "\\": "\\",
    "\x85": "N",
    "\xa0": "_",
    "\u2028": "L",
    "\u2029": "P",
}


class _Printer:
    """Where the printing is: what is written, the column, and how far lines are indented."""

    def __init__(self) -> None:
        self.parts: List[str] = []
        self._column = 0
        self._indent = -1
        # Whether the last thing is white space, and whether the line has nothing else.
        self._after_space = True
        self._at_start = True

    def _put(self, text: str) -> None:
        self.parts.append(text)
        self._column += len(text)

    def _break(self, mark: str = "\n") -> None:
        self.parts.append(mark)
        self._column = 0

    def _new_line(self) -> None:
        """Begin a line, unless one has just begun that is indented no further."""
        indent = max(self._indent, 0)
        if not self._at_start or self._column > indent or (self._column == indent and not self._after_space):
            self._break()
        self._put(" " * (indent - self._column))
        self._after_space = self._at_start = True

    def _mark(self, mark: str, spaced: bool = True, begins: bool = False, space: bool = False) -> None:
        """An indicator: whether a space goes before it, it begins an item, it is white space itself."""
        if spaced and not self._after_space:
            self._put(" ")
        self._put(mark)
        self._after_space = space
        self._at_start = self._at_start and begins

    def node(self, value: Any, in_mapping: bool, key: bool) -> None:
        """Print a value, as that of a mapping or not, as a key in one line or not."""
        if isinstance(value, (list, tuple)):
            self._sequence(value, in_mapping) if value else self._empty("[", "]")
        elif isinstance(value, dict):
            self._mapping(value) if value else self._empty("{", "}")
        else:
            self._print(_Scalar(value), key)

    def _empty(self, opening: str, closing: str) -> None:
        self._mark(opening, space=True)
        self._mark(closing, spaced=False)

    def _sequence(self, items: Any, in_mapping: bool) -> None:
        before = self._indent
        # Within a mapping its items are not indented.
        if not (in_mapping and not self._at_start):
            self._indent += _INDENT if before >= 0 else 1
        for item in items:
            self._new_line()
            self._mark("-", begins=True)
            self.node(item, in_mapping=False, key=False)
        self._indent = before

    def _mapping(self, items: Any) -> None:
        before = self._indent
        self._indent += _INDENT if before >= 0 else 1
        for key in items if isinstance(items, Struct) else sorted(items, key=cmp_to_key(natural)):
            self._new_line()
            scalar = _Scalar(key)
            short = len(scalar.text.encode("utf-8")) + len(scalar.tag) <= LONGEST_KEY
            if short and not scalar.several_lines:
                self._print(scalar, True)
                self._mark(":", spaced=False)
            else:
                self._mark("?", begins=True)
                self._print(scalar, False)
                self._new_line()
                self._mark(":", begins=True)
            self.node(items[key], in_mapping=True, key=False)
        self._indent = before

    def _print(self, scalar: _Scalar, key: bool) -> None:
        before = self._indent
        self._indent += _INDENT if before >= 0 else _INDENT + 1
        style = scalar.styled(key)
        if scalar.tag:
            self._put(("" if self._after_space else " ") + scalar.tag)
            self._after_space = self._at_start = False
        if style == "|":
            self._literal(scalar.text)
        elif style == '"':
            self._double_quoted(scalar.text, not key)
        else:
            self._flowing(scalar.text, not key, style)
        self._indent = before

    def _flowing(self, text: str, may_break: bool, quote: str) -> None:
        """A text without escapes, plain or in single quotes."""
        self._mark(quote)
        if quote:
            text = text.replace("'", "''")
        if not self.parts or (self._column + len(text) <= WIDTH and not any(one in text for one in _BREAKS)):
            self._put(text)
        else:
            self._flow(text, may_break, quote)
        if quote:
            self._mark(quote, spaced=False)
        self._after_space = self._at_start = False

    def _flow(self, text: str, may_break: bool, quote: str) -> None:
        spaces = breaks = False
        for at, letter in enumerate(text):
            if letter == " ":
                inside = not quote or 0 < at < len(text) - 1
                single = not spaces and text[at + 1 : at + 2] != " "
                if may_break and single and self._column > WIDTH and inside:
                    self._new_line()
                else:
                    self._put(letter)
                spaces = True
                continue
            if letter in _BREAKS:
                if not breaks and letter == "\n":
                    self._break()
                self._break(letter)
                self._at_start = breaks = True
                continue
            if breaks:
                self._new_line()
            self._put(letter)
            self._at_start = spaces = breaks = False

    def _double_quoted(self, text: str, may_break: bool) -> None:
        self._mark('"')
        spaces = False
        # The library looks for a byte order mark at the beginning, wherever it is: then all is escaped.
        every = text[:1] == "\ufeff"
        for at, letter in enumerate(text):
            if every or letter in '"\\' or letter in _BREAKS or not _is_printable(letter):
                self._put("\\" + (_ESCAPES.get(letter) or _code(letter)))
                spaces = False
            elif letter == " ":
                if may_break and not spaces and self._column > WIDTH and 0 < at < len(text) - 1:
                    self._new_line()
                    if text[at + 1] == " ":
                        self._put("\\")
                else:
                    self._put(letter)
                spaces = True
            else:
                self._put(letter)
                spaces = False
        self._mark('"', spaced=False)
        self._after_space = self._at_start = False

    def _literal(self, text: str) -> None:
        hints = str(_INDENT) if text[0] == " " or text[0] in _BREAKS else ""
        if text[-1] not in _BREAKS:
            hints += "-"
        elif len(text) == 1 or text[-2] in _BREAKS:
            hints += "+"
        self._mark("|")
        self._put(hints)
        self._break()
        self._at_start = self._after_space = breaks = True
        for letter in text:
            if letter in _BREAKS:
                self._break(letter)
                self._at_start = breaks = True
                continue
            if breaks:
                self._new_line()
            self._put(letter)
            self._at_start = breaks = False


def _code(letter: str) -> str:
    code = ord(letter)
    return "x%02X" % code if code <= 0xFF else "u%04X" % code if code <= 0xFFFF else "U%08X" % code
