"""What public charms taught the rules: the record of a run, and charms of our own with what was in them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from charms_reactive.tools._charm.reading import read
from charms_reactive.tools._lint.comments import Selection
from charms_reactive.tools._lint.linting import lint
from charms_reactive.tools._lint.rules import NOTE, RULES

from .test_planted_mistakes import Case, parsed, write

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "lint.md"

pytestmark = pytest.mark.once

CLEAN = parsed((HERE / "clean.txt").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CLEAN, ids=lambda case: case.name)
def test_nothing_is_told_of_what_is_in_order(case: Case, tmp_path: Path) -> None:
    assert not case.wanted
    reading = read(write(case, tmp_path), load=False)
    # Secrets and what is never read are notes, and were told wrongly, too.
    done = lint(reading, Selection(extend=["CR902"]))
    assert [(one.place.file, one.place.line, one.code) for one in done.findings] == []


@pytest.fixture(scope="module")
def record() -> Dict[str, Any]:
    return dict(yaml.safe_load((HERE / "public-charms.yaml").read_text(encoding="utf-8")))


def test_the_record_is_of_more_than_twenty(record: Dict[str, Any]) -> None:
    kinds = Counter(tree["kind"] for tree in record["trees"])
    assert min(kinds["charm"], kinds["interface"]) >= 14
    assert kinds["layer"] >= 3
    assert all(re.fullmatch(r"[0-9a-f]{12}", str(tree["commit"])) for tree in record["trees"])


def test_what_is_told_by_default_was_looked_at_and_is_right(record: Dict[str, Any]) -> None:
    found = Counter()  # type: ignore[var-annotated]
    for tree in record["trees"]:
        found.update(tree["findings"])
    looked = record["looked_at"]
    assert dict(found) == {code: row["found"] for code, row in looked.items()}
    for code, row in looked.items():
        assert row["right"] == row["looked_at"] <= row["found"]
        assert row["looked_at"] == row["found"] or RULES[code].level == NOTE


def test_the_manual_shows_the_record(record: Dict[str, Any]) -> None:
    shown = PAGE.read_text(encoding="utf-8")
    for code, row in record["looked_at"].items():
        line = "| %s %s | %d | %d | %d |" % (
            code,
            RULES[code].name,
            row["found"],
            row["looked_at"],
            row["right"],
        )
        assert line in shown
    handlers = sum(tree["handlers"] for tree in record["trees"])
    repositories = len({tree["repository"] for tree in record["trees"]})
    assert (
        "%d trees of %d repositories, with %d handlers" % (len(record["trees"]), repositories, handlers)
        in shown
    )


def test_the_manual_lists_every_rule() -> None:
    shown = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(CR\d+)` \| `([\w-]+)` \| (\w+) \| (.*) \|$", shown, re.MULTILINE)
    assert rows == [(rule.code, rule.name, rule.level, rule.summary) for _, rule in sorted(RULES.items())]
