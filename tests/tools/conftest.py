"""Small charms for the tests of the tools."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Callable

import pytest

Write = Callable[..., Path]


@pytest.fixture
def charm(tmp_path: Path) -> Write:
    """Write a charm: files by path, with ``/`` written as ``__`` where they are given by keyword."""

    def write(code: str = "", **files: str) -> Path:
        root = tmp_path / "charm"
        every = {"metadata.yaml": "name: app\n"}
        if code:
            every["reactive/app.py"] = code
        for name, text in files.items():
            every[name.replace("__", "/").replace("_yaml", ".yaml").replace("_py", ".py")] = text
        for name, text in every.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
            if path.read_text(encoding="utf-8").startswith("#!"):
                path.chmod(0o755)
        return root

    return write
