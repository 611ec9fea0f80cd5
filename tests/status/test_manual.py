"""The chapter of the manual on the unit's status: its code does what it says."""

from __future__ import annotations

import pytest

import documents

from .conftest import Juju


def test_the_chapter(juju: Juju, monkeypatch: pytest.MonkeyPatch) -> None:
    assert documents.run_as_module("status.md", monkeypatch, juju=juju) == 7
