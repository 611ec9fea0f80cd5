"""Random commands with random triggers: both programs do what the framework does, step by step.

The framework is the reference, run in this process through its own command line. After each command,
status, output and every row have to agree. ``--command-steps 20000`` is the long run; what parts ways is
shown as the rows before it and the command.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from charmhelpers.core import unitdata

from charms_reactive import flags, handlers
from charms_reactive._juju import juju_log
from charms_reactive._juju.environment import hookenv
from charms_reactive._unit_state import unit_state
from charms_reactive.cli import main
from charms_reactive.endpoints import Endpoint

from .support import Finished, LentBy, Program, Unit

#: A hook that is lost.
LOST = "4194301 boot 1 pid:[1] lost"

pytestmark = pytest.mark.once

FLAGS = ["a", "b", "c", "a.b", "with space", "it's", 'q"\\', "", "{x}", "a\nb", "caf\u00e9"]
MARKS = ["one", "f.sh:1:a", "f.sh:22:a", "f.sh:3:b", "f.sh::a", ":1:", "12:a", "x:y:z", "f.sh:\u00b2:a"]
PATTERNS = [
    *("update-status", "install", "update-{status,x}", "{update,x}-{y,status,}", "{update-status}", "{}"),
    *(
        "{,}update-status",
        "{{update-status}",
        "{a,,b}",
        "update-status{",
        "{update-status,",
        "{requires:sql}-x",
    ),
]
TESTS = ["when", "when_all", "when_any", "when_not", "when_none", "when_not_all"]
WORDS = ["True", "false", " OFF ", "0", "", "no", "1", "\x1coff", "\u00a0off", "yes"]
WRONG = [
    ["is_flag_set"],
    ["no_such_command"],
    ["set_flag", "a", "b"],
    ["-j", "-r", "get_flags"],
    ["register_trigger", "--when", "a"],
    ["register_trigger", "--when", "a", "--when_not", "b", "--set_flag", "c"],
    ["test", "f id no_such x"],
    ["test", "f id when"],
    ["test", "f 'id"],
    ["set_flag", "--value"],
    ["set_flag", "--", "-x"],
    ["get_states"],
]


class Commands:
    """Random command lines."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def _flags(self, most: int = 3) -> List[str]:
        return [self._flag() for _ in range(self.random.randint(0, most))]

    def _flag(self) -> str:
        # Mostly few, so that triggers meet each other.
        return self.random.choice(FLAGS[:4] if self.random.random() < 0.75 else FLAGS)

    def _quote(self, word: str) -> str:
        kind = self.random.random()
        if word and kind < 0.3 and not set(word) & set(" '\"\\\n{}"):
            return word
        if kind < 0.6:
            return '"%s"' % word.replace("\\", "\\\\").replace('"', '\\"')
        return "'%s'" % word.replace("'", "'\\''")

    def _spec(self) -> str:
        words = [self.random.choice(["f", "g-h", "\u00e9"]), self._quote(self.random.choice(MARKS))]
        for _ in range(self.random.randint(0, 2)):
            test = self.random.choice(TESTS * 2 + ["hook", "only_once"])
            arguments = self._flags() if test in TESTS else [self.random.choice(PATTERNS)]
            words += [test, self._quote(" ".join(map(self._quote, arguments)))]
        return " ".join(words)

    def _trigger(self) -> List[str]:
        words = ["register_trigger", self.random.choice(["--when", "--when_not"]), self._flag()]
        for option in self.random.choice([["--set_flag"], ["--clear_flag"], ["--set_flag", "--clear_flag"]]):
            words += (
                ["%s=%s" % (option, self._flag())] if self.random.random() < 0.3 else [option, self._flag()]
            )
        return words

    def next(self) -> List[str]:
        """One command line."""
        chance = self.random.random()
        if chance < 0.32:
            words = [
                self.random.choice(["set_flag", "set_state", "clear_flag", "remove_state"]),
                self._flag(),
            ]
            if words[0].startswith("set") and self.random.random() < 0.2:
                words += ["--value", self.random.choice(["v", "", "it's \u00e9"])]
        elif chance < 0.37:
            words = ["toggle_flag", self._flag(), self.random.choice(WORDS)]
        elif chance < 0.50:
            words = self._trigger()
        elif chance < 0.58:
            names = ["is_flag_set", "is_state"]
            words = [self.random.choice(names), self._flag()]
        elif chance < 0.72:
            names = ["all_flags_set", "any_flags_set", "all_states", "any_states", *TESTS]
            words = [self.random.choice(names), *self._flags()]
        elif chance < 0.77:
            words = self.random.choice([["get_flags"], ["get_unset_flags", *self._flags(5)]])
        elif chance < 0.82:
            words = [self.random.choice(["hook", "any_hook"]), self.random.choice(PATTERNS)]
        elif chance < 0.87:
            words = [self.random.choice(["only_once", "mark_invoked"]), self.random.choice(MARKS)]
        elif chance < 0.98:
            words = ["test", *(self._spec() for _ in range(self.random.randint(0, 3)))]
        else:
            return self.random.choice(WRONG)
        options: List[List[str]] = [[], [], [], ["-j"], ["--format", "json"], ["--raw"]]
        return self.random.choice(options) + words

    def belonging(self) -> str:
        """The hook that has started the command: the one that goes on, one that is lost, one that is over."""
        return self.random.choice([LentBy.name] * 5 + [LOST, "4194303 boot 1 pid:[1] over"])

    def scene(self) -> Dict[str, Any]:
        """The rows of a unit: in a dispatch that waits for its child, or outside of one."""
        rows: Dict[str, Any] = {"charm.own": {"x": 1}, "reactive.invoked.f.sh:7:b": True}
        rows.update({"reactive.states." + flag: None for flag in self._flags(4)})
        if self.random.random() < 0.7:
            rows["reactive.dispatch.phase"] = self.random.choice(["hooks", "other", "other", "restricted"])
            rows["reactive.dispatch.undo"] = {}
            rows["reactive.dispatch.undo.armed"] = LentBy.name
            rows["reactive.dispatch.changes"] = []
            iteration = self.random.randint(0, 2)
            rows["reactive.state_watch"] = {
                "iteration": iteration,
                "changes": self._flags() if iteration else [],
                "pending": self._flags(),
                "hook": LentBy.name,
            }
        return rows


@pytest.fixture
def reference(tmp_path: Path, programs: List[Program], monkeypatch: pytest.MonkeyPatch) -> Iterator[Unit]:
    """The unit on which the framework of this process runs."""
    unit = Unit(tmp_path / "framework", programs[0])
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ.update(unit.env)
    for variable in ("UNIT_STATE_DB", "JUJU_DISPATCH_PATH", "CHARMS_REACTIVE_LOCK_TIMEOUT"):
        os.environ.pop(variable, None)
    monkeypatch.chdir(unit.directory)
    state: Any = unit_state.unit
    atstart, atexit, lock_timeout = list(hookenv._atstart), list(hookenv._atexit), state.lock_timeout
    yield unit
    _forget()
    state.lock_timeout = lock_timeout
    hookenv._atstart[:], hookenv._atexit[:] = atstart, atexit


def _forget() -> None:
    """Be as a new process."""
    if unitdata._KV is not None:
        unitdata._KV.close()
    unitdata._KV = None
    state: Any = unit_state.unit
    state.__init__()
    flags._callbacks.clear()
    handlers.file_watches.clear()
    juju_log._waiting.clear()
    hookenv.cache.clear()
    Endpoint._endpoints.clear()


def framework(words: List[str]) -> Finished:
    """The framework's own command line, in this process."""
    _forget()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as ended:
            status = int(ended.code or 0)
    _forget()
    return Finished(status, out.getvalue(), err.getvalue())


def test_both_programs_do_what_the_framework_does(
    reference: Unit,
    programs: List[Program],
    tmp_path: Path,
    seeds: List[int],
    pytestconfig: pytest.Config,
) -> None:
    steps = pytestconfig.getoption("--command-steps")
    units = [Unit(tmp_path / program.name, program) for program in programs]
    lenders = [LentBy(unit, LOST) for unit in [reference, *units]]
    seen: Dict[str, int] = {}
    for seed in seeds:
        commands = Commands(seed)
        for step in range(steps // len(seeds)):
            if step % 25 == 0:
                _begin_anew([reference, *units], commands.scene())
            words = commands.next()
            before = reference.rows()
            belonging = commands.belonging()
            os.environ["CHARMS_REACTIVE_HOOK"] = belonging
            expected = _anywhere(framework(words), reference), reference.rows()
            for unit in units:
                done = unit.run(*words, env={"CHARMS_REACTIVE_HOOK": belonging})
                _compare(
                    expected,
                    (_anywhere(done, unit), unit.rows()),
                    (unit.program.name, seed, step, words, before),
                )
            seen[words[0]] = seen.get(words[0], 0) + 1
    for lender in lenders:
        lender.die()
    assert len(seen) > 15  # the programs are not all alike


def _begin_anew(units: List[Unit], scene: Dict[str, Any]) -> None:
    for unit in units:
        connection = unit.connect()
        connection.execute("DELETE FROM kv")
        connection.close()
        unit.write(scene)


def _anywhere(done: Finished, unit: Unit) -> Finished:
    """The same without the place of the unit."""
    return done._replace(err=done.err.replace(str(unit.directory), "UNIT"))


def _compare(
    expected: Tuple[Finished, Dict[str, Any]],
    found: Tuple[Finished, Dict[str, Any]],
    where: Tuple[str, int, int, List[str], Dict[str, Any]],
) -> None:
    if expected != found:
        name, seed, step, words, before = where
        pytest.fail(
            "seed %d, step %d: %s command and framework part ways\nrows before: %r\ncommand: %r\n"
            "framework: %r\n%s: %r" % (seed, step, name, before, words, expected, name, found),
            pytrace=False,
        )
