"""The interface layers in ``layers``, in charms of their tests; each test is run at both speeds.

What the hooks of a test did in processes has to be, in every respect, what they did in this interpreter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest

from charms_reactive.testing import Outcome

LAYERS = Path(__file__).resolve().parent / "layers"


@pytest.fixture(params=[True, False], ids=["in-process", "processes"])
def juju_in_process(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="session")
def first_results() -> Dict[str, List[Any]]:
    """What the hooks of each test did at the first speed."""
    return {}


@pytest.fixture
def layered(
    juju_unit: Callable[..., Any], request: pytest.FixtureRequest, first_results: Dict[str, List[Any]]
) -> Iterator[Callable[..., Any]]:
    """Makes a unit of a charm with an interface layer: ``layered("website", handlers, provides="site")``."""
    units: List[Any] = []

    def make(interface: str, handlers: str = "", **endpoints: str) -> Any:
        files = {"reactive/app.py": handlers} if handlers else {}
        for path in sorted((LAYERS / interface).iterdir()):
            files["hooks/relations/%s/%s" % (interface, path.name)] = path.read_text(encoding="utf-8")
        metadata = {role: {name: interface} for role, name in endpoints.items()}
        unit = juju_unit(metadata={"name": "app", **metadata}, files=files)
        units.append(unit)
        return unit

    yield make
    (unit,) = units
    name = request.node.nodeid.replace("[in-process]", "").replace("[processes]", "")
    did = [signature(outcome) for outcome in unit.told]
    assert did
    assert did == first_results.setdefault(name, did)


def signature(outcome: Outcome) -> Tuple[Any, ...]:
    """All that a hook did, but for times and places."""
    return (
        outcome.name,
        outcome.exit_status,
        tuple(outcome.handlers),
        outcome.state,
        outcome.statuses,
        [(entry.level, _without_place(entry.message)) for entry in outcome.log],
        [(call.tool, call.exit_status) for call in outcome.tools],
        outcome.record.events if outcome.record is not None else None,
    )


def _without_place(message: str) -> str:
    """A traceback has the unit's directory in it, which is another each time."""
    return message if "Traceback" not in message else message.rstrip().splitlines()[-1]
