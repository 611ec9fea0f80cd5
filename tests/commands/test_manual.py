"""The examples of the manual's chapter, run as they stand there, with either program."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import List, Tuple

from .support import Unit

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "docs/command-line.md"


def examples() -> List[Tuple[str, str]]:
    """Each command line of the chapter with what it prints."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", CHAPTER.read_text(encoding="utf-8"), re.M | re.S):
        for example in re.split(r"^\$ ", block, flags=re.M)[1:]:
            line, _, printed = example.partition("\n")
            found.append((line, printed.rstrip("\n")))
    return found


def test_every_example_does_what_the_chapter_says(unit: Unit, tmp_path: Path) -> None:
    place = tmp_path / "bin"
    place.mkdir()
    (place / "charms.reactive").symlink_to(unit.path)
    env = {**unit.env, "PATH": "%s:%s" % (place, unit.env["PATH"])}
    every = examples()
    assert len(every) > 20
    for line, printed in every:
        done = subprocess.run(
            ["bash", "-c", line], cwd=str(unit.directory), env=env, capture_output=True, check=False
        )
        assert (done.stdout.decode().rstrip("\n"), done.stderr) == (printed, b""), line


def test_every_command_is_in_the_chapter(unit: Unit) -> None:
    chapter = CHAPTER.read_text(encoding="utf-8")
    listed = re.findall(r"^    (\w+)", unit.run("--help").out, re.M)
    assert {"set_flag", "test", "get_states"} <= set(listed)
    assert [name for name in listed if name not in chapter] == []
