"""The chapter of the manual on records: its code does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents import reading


def test_the_chapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading("docs/records.md") as page:
        page.walk(tmp_path, monkeypatch)
