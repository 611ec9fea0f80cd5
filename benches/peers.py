"""A large peer relation: what its units have published, and hooks of a unit that looks at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

from environments import BenchmarkError, Environment
from hooks import Cost, Unit

UNITS = 200
KEYS = 20

_HOOK = "ring-relation-changed"
_VARIABLES = {
    "JUJU_RELATION": "ring",
    "JUJU_RELATION_ID": "ring:0",
    "JUJU_REMOTE_UNIT": "bench/1",
    "JUJU_REMOTE_APP": "bench",
}


class Peer:
    """A unit of the charm in ``peers/``, and the other units, of which one changes a value in each turn.

    It has two unit states: one for hooks with real hook tools, one for hooks in which a function
    answers in their place, so that what is measured is the framework and charmhelpers.
    """

    def __init__(self, environment: Environment, root: Path) -> None:
        root.mkdir(parents=True)
        self.environment = environment
        self._root = root
        self._turn = 0
        self._answer("relation-ids/ring", ["ring:0"])
        self._answer("relation-list/ring:0", ["bench/%d" % number for number in range(1, UNITS + 1)])
        for number in range(1, UNITS + 1):
            self._answer("relation-get/bench/%d" % number, _published(number, 0))
        self._unit = Unit(environment, "plain", root / "unit", "peers")

    def _answer(self, path: str, answer: Any) -> None:
        file = self._root / "answers" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(answer, sort_keys=True) + "\n")

    def turn(self) -> None:
        """Let one value of one unit change."""
        self._turn += 1
        self._answer("relation-get/bench/1", _published(1, self._turn))

    def forget(self) -> None:
        """Let the next :meth:`framework` be a first hook."""
        self._state.unlink()

    @property
    def _state(self) -> Path:
        return self._root / "framework.db"

    def framework(self) -> float:
        """The CPU time of ``main()`` in a hook without processes, in seconds.

        Raises:
            BenchmarkError: the hook did not find what had changed.
        """
        variables = dict(_VARIABLES, JUJU_HOOK_NAME=_HOOK, JUJU_UNIT_NAME="bench/0")
        measured = self.environment.measure(
            "hook",
            charm=str(self._root / "unit" / "charm"),
            answers=str(self._root / "answers"),
            variables=dict(variables, UNIT_STATE_DB=str(self._state)),
            changes="bench.changed",
        )
        if measured["changes"] != [1]:
            raise BenchmarkError("%s: the change was not found" % self.environment.name)
        return measured["cpu"][0]

    def whole(self) -> Cost:
        """A hook with real hook tools."""
        return self._unit.run(_HOOK, BENCH_ANSWERS=str(self._root / "answers"), **_VARIABLES)


def _published(number: int, turn: int) -> Dict[str, str]:
    """What a unit has published: what Juju adds to each, and values as JSON."""
    address = "10.0.%d.%d" % divmod(number, 250)
    bag = {"egress-subnets": address + "/32", "ingress-address": address, "private-address": address}
    for key in range(KEYS - len(bag)):
        values = (
            "host-%d-%d" % (number, key),
            8000 + key,
            {"name": "host-%d" % number, "ports": [80, number], "weight": key},
            key % 8 == 3,
        )
        bag["key-%02d" % key] = json.dumps(values[key % 4])
    if number == 1:
        bag["turn"] = json.dumps(turn)
        del bag["key-00"]
    return bag
