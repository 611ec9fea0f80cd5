"""The chapter of the manual on several applications: its code runs, and prints what stands below it."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

DOCUMENT = Path(__file__).parents[2] / "docs" / "model.md"
_BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> List[Tuple[int, str, str]]:
    """The blocks of code and of output: the line each begins in, its language and its text."""
    return [(text.count("\n", 0, found.start()) + 2, found[1], found[2]) for found in _BLOCK.finditer(text)]


def test_the_chapter_runs_and_prints_what_it_says() -> None:
    found = blocks(DOCUMENT.read_text(encoding="utf-8"))
    assert len(found) > 12
    names: Dict[str, Any] = {"__name__": "chapter"}
    printed = ""
    for line, language, text in found:
        if language == "text":
            assert printed == text, "line %d of %s" % (line, DOCUMENT.name)
            printed = ""
            continue
        assert printed == "", "what the block before line %d printed is not shown" % line
        with contextlib.redirect_stdout(io.StringIO()) as output:
            # With the line numbers of the document, so that a traceback shows the place.
            exec(compile("\n" * (line - 1) + text, str(DOCUMENT), "exec"), names)
        printed = output.getvalue()
    assert printed == ""
