"""The Python of the manual as files for type checkers; each line is on the line that it has in its page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

import documents

#: What the Python of a page finds beside itself when the tests run it.
GIVEN = {"docs/status.md": "juju"}


def write(directory: Path) -> Dict[Path, str]:
    """Write the Python of all pages below a directory, each page in a package of its own.

    Returns:
        The page that each file is of, by its name from the root of the project.
    """
    written: Dict[Path, str] = {}
    for page in documents.pages():
        for name, blocks in _files(documents.blocks(documents.ROOT / page)).items():
            file = directory / place(page) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            lines: List[str] = []
            for block in blocks:
                lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
            if page in GIVEN and blocks[0].file is None:
                lines[0] = "from typing import Any; %s: Any = ..." % GIVEN[page]
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            written[file] = page
    return written


def place(page: str) -> str:
    """The name of a page's package."""
    return re.sub(r"\W", "_", page)


def _files(blocks: List[documents.Block]) -> Dict[str, List[documents.Block]]:
    """The blocks of Python of a page by the file that they make up; of one that is replaced, each version."""
    found: Dict[str, List[documents.Block]] = {}
    for block in blocks:
        if block.language != "python":
            continue
        name = block.file or "page.py"
        if block.anew and name in found:
            found["before_line_%d/%s" % (block.line, name)] = found.pop(name)
        found.setdefault(name, []).append(block)
    return found
