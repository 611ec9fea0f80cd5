"""The chapter on what the unit remembers: its sessions, on a simulated unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents import reading, same
from test_debugging_chapter import Desk

pytestmark = pytest.mark.once


def test_the_sessions_go_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARMS_REACTIVE_HISTORY", "50")
    with reading("docs/history.md") as page:
        desk = Desk(page, tmp_path)
        for block in page.blocks:
            if block.language == "console":
                for command, expected in block.commands:
                    printed = desk.type(command)
                    assert same(expected, printed), "%s\nprinted:\n%s" % (command, printed)
                page.tried(block)
