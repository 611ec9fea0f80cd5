"""The real operator framework from the package index, with ours beside it, in an environment of its own."""

from __future__ import annotations

import subprocess
from typing import List

import pytest

from reference import benches_environments

# The newest that the interpreter can have; ops.testing is what simulates Juju for it.
REQUIREMENTS = [
    "ops[testing]>=2.9,<4",
    "charms-contextual-status==0.0.1",
    "charmhelpers>=0.20.24,<2",
    "PyYAML>=5.1",
]

_made: List[str] = []


def python() -> str:
    """The interpreter of that environment, which is made once and kept below ``.cache``."""
    if not _made:
        environments = benches_environments()
        try:
            made = environments.create("ops-testing", REQUIREMENTS, finish=environments.with_this_tree)
        except (environments.BenchmarkError, OSError, subprocess.CalledProcessError) as error:
            pytest.fail(
                "the operator framework cannot be installed, and what is to work with it is not tested: %s"
                % error,
                pytrace=False,
            )
        _made.append(made.python)
    return _made[0]
