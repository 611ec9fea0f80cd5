"""The chapter of the manual on the unit's status: its code does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents import reading

from .conftest import Juju


def test_the_chapter(juju: Juju, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading("docs/status.md") as page:
        page.walk(tmp_path, monkeypatch, given={"juju": juju})
