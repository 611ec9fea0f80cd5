"""What both the tests of the framework and those of relations begin with: a hook that nothing has touched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import pytest

from charms_reactive.testing._running.framework_state import fresh_framework

#: Of a hook's environment, what says which hook it is and how the framework is set.
VARIABLES = (
    "UNIT_STATE_DB",
    "JUJU_HOOK_NAME",
    "JUJU_DISPATCH_PATH",
    "JUJU_ACTION_NAME",
    "JUJU_FUNCTION_NAME",
    "JUJU_RELATION",
    "JUJU_RELATION_ID",
    "JUJU_REMOTE_UNIT",
    "JUJU_REMOTE_APP",
    "JUJU_DEPARTING_UNIT",
    "CHARMS_REACTIVE_LOG",
    "CHARMS_REACTIVE_STRICT",
    "CHARMS_REACTIVE_TOOL_TIMEOUT",
)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Around everything else: tests replace parts of the framework, and put them back before this does."""
    with fresh_framework():
        yield


def enter(directory: Path, patches: pytest.MonkeyPatch) -> None:
    """Make this process one that Juju has started in a charm directory, as far as it can be told."""
    for variable in VARIABLES:
        patches.delenv(variable, raising=False)
    patches.setenv("CHARM_DIR", str(directory))
    patches.setenv("JUJU_CHARM_DIR", str(directory))
    patches.setattr(sys, "path", list(sys.path))
    patches.setattr(sys, "argv", ["hook"])
    patches.setattr(sys, "dont_write_bytecode", True)
    patches.chdir(directory)


def forget_charm_modules() -> None:
    """Forget what was imported of a charm."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("reactive", "relations", "lib"):
            del sys.modules[name]
