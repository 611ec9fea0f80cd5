"""The chapter on debugging: its sessions, on a simulated unit and beside it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import List

import pytest

from charms_reactive import bus, errors, relations
from charms_reactive.testing import SimulatedUnit
from documents import Page, reading, run, same

pytestmark = pytest.mark.once

LOG = "/var/log/juju/unit-app-0.log"


class Desk:
    """What the reader types: at a desk with Juju's client, on the unit, or in the shell of ``debug-hooks``.

    Attributes:
        unit: that everything is about.
    """

    def __init__(self, page: Page, directory: Path) -> None:
        self._page = page
        self._scratch = directory / "tmp"
        self._scratch.mkdir()
        self._charm = directory / "charm"
        for block in page.blocks:
            if block.file is not None:
                page.write(block, self._charm)
        hook = self._charm / "hooks" / "config-changed"
        hook.with_name("install").symlink_to(hook.name)
        self._in_error = False
        self.unit = SimulatedUnit(self._charm, directory / "unit")
        assert self.unit.run("install").succeeded
        assert self.unit.run("config-changed").succeeded

    def type(self, command: str) -> str:
        """Run one command; returns what it prints."""
        command = command.replace("/tmp/", "%s/" % self._scratch).replace(LOG, str(self.unit.log_file))
        words = shlex.split(command, comments=True)
        if words[:3] == ["juju", "config", "app"]:
            option, _, value = words[3].partition("=")
            self.unit.set_config(**{option: int(value) if value.isdigit() else value})
            if not self._in_error:  # else Juju waits
                self._in_error = not self.unit.run("config-changed").succeeded
            return ""
        if words == ["juju", "resolved", "app/0"]:
            assert self._in_error
            self._in_error = not self.unit.run("config-changed").succeeded
            return ""
        if "simulate" in words:
            return run(command, self._charm).stdout
        executed = command.replace("juju exec --unit app/0 -- ", "")
        if ">flags" in command:
            executed = executed.replace(">flags", ">%s" % shlex.quote(str(self._charm / "flags")))
        return self._in_a_hook(executed)

    def _in_a_hook(self, command: str) -> str:
        """As ``debug-hooks`` has it: a shell with the environment and the tools of a hook, in its place."""
        place = self.unit.charm_dir / "dispatch"
        place.write_text('#!/bin/bash\nexec 2>&1\ncd "$CHARM_DIR"\n%s\n' % command)
        place.chmod(0o755)
        done = self.unit.run("config-changed")
        place.unlink()
        assert done.succeeded, done
        return done.stdout


def test_the_sessions(tmp_path: Path) -> None:
    with reading("docs/debugging.md") as page:
        desk = Desk(page, tmp_path)
        for block in page.of("console"):
            for command, shown in block.commands:
                printed = desk.type(command)
                assert same(shown, printed), "%s: %s printed\n%s" % (page.place(block), command, printed)
            page.tried(block)


def test_every_error_is_in_the_table() -> None:
    text = Page("docs/debugging.md").path.read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+(?:Error|Exception))[`:]", text))
    # The engine's own is for those who drive it, which charms do not.
    of_charms = {name for name in errors.__all__ if name != "EngineError"} | {
        bus.BrokenHandlerException.__name__,
        relations.RelationFactoryError.__name__,
    }
    assert of_charms <= named
    assert named - of_charms == {"NotImplementedError"}


SENTENCES: List[str] = [
    "nothing in this hook changed that",
    "is one of the two misspelt?",
    "its conditions held one by one, but never all at once",
    "its conditions held only for a while",
    "they did not when an iteration began",
    "it was queued, and left the queue when",
    "its flags matched",
    "did not hold",
    "it never does, because handlers of hooks and actions run before those of flags",
    "is registered",
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_explain_says_is_what_the_chapter_says_it_says(sentence: str) -> None:
    explain = Path(errors.__file__).with_name("testing") / "explain.py"
    code = re.sub(r'"\n\s*"', "", explain.read_text(encoding="utf-8"))
    assert sentence in code
    assert sentence in Page("docs/debugging.md").path.read_text(encoding="utf-8")
