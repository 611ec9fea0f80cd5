"""``charms.reactive snapshot``: the unit as a state that a test, ``simulate`` and ``replay`` begin with."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sqlite3
import sys
import textwrap
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from charms_reactive._dispatch import unit_as_state

from . import past
from .past import HistoryError, Hook, Place
from .redaction import Redaction

__all__ = ["Snapshot", "before", "main", "of"]


class Snapshot(NamedTuple):
    """A unit at one moment.

    Attributes:
        state: as ``State.to_json`` has it.
        remarks: what is not in it, each a sentence.
    """

    state: Dict[str, Any]
    remarks: List[str]


def parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    made = argparse.ArgumentParser(
        prog="charms.reactive snapshot",
        description="The unit as JSON: flags, rows, configuration, relations, storage, secrets' names, "
        "status. `charms.reactive simulate --state`, `replay` and State.from_json() take it. In a hook "
        "context, such as that of juju exec, Juju is asked; elsewhere, as in a copy of the charm directory, "
        "there is what the unit keeps itself.",
    )
    made.add_argument("-o", "--output", metavar="FILE", help="write it there, with mode 0600")
    shown = made.add_mutually_exclusive_group()
    shown.add_argument(
        "--redact", action="store_true", help="replace what looks secret, and all of secrets (the default)"
    )
    shown.add_argument("--full", action="store_true", help="replace nothing; keep the file to yourself")
    made.add_argument(
        "--hook",
        type=int,
        metavar="N",
        help="the unit before the hook with this number in `charms.reactive history`, where the option "
        "reactive-history was full",
    )
    made.add_argument(
        "--test", action="store_true", help="a test for pytest, which runs that hook, or the last one, again"
    )
    return made


def main(words: Sequence[str]) -> int:
    """Run the command; the exit status.

    Raises:
        HistoryError: the unit state cannot be read, or the memory has no such hook.
    """
    asked = parser().parse_args(words)
    place = Place.here()
    hook = _hook(place, asked.hook) if asked.hook is not None or asked.test else None
    if asked.test:
        assert hook is not None
        found = before(place, hook)
    elif hook is not None:
        found = Snapshot(_given(hook), _missing(hook))
    else:
        found = of(place)
    state, remarks = found
    if not asked.full:
        redaction = Redaction()
        state = redaction.state(state)
        if redaction.replaced:
            told = "%d values look secret and are replaced; --full leaves them in: %s"
            remarks.append(told % (len(redaction.replaced), _few(redaction.replaced)))
    text = _as_test(hook, state) if asked.test and hook is not None else _dumped(state)
    for remark in remarks:
        print("charms.reactive snapshot: %s" % remark, file=sys.stderr)
    if asked.output:
        _write(asked.output, text)
    else:
        sys.stdout.write(text)
    return 0


def _few(names: List[str]) -> str:
    shown = sorted(set(names))
    return ", ".join(shown[:8]) + (" and %d more" % (len(shown) - 8) if len(shown) > 8 else "")


def _dumped(state: Dict[str, Any]) -> str:
    return json.dumps(state, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _write(path: str, text: str) -> None:
    """Write a file that nobody else can read.

    Raises:
        HistoryError: it cannot be written.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(fd, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
    except OSError as error:
        raise HistoryError("%s cannot be written: %s" % (path, error.strerror or error)) from None


def _hook(place: Place, number: Optional[int]) -> Hook:
    """The hook with a number, or the last one that has ended.

    Raises:
        HistoryError: it is not remembered.
    """
    hooks = [hook for hook in past.read(place) if hook.end != past.RUNNING or number is not None]
    for hook in reversed(hooks):
        if number is None or hook.number == number:
            return hook
    raise HistoryError("no such hook is remembered; `charms.reactive history` shows those that are")


# -- taking it --------------------------------------------------------------------------------------
def of(place: Place) -> Snapshot:
    """The unit as it is now.

    Raises:
        HistoryError: the unit state cannot be read.
    """
    unit = os.environ.get("JUJU_UNIT_NAME", "")
    hooks: List[Hook] = []
    with contextlib.suppress(HistoryError):
        hooks = past.read(place)
    if not unit and hooks:
        unit = hooks[-1].unit
    state = unit_as_state.about_rows(_rows(place), str(place.charm_dir), unit)
    if os.environ.get("JUJU_CONTEXT_ID"):
        told, missing = unit_as_state.about_juju()
        remarks = ["%s did not answer, and what it tells is left out" % tool for tool in sorted(set(missing))]
        return Snapshot({**state, **told}, remarks)
    given = next((hook for hook in reversed(hooks) if hook.given.get("state")), None)
    if given is not None:
        of_juju = {key: value for key, value in _given(given).items() if key not in _OF_ROWS}
        remark = "this is no hook context: what Juju tells is as hook %d, %s, began" % (
            given.number,
            given.shown,
        )
        return Snapshot({**of_juju, **state}, [remark])
    return Snapshot(
        state,
        ["this is no hook context, in which Juju tells more: there are the flags and rows of the unit alone"],
    )


_OF_ROWS = ("format", "flags", "flag_values", "stored", "files")


def _rows(place: Place) -> List[Tuple[str, str]]:
    path = place.state
    if not path.exists():
        return []
    address = "".join("%%%02x" % ord(one) if one in "%?#" else one for one in str(path.absolute()))
    try:
        with contextlib.closing(
            sqlite3.connect("file:%s?mode=ro" % address, uri=True, timeout=10)
        ) as database:
            return database.execute("SELECT key, CAST(data AS TEXT) FROM kv ORDER BY key").fetchall()
    except sqlite3.Error as error:
        raise HistoryError("the unit state %s cannot be read: %s" % (path, error)) from None


def _given(hook: Hook) -> Dict[str, Any]:
    """The state in which a hook began.

    Raises:
        HistoryError: it was not written down.
    """
    state = hook.given.get("state")
    if isinstance(state, dict):
        return dict(state)
    if "too_long" in hook.given:
        raise HistoryError(
            "hook %d, %s: the state in which it began has %d bytes, which is more than is remembered"
            % (hook.number, hook.shown, hook.given["too_long"])
        )
    raise HistoryError(
        "hook %d, %s: the state in which it began was not written down, which hooks do if the option "
        "reactive-history or CHARMS_REACTIVE_HISTORY is full" % (hook.number, hook.shown)
    )


def _missing(hook: Hook) -> List[str]:
    return [
        "%s did not answer, and what it tells is left out" % tool for tool in hook.given.get("missing", ())
    ]


def before(place: Place, hook: Hook) -> Snapshot:
    """The unit before a hook: as it was written down, or, of the last one, from what it is now.

    A hook that failed or was killed has left the unit as it was. Of one that has succeeded the changes of
    flags are known, and taken back; other rows are as they are now.

    Raises:
        HistoryError: it cannot be told.
    """
    if hook.given:
        return Snapshot(_given(hook), _missing(hook))
    if hook.number != 1:
        _given(hook)
    state, remarks = of(place)
    if hook.end != past.SUCCEEDED:
        return Snapshot(state, remarks)
    if hook.cut or not hook.events:
        raise HistoryError("the last hook, %s, did more than is remembered of one" % hook.shown)
    flags = set(state["flags"])
    for flag, on, _ in reversed(hook.changes):
        if on:
            flags.discard(flag)
        else:
            flags.add(flag)
    values = {flag: value for flag, value in state.get("flag_values", {}).items() if flag in flags}
    remark = "the last hook has succeeded: its flags are taken back, and other rows are as it has left them"
    return Snapshot({**state, "flags": sorted(flags), "flag_values": values}, [*remarks, remark])


# -- a test -----------------------------------------------------------------------------------------
_TEST = '''\
"""The hook {shown} of {unit} once more, as it ran there. Made by `charms.reactive snapshot --test`."""

import json

from charms_reactive.testing import State

GIVEN = json.loads(
    r"""
{state}
"""
)


def test_{name}(juju_unit):
    then = juju_unit(name={unit!r}, check=False).{call}

    assert list(then.handlers) == {handlers!r}
    {ending}
'''


def _as_test(hook: Hook, state: Mapping[str, Any]) -> str:
    """The text of a test that runs a hook again."""
    name = re.sub(r"\W+", "_", hook.name)
    words = []
    for variable, argument in (("relation", "relation"), ("storage", "storage"), ("secret", "secret")):
        if variable in hook.about:
            words.append("%s=%r" % (argument, hook.about[variable].rpartition("secret:")[2]))
    about = hook.about.get("unit") or (
        hook.about.get("application") if "-relation-changed" in hook.name else ""
    )
    if about:
        words.append("unit=%r" % about)
    given = ", ".join(["%r" % hook.name, "State.from_json(GIVEN)", *words])
    call = "run(%s)" % given
    if hook.is_action:
        parameters = Redaction().values(hook.given.get("parameters", {}))
        call = "run_action(%r, State.from_json(GIVEN), %r)" % (hook.name, parameters)
    ending = "assert then.succeeded"
    if hook.error is not None:
        ending = "assert type(then.exception).__name__ == %r" % hook.error["type"]
    elif hook.end == past.SUCCEEDED:
        changed = {flag: on for flag, on, _ in hook.changes}
        after = sorted({flag for flag in changed if changed[flag]})
        ending = "assert then.succeeded\n    assert then.flags >= set(%r)" % after
    text = json.dumps(state, indent=1, sort_keys=True).replace('"""', '\\"\\"\\"')
    return _TEST.format(
        shown=hook.shown,
        unit=hook.unit or "app/0",
        state=textwrap.indent(text, "    "),
        name=name,
        call=call,
        handlers=[id for id, _, _ in hook.ran],
        ending=ending,
    )
