"""Random values and command lines, the same everywhere: what Juju's libraries made of them is known.

They lean to what is difficult: texts that look like something else, white space at the ends, letters that are
not printable, options that are joined, repeated, unknown or without their value.
"""

from __future__ import annotations

import random
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

# ruff: noqa: SIM905
_BITS = (
    "yes no ~ null 0x1F 0o7 08 1e3 1e+3 - + .5 5. 1_000 12:30 2001-01-01 2001-1-1T1:2:3Z = << --- ... -a ? :"
    " # a#b * ! & @ ` % | > ' \" [ { ] } , true True 0b101 0b+1 -0b11 http2 a10 a1b2 01 1 1.5 -1.5e-7 1:2:3.5"
    " .inf -.INF .nan inf NaN '' it's a: a:b :: a?b -- ...x 12e03 1e-5 +1 +.5 -_1 1__2 0_7 0. 0.0 00 -0 _1"
    " 2001-02-30 20010101 1.e5 0x 0xg 1e999999 1:60 190:20:30 . .. .5e3 .5.5 .5_0 99999999999999999999"
    " 0x8000000000000000 \\ ä ☃"
).split()
_BITS += ["", " ", "  x", "x  ", "- a", "? b", ": x", "a: b", "a #b", "--- ", "2001-12-14 21:59:43", "a" * 30]
_BITS += [
    "word " * 25,
    "x" * 129,
    "x y" * 60,
    "\t",
    "a\tb",
    "a\nb",
    "a\n",
    "\n",
    "\na",
    "a\n\nb",
    "a \nb",
    "a\r",
]
_BITS += ["\u2028", "a\u2028b", "\x85", "\ufeff", "\U0001f600", "\u00a0", "\x00", "\x7f", "\x07", "\x1b[0m"]
_BITS += ["\u2029 \n", " \n", "\ud7ff", "\ue000", "\ufffd", "\ufffe"]
_LETTERS = "abcXYZ019 .,:-_#'\"\n\t{}[]&*!|>%@`\\?=~+/ä☃\u2028\u00a0\x85\r"
_WORDS = ["lorem", "ip", "a", "consectetur", "'q'", ":", "x:y"]
_NUMBERS = [0.5, 3.0, 1e6, 1234567.0, 1e21, -2.5e-7, 123456.0, 999999.5, 1e-5, 0.0001, 1e20]


def values(seed: int, count: int) -> List[Any]:
    """Values of what JSON can hold; surrogates stand for bytes that are no text.

    A mapping has two keys at most: Juju's library compares three in a way that need not come to one order.
    """
    chance = random.Random(seed)
    return [_value(chance, 0) for _ in range(count)]


def _text(chance: random.Random) -> str:
    kind = chance.randrange(100)
    if kind < 40:
        return chance.choice(_BITS)
    if kind < 55:
        return chance.choice(_BITS) + chance.choice(["", " ", "\n", ": "]) + chance.choice(_BITS)
    if kind < 60:
        return b"\xff\xfe".decode("utf-8", "surrogateescape") + "x" * chance.randrange(80)
    if kind < 75:
        return " ".join(chance.choice(_WORDS) for _ in range(chance.randrange(5, 40)))
    return "".join(chance.choice(_LETTERS) for _ in range(chance.randrange(chance.choice([5, 13, 31, 161]))))


def _value(chance: random.Random, depth: int) -> Any:
    kind = chance.randrange(100)
    if depth < 3 and kind < 25:
        return {_text(chance): _value(chance, depth + 1) for _ in range(chance.randrange(3))}
    if depth < 3 and kind < 40:
        return [_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return _text(chance) if kind < 85 else chance.choice([None, True, False, *_NUMBERS])


_VALUES = [
    "json",
    "yaml",
    "smart",
    "xml",
    "",
    "db:0",
    "0",
    "1",
    "9",
    "db:9",
    "-1",
    "+0",
    "x",
    "true",
    "false",
]
_VALUES += [
    "t",
    "0x1",
    "1_0",
    "99999999999999999999",
    "a=b",
    "=",
    "-",
    "--",
    "ä",
    "\udcff",
    "a b",
    'q"',
    "\t",
]


def command_lines(
    seed: int, count: int, options: Mapping[str, Mapping[str, Tuple[str, str]]]
) -> Iterator[Tuple[str, List[str]]]:
    """Tools with arguments.

    Args:
        seed: of the random numbers.
        count: how many.
        options: of each tool the spellings of its options.
    """
    chance = random.Random(seed)
    tools = sorted(options)
    for _ in range(count):
        tool = chance.choice(tools)
        known = sorted(options[tool])
        yield tool, [_word(chance, known) for _ in range(chance.randrange(6))]


def _word(chance: random.Random, known: Sequence[str]) -> str:
    kind = chance.randrange(100)
    if kind < 35:
        strange = ["help", "h", "nope", "", "x", "ä", "\udcff"]
        name = chance.choice(known) if known and chance.randrange(5) else chance.choice(strange)
        dashes = chance.choice(["-", "--", "--"])
        return (
            dashes
            + name
            + chance.choice(["", "", "", "=", "-", chance.choice(_VALUES)])
            + chance.choice(_VALUES[4:])
        )
    if kind < 50:
        short = [name for name in known if len(name) == 1] or ["r"]
        letters = "".join(chance.choice(short) for _ in range(chance.randrange(1, 4)))
        return "-" + letters + chance.choice(["", chance.choice(_VALUES)])
    if kind < 70 and known:
        return "--" + chance.choice(known)
    return chance.choice([*_VALUES, "key=value"])


def by_kind(options: Mapping[str, Tuple[str, str]]) -> Dict[str, str]:
    """What each option of a tool takes, by its one name."""
    return dict(options.values())
