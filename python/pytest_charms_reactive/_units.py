"""Units that a test makes, and what their hooks did: imported when the first test asks for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, List, Optional

from charms_reactive.testing import Charm, Outcome, Unit, end_processes


class Maker:
    """Makes the units of one test; when it is closed, nothing that their hooks started is left.

    Args:
        in_process: whether hooks run in this interpreter, where the test does not say.
        directory: of the test.
        tested: the directory of the charm that is tested, where the test names none.
    """

    def __init__(self, in_process: bool, directory: Path, tested: Callable[[], Path]) -> None:
        self.outcomes: List[Outcome] = []
        self._in_process = in_process
        self._directory = directory
        self._tested = tested
        self._homes: List[Path] = []

    def __enter__(self) -> Maker:
        return self

    def __exit__(self, *error: object) -> None:
        for home in self._homes:
            end_processes(home)

    def make(
        self,
        charm: Any = None,
        *,
        handlers: Optional[Callable[[], object]] = None,
        metadata: Any = None,
        config: Any = None,
        actions: Any = None,
        files: Any = None,
        **options: Any,
    ) -> Unit:
        """A unit; see the fixture ``juju_unit``."""
        parts = {"metadata": metadata, "config": config, "actions": actions, "files": files}
        if handlers is not None or any(part is not None for part in parts.values()):
            if charm is not None:
                raise TypeError("juju_unit() takes a charm or what a charm is made of, not both")
            charm = Charm.of(self._directory / ("charm-%d" % len(self._homes)), handlers, **parts)
        elif charm is None:
            charm = self._tested()
        options.setdefault("in_process", self._in_process)
        unit = _Unit(charm, **options)
        unit.told = self.outcomes
        self._homes.append(unit._unit.directory)
        return unit


class _Unit(Unit):
    """A unit that keeps what its hooks did, for the report of a test that fails."""

    told: List[Outcome]

    def run(self, *args: Any, **options: Any) -> Outcome:
        outcome = super().run(*args, **options)
        self.told.append(outcome)
        return outcome

    def run_action(self, *args: Any, **options: Any) -> Outcome:
        outcome = super().run_action(*args, **options)
        self.told.append(outcome)
        return outcome


_Unit.__name__ = _Unit.__qualname__ = "Unit"  # what a test is told that it has
_Unit.run.__doc__, _Unit.run_action.__doc__ = Unit.run.__doc__, Unit.run_action.__doc__
