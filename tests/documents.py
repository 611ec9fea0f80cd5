"""The manual's code, run as it stands there: the blocks of a page, one after the other."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, Iterator, Tuple

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"


def blocks(page: Path) -> Iterator[Tuple[int, str]]:
    """The Python code of a page, each block with the number of its first line."""
    block = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if block is None and line == "```python":
            block, first = [], number + 1
        elif block is not None and line == "```":
            yield first, "\n".join(block)
            block = None
        elif block is not None:
            block.append(line)
    assert block is None, "%s: a block that does not end" % page


def run(name: str, monkeypatch: pytest.MonkeyPatch, **given: Any) -> int:
    """Run the Python code of a page as one module; returns how many blocks it has.

    An error names the page and the line.

    Args:
        name: of the file below ``docs``.
        monkeypatch: takes the module away again.
        given: what the page's code finds, by name.
    """
    import sys

    page = DOCS / name
    module = ModuleType("manual_%s" % page.stem.replace("-", "_").replace(".", "_"))
    vars(module).update(given)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    count = 0
    for first, source in blocks(page):
        exec(compile("\n" * (first - 1) + source, str(page), "exec"), vars(module))
        count += 1
    return count
