"""The manual's chapter about bash: every block of it is a file of a charm, or is run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from framework.support import BASH_HELPER, REPOSITORY

pytestmark = pytest.mark.once

CHAPTER = REPOSITORY / "docs" / "bash.md"

# Scripts that fail on purpose are there for the blocks between them and the next one.
_ONLY_FOR_NEXT = ("reactive/fragile.sh", "reactive/mistaken.sh")


def _blocks() -> List[Tuple[int, str, str, str]]:
    """Line, language, file and text of each block, in order."""
    text = CHAPTER.read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start()) + 1
        found.append((line, match.group(1), match.group(2) or "", match.group(3)))
    return found


def test_every_block_of_the_chapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine_name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "charms.reactive.sh").symlink_to(BASH_HELPER)
    program = Path(sys.executable).with_name("charms.reactive")
    (commands / "charms.reactive").symlink_to(program)
    monkeypatch.setenv("PATH", "%s:%s:/usr/bin:/bin" % (commands, Path(sys.executable).parent))
    names: Dict[str, Any] = {}
    ran = 0
    for line, language, file, text in _blocks():
        if file:
            path = Path("site", file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o644 if file.endswith((".py", ".yaml")) else 0o755)
            continue
        assert language == "python", line
        exec(compile("\n" * line + text, str(CHAPTER), "exec"), names)  # so that a failure names its line
        ran += 1
        for only in _ONLY_FOR_NEXT:
            Path("site", only).unlink(missing_ok=True)
    assert ran >= 8


def test_every_script_of_the_chapter_is_clean_and_executable_by_its_first_line() -> None:
    scripts = [text for _, language, file, text in _blocks() if language == "bash" and file]
    assert len(scripts) >= 6
    assert all(text.startswith("#!/bin/bash\n") for text in scripts)
    assert all(text.endswith("\nreactive_handler_main\n") for text in scripts)
