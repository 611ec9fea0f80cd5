"""The examples of the manual's chapter, run as they stand there, with either program."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from documents import reading

from .support import Unit

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "docs/command-line.md"


def test_every_example_does_what_the_chapter_says(unit: Unit, tmp_path: Path) -> None:
    place = tmp_path / "bin"
    place.mkdir()
    (place / "charms.reactive").symlink_to(unit.path)
    env = {**unit.env, "PATH": "%s:%s" % (place, unit.env["PATH"])}
    with reading("docs/command-line.md") as page:
        for block in page.of("console"):
            for line, printed in block.commands:
                done = subprocess.run(
                    ["bash", "-c", line], cwd=str(unit.directory), env=env, capture_output=True, check=False
                )
                assert (done.stdout.decode().rstrip("\n"), done.stderr) == (printed.rstrip("\n"), b""), line
            page.tried(block)


def test_every_command_is_in_the_chapter(unit: Unit) -> None:
    chapter = CHAPTER.read_text(encoding="utf-8")
    listed = re.findall(r"^  (\w+)", unit.run("--help").out, re.M)
    assert {"set_flag", "test", "get_states"} <= set(listed)
    assert [name for name in listed if name not in chapter] == []
