"""The chapter on events, its code run as it stands there."""

from __future__ import annotations

import pytest

from documents import run_as_module
from framework.support import Framework


def test_the_chapter_on_events_does_what_it_says(
    framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_as_module("events.md", monkeypatch) == 8
