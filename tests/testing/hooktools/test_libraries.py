"""YAML and command lines beside Juju's own libraries, on random values and arguments.

What these libraries make of the same values is recorded: a digest of each thousand values as juju/yaml
12a32b7 prints them, and of each 5,000 command lines as juju/gnuflag 2ce1bb7 reads them. They were run once,
with Go 1.19, beside this repository. A first part is compared here; with ``--all-cases`` all 20,000 values
and 100,000 command lines.

The rules are written down in ``yaml_printer.py`` and at ``parse()`` in ``command.py``. None of the values
differs. What the library leaves open is not among them: the order of three keys or more of which each goes
before the next.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any, List

import pytest
import yaml
from generated import by_kind, command_lines, values

from charms_reactive.testing import hooktools
from charms_reactive.testing.hooktools import relations
from charms_reactive.testing.hooktools.command import HelpError, UsageError, parse, spellings
from charms_reactive.testing.hooktools.numerals import parsed
from charms_reactive.testing.hooktools.yaml_printer import as_yaml

# ruff: noqa: SIM905
LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
OF_VALUES = """
    449ef0e0ed5f6468 22a4ed1ed8493b01 1a37d5427af57fdb 6eabf7c48f2de32e 29dad14cddbdf9f5
    817841ee29202d8e 65a23a211d521c54 01ef1781a673422b fa9404ef5467bc26 8c8340f1467e0588
    3b329eb2f4b7abab cb6296ba25c983c7 d14d3494f92ddd53 d18732069a5d1539 3904337a3d438773
    2136d7d07035f252 b30e35a5e4d43b06 d49bd27838d9eeeb 808986f16b9624ad 0149817901fe195e
""".split()
OF_LINES = """
    269286ba4c127d62 02d83c46234fe17b 2375e807e2668d37 933a6f2aa0bc4fc0 9fd585e176658501
    f8dab057e88613e7 8d08f176dae7fcae 9fcb8184915161a2 d5ed658e8af1272a f0d33ade7a9b54d3
    825f9883d6d342b8 e05fc3eaaaea208b 0b93e94285a0aea0 99383cd7203d3131 cbe4cfa12f92f9dc
    5364934e01eca2f9 eb193720d4067b14 0e5ed7551706f34f c25d54f43fe8b4ff a55631d57f00b7db
""".split()


def some(pytestconfig: pytest.Config, digests: List[str]) -> List[str]:
    """All of the digests, or the first two."""
    return digests if pytestconfig.getoption("--all-cases") else digests[:2]


def digest(texts: List[str], between: str) -> str:
    return hashlib.sha256(between.join(texts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


# -- YAML ---------------------------------------------------------------------------------------------
def test_yaml_is_what_juju_prints(pytestconfig: pytest.Config) -> None:
    recorded = some(pytestconfig, OF_VALUES)
    printed = [
        digest([as_yaml(value) for value in values(seed, 1000)], "\0") for seed in range(len(recorded))
    ]
    assert printed == recorded
    print("%d values printed as juju/yaml does" % (1000 * len(recorded)))


def test_yaml_is_read_back_as_it_was(pytestconfig: pytest.Config) -> None:
    """By another library, which takes every scalar for text; but for those line breaks that it folds."""
    count = 0
    for seed in range(len(some(pytestconfig, OF_VALUES))):
        for value in values(seed, 1000):
            if any(letter in repr(value) for letter in ("\\u2028", "\\u2029", "\\x85", "\\ud7ff")):
                continue
            # Not at the end, where line feeds are taken away.
            text = as_yaml([value, "end"])
            assert _same([value, "end"], yaml.load(text, LOADER)), text
            count += 1
    print("%d values read back" % count)


def _same(value: Any, read: Any) -> bool:
    if isinstance(value, dict):
        keys = {_read_as(key): key for key in value}
        there = {other if other in keys else "".join(other.split()): inner for other, inner in read.items()}
        return set(there) == set(keys) and all(_same(value[keys[key]], there[key]) for key in keys)
    if isinstance(value, list):
        return len(read) == len(value) and all(map(_same, value, read))
    return bool(_read_as(value) == ("".join(read.split()) if _is_binary(value) else read))


def _read_as(value: Any) -> str:
    """A scalar as the other library reads it: as text, and bytes as base64."""
    if _is_binary(value):
        return _in_base64(value)
    return _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else as_yaml({"k": value})[3:]


def _is_binary(value: Any) -> bool:
    return isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value)


# -- command lines ------------------------------------------------------------------------------------
def test_command_lines_are_taken_as_juju_takes_them(pytestconfig: pytest.Config) -> None:
    recorded = some(pytestconfig, OF_LINES)
    options = {tool: spellings(tool) for tool in hooktools.TOOLS}
    for seed, expected in enumerate(recorded):
        read = [_read(tool, words) for tool, words in command_lines(seed, 5000, options)]
        assert digest(read, "\n") == expected, "of the lines of seed %d" % seed
    print("%d command lines read as juju/gnuflag does" % (5000 * len(recorded)))


def _read(tool: str, words: List[str]) -> str:
    """A command line as the record has it."""
    try:
        options, rest = parse(tool, words, _wrong)
    except HelpError:
        return "help"
    except UsageError as error:
        return "wrong " + _in_base64(str(error))
    kinds, shown = by_kind(spellings(tool)), {}
    for name, value in options.items():
        if kinds[name] == "#":
            number = parsed(value)[0]
            shown.update({name: str(number)} if number else {})
        elif kinds[name]:
            shown[name] = _in_base64(value)
        elif value == "true":
            shown[name] = value
    return "right %s %s" % (
        json.dumps(shown, sort_keys=True),
        json.dumps([_in_base64(word) for word in rest]),
    )


def _wrong(kind: str, value: str) -> str:
    """There are the relations 0 and 1; of storages nothing is checked."""
    juju = {"relations": {"db:0": {}, "ring:1": {}}}
    return relations.wrong_id(juju, value) if kind == "@" else ""


def _in_base64(text: str) -> str:
    return b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")
