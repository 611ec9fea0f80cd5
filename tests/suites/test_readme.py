"""What the README of this folder says of our own tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.once


def test_the_tests_that_it_names_are_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (TESTS / "suites" / "README.md").read_text(encoding="utf-8")))
    assert len(named) > 20
    there = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    assert named - there == set()


def test_the_sums_are_right() -> None:
    text = (TESTS / "suites" / "README.md").read_text(encoding="utf-8")
    main, further = re.findall(r"(?:^\| \S+/\S+ .*\n)+", text, re.MULTILINE)
    rows = [line.split("|") for line in main.splitlines()]
    assert (len(rows), sum(int(row[3]) for row in rows)) == (20, 1016)
    assert sum(int(row[4]) for row in rows if row[4].strip().isdigit()) == 999
    rows = [line.split("|") for line in further.splitlines()]
    assert (len(rows), sum(int(row[3]) for row in rows)) == (14, 286)
