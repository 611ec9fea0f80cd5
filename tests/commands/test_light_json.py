"""JSON without the ``json`` module: the same values, the same text, the same refusals."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any, List

import pytest

from charms_reactive._commands import light_json

VALUES: List[Any] = [
    *(None, True, False, 0, -1, 10**30, 1.5, -2e300, float("inf"), "", '\u00e9\n"\\\x00\u2028', "\U0001f600"),
    *([], [1, [2, [None]]], {}, {"a": {"b": [1, {"c": None}]}, "": ""}),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_written_is_what_json_writes(value: Any) -> None:
    assert light_json.dumps(value) == json.dumps(value)
    assert light_json.loads(json.dumps(value)) == value
    assert light_json.loads(" %s\n" % json.dumps(value, indent=1)) == value


@pytest.mark.parametrize("text", ["", " ", "{", "[1,", '"', "nul", "1 2", "[]]", "{'a': 1}", '"\n"', "{a}"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- each interpreter has a sentence of its own
        light_json.loads(text)
    # And so it is where nobody has imported json.
    code = (
        "import sys; sys.path[0:0] = [%r]; import light_json\n"
        "try: light_json.loads(%r)\n"
        "except ValueError: sys.exit(7)"
    )
    directory = light_json.__file__.rpartition("/")[0]
    done = subprocess.run([sys.executable, "-S", "-c", code % (directory, text)], check=False)
    assert done.returncode == 7


def test_random_text(seeds: List[int]) -> None:
    for seed in seeds:
        generator = random.Random(seed)
        for _ in range(300):
            value = ["".join(chr(generator.choice([*range(1, 160), 0x2028, 0x1F600])) for _ in range(8))]
            assert light_json.dumps(value) == json.dumps(value)
            assert light_json.loads(json.dumps(value, ensure_ascii=False)) == value
