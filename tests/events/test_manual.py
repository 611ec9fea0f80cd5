"""The chapter on events, its code run as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents import reading
from framework.support import Framework


def test_the_chapter_on_events_does_what_it_says(
    framework: Framework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading("docs/events.md") as page:
        page.walk(tmp_path, monkeypatch)
