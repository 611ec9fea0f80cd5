"""The chapter of the manual on records: its code does what it says."""

from __future__ import annotations

import pytest

import documents


def test_the_chapter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert documents.run_as_module("records.md", monkeypatch) == 8
