"""``charms.reactive replay``: a hook of a unit once more, at the desk, and what it did otherwise there."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from charms_reactive._dispatch.unit_as_state import CONFIG_SEEN
from charms_reactive._history import past, snapshots
from charms_reactive._history.past import HistoryError, Hook, Place
from charms_reactive.testing._unit.charm import Charm
from charms_reactive.testing._unit.scenario import Outcome, Unit
from charms_reactive.testing._unit.state import State
from charms_reactive.testing.errors import CharmError
from charms_reactive.testing.hooks import Hook as HookToRun

__all__ = ["Replayed", "again", "main"]

_SAME, _DIFFERS, _TROUBLE = 0, 1, 2


@dataclass(frozen=True)
class Replayed:
    """A hook that ran again.

    Attributes:
        outcome: of it, here.
        hook: as the unit remembers it; ``None`` if that is not known.
        differences: between the two, each a sentence.
    """

    outcome: Outcome
    hook: Optional[Hook]
    differences: Tuple[str, ...]


def again(hook: Hook, state: Mapping[str, Any], charm: Charm, **options: Any) -> Replayed:
    """Run a hook that a unit remembers once more.

    Args:
        hook: of the unit.
        state: in which it began, as ``State.to_json`` has it.
        charm: as the unit has it.
        options: of the :class:`~charms_reactive.testing.Unit`.

    Raises:
        CharmError: the state is none, or the charm has no such hook.
    """
    variables: Dict[str, str] = dict(hook.given.get("variables", {}))
    version = variables.get("JUJU_VERSION", "")
    if version and "juju_version" not in options:
        options["juju_version"] = version
    unit = Unit(charm, name=hook.unit or None, check=False, **options)
    # A copy of the charm directory has what the hook itself has left in it.
    given = State.from_json({**state, "files": {CONFIG_SEEN: None, **state.get("files", {})}})
    if hook.is_action:
        outcome = unit.run_action(hook.name, given, hook.given.get("parameters"))
    else:
        outcome = unit.run(_to_run(hook), given)
    return Replayed(outcome, hook, tuple(_differences(hook, outcome)))


def _to_run(hook: Hook) -> HookToRun:
    """The hook, with what it was about."""
    about = hook.about
    relation = about.get("relation")
    unit = about.get("unit")
    if unit is None and hook.name.endswith("-relation-changed"):
        unit = about.get("application")
    secret = about.get("secret", "").rpartition(":")[2] or None
    return HookToRun(hook.name, relation, unit, about.get("storage"), secret)


def _differences(hook: Hook, outcome: Outcome) -> List[str]:
    """What the hook did here otherwise than on the unit."""
    found = []
    there, here = [id for id, _, _ in hook.ran], list(outcome.handlers)
    if hook.told and there != here:
        found.append("handlers: there %s, here %s" % (_listed(there), _listed(here)))
    if hook.end == past.KILLED:
        return [*found, "there it was killed"]
    if hook.told and not hook.cut:
        changed = [("set" if on else "clear", flag) for flag, on, _ in hook.changes]
        events = [] if outcome.record is None else outcome.record.events
        again = [(event[0], event[1]) for event in events if event[0] in ("set", "clear")]
        if changed != again:
            found += ["flag: only there %s %s" % change for change in changed if change not in again]
            found += ["flag: only here %s %s" % change for change in again if change not in changed]
            if not found:
                found.append("flags have changed in another order")
    theirs = hook.error["type"] if hook.error else None
    ours = _error(outcome)
    if theirs != ours:
        found.append("error: there %s, here %s" % (theirs or "none", ours or "none"))
    return found


def _error(outcome: Outcome) -> Optional[str]:
    """The class of the exception with which a hook has ended."""
    if outcome.succeeded:
        return None
    if outcome.exception is not None:
        return type(outcome.exception).__name__
    for line in reversed(outcome.stderr.splitlines()):
        name = line.partition(":")[0].rpartition(".")[2]
        if name.isidentifier():
            return name
    return "SystemExit"


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids) if ids else "none"


# -- the command ------------------------------------------------------------------------------------
def main(words: Sequence[str]) -> int:
    """Run the command.

    Args:
        words: what follows its name.

    Returns:
        The exit status: 0 if the hook did what it did on the unit, or succeeded where that is not known; 1 if
        it did something else, or failed; 2 if it could not be run.
    """
    parser = argparse.ArgumentParser(
        prog="charms.reactive replay",
        description="Run a hook of a unit again, without Juju: from a snapshot, or from a copy of the unit's "
        "charm directory, of which the hooks are known that ran with the option reactive-history at full.",
    )
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT", type=Path, help="a file of `snapshot`, or the directory"
    )
    parser.add_argument(
        "hook",
        metavar="HOOK",
        nargs="?",
        help="its name, with the unit that it is about (db-relation-changed:sql/0); in a directory its "
        "number in `charms.reactive history`, by default 1, the last one",
    )
    parser.add_argument(
        "--charm", metavar="DIR", type=Path, help="by default that directory, or the current one"
    )
    parser.add_argument("--unit", metavar="NAME", help="of a snapshot: the name of its unit")
    parser.add_argument("--processes", action="store_true", help="run it in a process of its own")
    try:
        asked = parser.parse_args(words)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        done = _replayed(asked)
    except (CharmError, HistoryError) as error:
        print("charms.reactive replay: %s" % error, file=sys.stderr)
        return _TROUBLE
    for line in _told(done):
        print(line)
    if done.hook is not None:
        return _DIFFERS if done.differences else _SAME
    return _SAME if done.outcome.succeeded else _DIFFERS


def _replayed(asked: argparse.Namespace) -> Replayed:
    in_process = not asked.processes
    if asked.snapshot.is_dir():
        place = Place.of(asked.snapshot)
        hook = _remembered(place, asked.hook)
        state = snapshots.before(place, hook).state
        return again(hook, state, Charm(asked.charm or asked.snapshot), in_process=in_process)
    if not asked.hook:
        raise CharmError("which hook? %s holds a state, and not what ran in it" % asked.snapshot)
    try:
        given = State.from_json(json.loads(asked.snapshot.read_text(encoding="utf-8")))
    except OSError as error:
        raise CharmError("%s: %s" % (asked.snapshot, error.strerror or error)) from error
    except ValueError as error:
        raise CharmError("%s: %s" % (asked.snapshot, error)) from error
    unit = Unit(Charm(asked.charm or Path()), name=asked.unit, check=False, in_process=in_process)
    name, _, about = asked.hook.partition(":")
    if name == "action":
        outcome = unit.run_action(about, given)
    elif about.isdigit():
        outcome = unit.run(name, given, unit=int(about))
    else:
        outcome = unit.run(name, given, unit=about or None)
    return Replayed(outcome, None, ())


def _remembered(place: Place, wanted: Optional[str]) -> Hook:
    """The hook with a number, or the last one of a name.

    Raises:
        HistoryError: it is not remembered.
    """
    for hook in reversed(past.read(place)):
        if wanted in (None, str(hook.number), hook.name, hook.shown):
            return hook
    raise HistoryError("no hook %s is remembered; `charms.reactive history` shows those that are" % wanted)


def _told(done: Replayed) -> List[str]:
    outcome = done.outcome
    lines = ["%s: %s" % (outcome.name, "succeeded" if outcome.succeeded else "FAILED")]
    lines += ["  ran %s" % id for id in outcome.handlers] or ["  no handler ran"]
    lines += ["  %s" % change for change in outcome.changes if CONFIG_SEEN not in change]
    if outcome.exception is not None:
        lines.append("  %s: %s" % (type(outcome.exception).__name__, outcome.exception))
    if done.hook is not None and not done.differences:
        lines.append("as on the unit: the same handlers, flags and error")
    elif done.hook is not None:
        lines += ["otherwise than on the unit:", *("  %s" % one for one in done.differences)]
    return lines
