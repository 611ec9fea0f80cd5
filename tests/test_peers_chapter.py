"""The chapter that compares with other libraries: every row names tests that there are."""

from __future__ import annotations

import re
from typing import List

import pytest

import documents

pytestmark = pytest.mark.once


def rows() -> List[List[str]]:
    """The rows of its tables, without their heads; each is its cells."""
    text = (documents.DOCS / "peers.md").read_text(encoding="utf-8")
    found = []
    for table in re.findall(r"(?m)(?:^\|.*\n)+", text):
        lines = table.splitlines()[2:]
        found += [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return found


def test_each_cell_says_something_and_each_row_names_a_test_that_there_is() -> None:
    tests = documents.ROOT / "tests"
    there = set()
    for path in tests.rglob("test_*.py"):
        there.update(re.findall(r"(?m)^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8")))
    assert len(rows()) > 25
    for cells in rows():
        assert all(cells), cells
        (named,) = re.findall(r"`(test_\w+)`", cells[-1])
        assert named in there, named
