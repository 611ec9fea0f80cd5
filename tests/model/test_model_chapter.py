"""The chapter of the manual on several applications: its code runs, and prints what stands below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents import reading

pytestmark = pytest.mark.once


def test_the_chapter_runs_and_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading("docs/model.md") as page:
        page.walk(tmp_path, monkeypatch)
