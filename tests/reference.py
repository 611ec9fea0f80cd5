"""The real charms.reactive 1.5.3 from PyPI, in an environment of its own that `make bench` uses too."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

BENCHES = Path(__file__).resolve().parent.parent / "benches"


class Reference:
    """The environment of 1.5.3.

    Attributes:
        python: its interpreter.
        bin: the directory of its commands.
    """

    def __init__(self, python: str) -> None:
        self.python = python
        self.bin = Path(python).parent

    def hook_environment(self, env: Dict[str, str]) -> Dict[str, str]:
        """A hook's environment variables for a hook that finds 1.5.3 instead of ours."""
        theirs = {name: value for name, value in env.items() if not name.startswith("PYTHONPATH")}
        tools, rest = env["PATH"].split(":", 1)
        theirs["PATH"] = ":".join([str(self.bin), tools, rest])
        return theirs


def benches_environments() -> Any:
    """The module that makes environments for ``make bench``, which tests share."""
    sys.path.insert(0, str(BENCHES))
    try:
        return importlib.import_module("environments")
    finally:
        sys.path.remove(str(BENCHES))


_made: List[Reference] = []


def reference() -> Reference:
    """Made once, from the package index, and kept below ``.cache``."""
    if not _made:
        environments = benches_environments()
        try:
            _made.append(Reference(environments.create_old().python))
        except environments.BenchmarkError as error:
            pytest.fail("charms.reactive 1.5.3 cannot be installed: %s" % error, pytrace=False)
    return _made[0]
