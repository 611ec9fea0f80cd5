"""A charm whose only hook runs whatever command a test gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from charms_reactive.testing import HookRun, SimulatedUnit

FILES = {
    "metadata.yaml": "name: probe\nrequires:\n  db: {interface: pgsql}\npeers:\n  ring: {interface: ring}\n",
    "config.yaml": (
        "options:\n"
        "  port: {type: int, default: 80}\n"
        "  ratio: {type: float, default: 0.5}\n"
        "  debug: {type: boolean, default: true}\n"
        "  note: {type: string}\n"
    ),
    "actions.yaml": "probe:\n  params:\n    size: {type: string, default: small}\n    tree: {type: object}\n",
    "hooks/probe": '#!/bin/bash\neval "$COMMAND"\n',
    "actions/probe": '#!/bin/bash\neval "$COMMAND"\n',
}


@pytest.fixture
def charm(tmp_path: Path) -> Path:
    """The directory of that charm."""
    directory = tmp_path / "source"
    for name, text in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if name.partition("/")[0] in ("hooks", "actions"):
            path.chmod(0o755)
    return directory


@pytest.fixture
def unit(charm: Path, tmp_path: Path) -> SimulatedUnit:
    """A unit of that charm, with one relation: db:0, to pg/0 and pg/1."""
    unit = SimulatedUnit(charm, tmp_path / "unit")
    unit.add_relation(
        "db", "pg", {"pg/0": {"host": "h0"}, "pg/1": {"host": "h1"}}, application_data={"schema": "s"}
    )
    return unit


@pytest.fixture
def sh(unit: SimulatedUnit) -> Callable[..., HookRun]:
    """Run a shell command in a hook of that unit."""

    def run(command: str, **environment: str) -> HookRun:
        return unit.run("probe", COMMAND=command, **environment)

    return run
