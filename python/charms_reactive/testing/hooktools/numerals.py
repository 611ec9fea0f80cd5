"""Numbers as Go reads and prints them; those that came to Juju as JSON are all floats."""

from __future__ import annotations

import re

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Optional, Tuple

_SEPARATED = re.compile(r"[-+]?(?:0[bBoOxX]?_?)?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*")
_BASES = {"b": 2, "o": 8, "x": 16}


def integer(text: str) -> Optional[int]:
    """The integer that a text is, of whatever base its beginning says; ``None`` if it is none.

    Go takes a leading zero for base 8, and does not take what 64 bits cannot hold, which is for the caller.
    """
    sign, digits = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    base = _BASES.get(digits[1:2].lower(), 8) if digits[:1] == "0" and len(digits) > 1 else 10
    prefixed = base != 10 and digits[1:2].lower() in _BASES
    if prefixed:
        digits = digits[2:]
    number = of_base(digits, base)
    return -number if number is not None and sign == "-" else number


def parsed(text: str) -> Tuple[int, str]:
    """A whole number as options take it, with or without underscores; and what is wrong with it."""
    plain = text
    if "_" in text and _SEPARATED.fullmatch(text):
        plain = text.replace("_", "")
    number = integer(plain)
    if number is None:
        return 0, "invalid syntax"
    return number, "" if -(1 << 63) <= number < 1 << 63 else "value out of range"


def of_base(digits: str, base: int) -> Optional[int]:
    """What digits of a base, and nothing else, make; ``None`` if one is not of it, or there is none."""
    allowed = "0123456789abcdef"[:base]
    if not digits or any(digit not in allowed for digit in digits.lower()):
        return None
    return int(digits, base)


def general(number: float) -> str:
    """As YAML and text have them: with an exponent below 0.0001 and from 1,000,000 on."""
    if number != number:
        return ".nan"
    if number in (float("inf"), float("-inf")):
        return ".inf" if number > 0 else "-.inf"
    sign, digits, point = _parts(number)
    if number and not -4 <= point - 1 < 6:
        return sign + _with_exponent(digits, point)
    return sign + _without(digits, point)


def in_json(number: float) -> str:
    """As JSON has them: with an exponent below 0.000001 and from 10 to the 21st on."""
    sign, digits, point = _parts(number)
    if number and not -6 <= point - 1 < 21:
        text = _with_exponent(digits, point)
        return sign + (text[:-2] + text[-1] if text[-4:-1] == "e-0" else text)
    return sign + _without(digits, point)


def _parts(number: float) -> Tuple[str, str, int]:
    """The sign, the fewest digits that tell it, and where the point is in them."""
    mantissa, _, exponent = ("%r" % abs(number)).partition("e")
    whole, _, rest = mantissa.partition(".")
    digits = whole + ("" if rest == "0" else rest)
    point = len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    sign = "-" if str(number)[0] == "-" else ""
    return (sign, stripped.rstrip("0"), point) if stripped else (sign, "0", 1)


def _with_exponent(digits: str, point: int) -> str:
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    exponent = point - 1
    return "%se%s%02d" % (mantissa, "-" if exponent < 0 else "+", abs(exponent))


def _without(digits: str, point: int) -> str:
    if point <= 0:
        return "0." + "0" * -point + digits
    if len(digits) <= point:
        return digits + "0" * (point - len(digits))
    return "%s.%s" % (digits[:point], digits[point:])
