"""What settling a simulated model came to: the hooks that ran, or why it never settles."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Mapping, Sequence, Tuple, Union

from charms_reactive.testing.errors import CharmError

from .application import ModelUnit, Step, shown


class NeverSettlesError(CharmError):
    """The model did not settle: some hooks always lead to others.

    Attributes:
        settled: the hooks that ran.
    """

    def __init__(self, message: str, settled: Settled) -> None:
        super().__init__(message)
        self.settled = settled


class Settled(Sequence[Step]):
    """What :meth:`Model.settle` has run: a sequence of :class:`Step`, which prints as a report.

    Attributes:
        errors: the units that are in error now, with the hook that failed in each.
    """

    def __init__(self, steps: Sequence[Step], errors: Mapping[str, Step]) -> None:
        self._steps = tuple(steps)
        self.errors: Dict[str, Step] = dict(errors)

    @property
    def hooks(self) -> Tuple[Tuple[str, str], ...]:
        """Unit and hook of each, in order."""
        return tuple((step.unit, step.name) for step in self._steps)

    @property
    def failed(self) -> Tuple[Step, ...]:
        """Those that failed."""
        return tuple(step for step in self._steps if not step.run.succeeded)

    def of(self, unit: Union[str, ModelUnit]) -> Tuple[str, ...]:
        """The hooks that one unit ran, in order."""
        name = unit if isinstance(unit, str) else unit.name
        return tuple(step.name for step in self._steps if step.unit == name)

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, index: Any) -> Any:
        return self._steps[index]

    def __str__(self) -> str:
        count = len(self._steps)
        lines = ["%d hook%s ran" % (count, "" if count == 1 else "s")]
        lines += ["  %s" % step for step in self._steps]
        for name, step in sorted(self.errors.items()):
            lines.append("in error: %s, since %s: %s" % (name, step.name, step.run.error))
        return "\n".join(lines)


def unsettled(steps: Sequence[Step], changes: Sequence[Tuple[str, ...]]) -> str:
    """Why a model does not settle: the hooks, data and flags that come again and again."""
    recent = steps[len(steps) // 2 :]
    hooks = Counter("%s %s" % (step.unit, shown(step.hook)) for step in recent)
    data = Counter(change for _, *found in changes[len(changes) // 2 :] for change in found)
    flags = Counter(
        "%s of %s" % (flag, step.unit)
        for step in recent
        for flag in {*step.run.flags_set, *step.run.flags_cleared}
    )
    lines = ["the model has not settled after %d hooks" % len(steps)]
    for what, counts in (
        ("hooks that keep coming", hooks),
        ("data that keep changing", data),
        ("flags that keep changing", flags),
    ):
        again = [(name, count) for name, count in counts.most_common(5) if count > 1]
        if again:
            lines.append("%s, in the last %d hooks:" % (what, len(recent)))
            lines += ["  %3d x %s" % (count, name) for name, count in again]
    return "\n".join(lines)
