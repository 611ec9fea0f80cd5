"""Documents whose code is run: the blocks of a Markdown file, written to files and typed into a shell.

- A block below a line that is only a file's name in backquotes is that file; below the same name again it is
  more of the file.
- A ``console`` block is a session: lines that begin with ``$`` are run, what follows is what they print.
  ``...`` stands for any text.
- ``python`` blocks without a name are run: of some documents all together, as one module.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"

_NAME = re.compile(r"`([\w./-]+)`:?")


@dataclass(frozen=True)
class Block:
    """One block of code.

    Attributes:
        language: as the document says.
        text: of the block.
        line: of the document, where it begins.
        file: that it is, or is a part of.
    """

    language: str
    text: str
    line: int
    file: Optional[str] = None

    @property
    def commands(self) -> Iterator[Tuple[str, str]]:
        """The commands of a session, and what each prints."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def blocks(document: Path) -> List[Block]:
    """The blocks of a document, in order."""
    found: List[Block] = []
    above = ""
    language: Optional[str] = None
    lines: List[str] = []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        if language is None and line.startswith("```"):
            language, lines, start = line[3:].strip(), [], number + 1
        elif language is not None and line == "```":
            named = _NAME.fullmatch(above)
            text = "\n".join(lines) + "\n"
            found.append(Block(language, text, start, named.group(1) if named else None))
            language, above = None, ""
        elif language is not None:
            lines.append(line)
        elif line.strip():
            above = line.strip()
    if language is not None:
        raise ValueError("%s:%d: the block has no end" % (document, start))
    return found


def write_files(of: List[Block], directory: Path) -> List[Path]:
    """Write the files that a document shows; returns them."""
    texts: Dict[str, str] = {}
    for block in of:
        if block.file is not None:
            texts[block.file] = texts[block.file] + "\n\n" + block.text if block.file in texts else block.text
    for name, text in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if text.startswith("#!"):
            path.chmod(0o755)
    return [directory / name for name in texts]


def same(shown: str, printed: str) -> bool:
    """Whether a command printed what a document shows, whatever the white space and however long it took."""
    pattern = re.escape(" ".join(shown.split())).replace(r"\.\.\.", ".*")
    pattern = re.sub(r"\d+(\\\.\d+)?(\\ )?m?s\b", r"[\\d.]+ ?m?s", pattern)
    return re.fullmatch(pattern, " ".join(printed.split())) is not None


def run(command: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would, in whose environment the package is installed."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env={**inherited, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def run_as_module(name: str, monkeypatch: pytest.MonkeyPatch, **given: Any) -> int:
    """Run the Python blocks of a document below ``docs`` as one module; returns how many there are.

    What they find beside themselves, by name, is given. An error names the document and the line.
    """
    page = DOCS / name
    module = ModuleType("manual_" + page.stem)
    vars(module).update(given)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    found = [block for block in blocks(page) if block.language == "python"]
    for block in found:
        exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), vars(module))
    return len(found)
