"""Kill hooks in every way, at random moments, and see that nothing is left between before and after.

``python tests/state/kills.py --kills 2000`` prints its counts; ``test_kills.py`` runs a few hundred of them.

A round starts from the same unit state and runs a hook with Python and bash handlers in it, which keep
records and hear of edges as well. The bash handlers leave processes in the background (*orphans*) that set
flags again and again, long after the hook. Beside the hook a process that is not of it sets flags and notes
each one for which the command answered with 0. Then something is killed. Afterwards the next command undoes
what there is to undo, and of the rows

- those of the hook are all as before it, or all as after it;
- of the orphans' there is none if the hook did not succeed, and all that were acknowledged if it did;
- those of the process beside it are there, each that was acknowledged.

The unit's memory of its hooks goes on from round to round. It can be read after each, and what it says of the
hook is true: one that has succeeded has its rows, and one that has failed has none.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

if __name__ == "__main__":  # as a script, it stands beside the packages that tests import
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from charmhelpers.core import unitdata

from charms_reactive._history import past
from framework.support import Unit

FLAGS = "reactive.states."

#: What is killed.
TARGETS = ("the whole group", "the parent alone", "the bash child alone", "the command alone")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
#: Where: as it is, without boot_id, in a PID namespace of the hook's own, with commands in another one.
PLACES = ("here", "no boot_id", "hook elsewhere", "commands elsewhere")

_NO_BOOT_ID = (
    "unshare --map-root-user --mount sh -c 'mount -t tmpfs none /proc/sys/kernel/random && exec \"$@\"' sh"
)
_ELSEWHERE = "unshare --map-root-user --pid --fork --mount-proc"
# The first process of a namespace cannot be killed from inside it, and takes the others with it.
_HOOK_ELSEWHERE = _ELSEWHERE + " sh -c '\"$@\" & wait $!; s=$?; sleep 1; exit $s' sh"

_PYTHON = """
from charms.reactive import clear_flag, hook, is_flag_set, register_trigger, set_flag, toggle_flag
from charms.reactive import once_per, records, when_changed, when_cleared, when_set
from charmhelpers.core import unitdata

register_trigger(when="{name}.on", set_flag="{name}.followed")


class Kept(records.Record, key="number", name="Kept-{name}", index="size"):
    number: int
    size: int = 0


@when_set("{name}.edge")
@when_cleared("{name}.edge")
def {name}_edge():
    with records.atomic():
        Kept.where(size__ge=0).update(size=unitdata.kv().get("generation"))
    Kept.create_many({"number": 100 + number} for number in range(5) if Kept.get(100 + number, None) is None)


@when_changed(data=lambda: unitdata.kv().get("generation"))
def {name}_changed():
    Kept.get_or_create(number=0, defaults={"size": 7})


@once_per(lambda: unitdata.kv().get("generation"))
def {name}_once():
    for number in range(1, 20):
        Kept.delete_by_key(number)
        Kept.create(number=number)


@hook("update-status")
def {name}():
    generation = unitdata.kv().get("generation")
    set_flag("{name}.on")
    toggle_flag("{name}.edge", not is_flag_set("{name}.edge"))
    for number in range(20):
        toggle_flag("churn.%d" % number, not is_flag_set("churn.%d" % number))
        set_flag("{name}.%d" % number, generation)
"""

_BASH = """\
#!/bin/bash
set -e
source charms.reactive.sh

@hook update-status
function {name}() {{
    set_flag {name}.first
    {{
        for n in 1 2 3; do
            sleep 0.$((RANDOM % 3))
            charms.reactive set_flag "orphan.{name}.$n" && echo "orphan.{name}.$n" >>"$SAID/orphans"
        done
    }} >/dev/null 2>&1 &
    charms.reactive is_flag_set {name}.first
    clear_flag churn.3
    set_flag {name}.last
    if charms.reactive is_flag_set {name}.edge; then clear_flag {name}.edge; else set_flag {name}.edge; fi
}}

@when_set {name}.edge
@when_cleared {name}.edge
function {name}_edge() {{
    set_flag {name}.heard
}}

reactive_handler_main
"""

_BESIDE = """\
#!/bin/bash
unset CHARMS_REACTIVE_HOOK CHARMS_REACTIVE_LENT
n=0
while [[ ! -e $SAID/enough && $n -lt 20 ]]; do
    n=$((n + 1))
    CHARMS_REACTIVE_LOCK_TIMEOUT=5 charms.reactive set_flag "beside.$n" 2>>"$SAID/beside.err" &&
        echo "beside.$n" >>"$SAID/beside"
    sleep 0.05
done
"""


class Round(NamedTuple):
    """How something was killed, and what was found."""

    target: str
    signal: str
    place: str
    outcome: str
    told: str


class Killing:
    """A unit whose hook is killed again and again."""

    def __init__(
        self,
        directory: Path,
        engine: str,
        chance: random.Random,
        signals: Sequence[signal.Signals] = SIGNALS,
    ) -> None:
        self.signals = signals
        if (
            signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        ):  # of a shell that has put this into the background
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.unit = Unit(directory, engine)
        self.chance = chance
        unit = self.unit
        unit.env["SAID"] = str(unit.said)
        unit.env["CHARMS_REACTIVE_LOG"] = "off"
        unit.env["PYTHONDONTWRITEBYTECODE"] = ""
        for name in ("a", "c", "e"):
            unit.write("reactive/%s.py" % name, _PYTHON.replace("{name}", name))
        for name in ("b", "d"):
            unit.write("reactive/%s.sh" % name, _BASH.format(name=name), executable=True)
        self.beside = unit.write("beside", _BESIDE, executable=True)
        unit.hook_file("hooks/update-status")
        self.command = (unit.bin / "charms.reactive").resolve()
        self.file = unit.directory / ".unit-state.db"
        self._choose("here")
        state = unitdata.Storage(str(self.file))
        state.set("generation", 1)
        state.flush()
        state.close()
        self.places = [place for place in PLACES if self._is_possible(place)]
        self._run_to_the_end()
        with sqlite3.connect(str(self.file)) as connection:
            connection.execute("UPDATE kv SET data = '2' WHERE key = 'generation'")
            connection.execute("DELETE FROM kv WHERE key LIKE 'reactive.states.orphan%'")
        connection.close()
        self.start = self.file.with_name("start.db")
        shutil.copy(str(self.file), str(self.start))
        self.before = self.rows()
        self.duration = self._run_to_the_end()
        self.after = self.rows()
        assert self.before != self.after

    def _is_possible(self, place: str) -> bool:
        if place == "here":
            return True
        wrapper = _NO_BOOT_ID if place == "no boot_id" else _ELSEWHERE
        return (
            subprocess.run("%s true" % wrapper, shell=True, stderr=subprocess.DEVNULL, check=False).returncode
            == 0
        )

    def _choose(self, place: str) -> None:
        """Let hook and commands run there."""
        self.hook = [str(self.unit.directory / "hooks" / "update-status")]
        wrapper = {"no boot_id": _NO_BOOT_ID, "commands elsewhere": _ELSEWHERE}.get(place, "")
        path = self.unit.bin / "charms.reactive"
        path.unlink()
        if wrapper:
            path.write_text('#!/bin/sh\nexec %s %s "$@"\n' % (wrapper, self.command))
            path.chmod(0o755)
        else:
            path.symlink_to(self.command)
        if place == "hook elsewhere":
            self.hook = ["sh", "-c", '%s "$@"' % _HOOK_ELSEWHERE, "sh", *self.hook]

    def _begin(self, command: List[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=str(self.unit.directory),
            env={**self.unit.env, "JUJU_HOOK_NAME": "update-status"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _run_to_the_end(self) -> float:
        began = time.monotonic()
        hook = self._begin(self.hook)
        assert hook.wait(120) == 0
        took = time.monotonic() - began
        self._wait_for(hook.pid)
        return took

    @staticmethod
    def _wait_for(group: int) -> None:
        """Until all of a session have ended by themselves."""
        deadline = time.monotonic() + 120
        while _members(group):
            assert time.monotonic() < deadline, "processes are still there"
            time.sleep(0.01)

    def rows(self) -> Dict[str, str]:
        """The rows of the hook: all but those that orphans and others have written."""
        return {
            key: data
            for key, data in self._all().items()
            if not key.startswith((FLAGS + "orphan.", FLAGS + "beside."))
        }

    def _all(self) -> Dict[str, str]:
        connection = sqlite3.connect(str(self.file), timeout=60)
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return dict(connection.execute("SELECT key, data FROM kv WHERE key LIKE 'reactive.%'"))
        finally:
            connection.close()

    def _reset(self) -> None:
        for path in self.file.parent.glob(".unit-state.db*"):
            if "-history" not in path.name:
                path.unlink()
        shutil.copy(str(self.start), str(self.file))
        for name in ("orphans", "beside", "beside.err", "enough"):
            if (self.unit.said / name).exists():
                (self.unit.said / name).unlink()

    def _said(self, name: str) -> Set[str]:
        path = self.unit.said / name
        return set(path.read_text().split()) if path.exists() else set()

    def round(self, target: str, number: signal.Signals, place: str, moment: float) -> Optional[Round]:
        """Kill something at a moment of the hook; ``None`` if there was nothing to kill."""
        self._reset()
        self._choose(place)
        beside = self._begin([str(self.beside)])
        began = time.time()
        hook = self._begin(self.hook)
        time.sleep(moment * self.duration)
        killed = self._kill(hook, target, number)
        status = hook.wait(120)
        # Whatever comes next, and nothing else, undoes what a killed hook has left.
        self._wait_for(hook.pid)
        (self.unit.said / "enough").touch()
        beside.wait(120)
        self._wait_for(beside.pid)
        self._choose("here")
        asked = self.unit.command("get_flags")
        assert asked.status == 0, asked.stderr
        where = "%s of %s, %s, %.0f %% into the hook" % (number.name, target, place, 100 * moment)
        outcome = self._judge(where, killed, status)
        told = self._remembered(began)
        wanted = {"succeeded": "after", "failed": "before"}.get(told, outcome)
        assert outcome == wanted, "rows as %s of a hook that has %s, %s" % (outcome, told, where)
        assert status != 0 or told == "succeeded", "%s: a hook that ended with 0 has %s" % (where, told)
        return Round(target, number.name, place, outcome, told) if killed else None

    def _remembered(self, began: float) -> str:
        """What the unit's memory says of the hook that began then: how it ended, or that it says nothing."""
        hooks = past.read(past.Place.of(self.unit.directory))
        assert len(hooks) <= 120, "%d hooks are remembered" % len(hooks)
        if hooks[-1].at < began - 0.05:  # it was killed before it could say that it has begun
            return "said nothing"
        assert hooks[-1].end != past.RUNNING, "a hook that is gone is said to run"
        return hooks[-1].end

    def _kill(self, hook: subprocess.Popen[bytes], target: str, number: signal.Signals) -> bool:
        if hook.poll() is not None:
            return False
        if target == "the whole group":
            os.killpg(hook.pid, number)
            return True
        wanted = {
            "the parent alone": lambda words: any(word.endswith("hooks/update-status") for word in words[:3]),
            "the bash child alone": lambda words: any(
                word.endswith(".sh") and "reactive/" in word for word in words
            ),
            "the command alone": lambda words: (
                any("charms.reactive" in word for word in words[:3]) and "set_flag" in words
            ),
        }[target]
        # The command is there for a moment only.
        deadline = time.monotonic() + (self.duration if target != "the parent alone" else 0.2)
        while hook.poll() is None and time.monotonic() < deadline:
            for pid, words in _members(hook.pid):
                if (
                    words[0].endswith(("unshare", "sh"))
                    and target == "the parent alone"
                    and "-c" in words[:2]
                ):
                    continue
                if wanted(words):
                    try:
                        os.kill(pid, number)
                    except ProcessLookupError:
                        continue
                    return True
            time.sleep(0.002)
        return False

    def _judge(self, where: str, killed: bool, status: int) -> str:
        rows, every = self.rows(), self._all()
        is_before, is_after = rows == self.before, rows == self.after
        differs = sorted(set(rows.items()) ^ set(self.before.items()))[:6]
        assert is_before or is_after, "between (status %d), %s: %s" % (status, where, differs)
        assert is_after or status != 0, "a hook that ended with 0 was undone, %s" % where
        flags = {key[len(FLAGS) :] for key in every if key.startswith(FLAGS)}
        lost = self._said("beside") - flags
        assert not lost, "acknowledged and gone, %s: %s" % (where, sorted(lost))
        orphans = {flag for flag in flags if flag.startswith("orphan.")}
        if is_before:
            assert not orphans, "written for a hook that is lost, %s: %s" % (where, sorted(orphans))
        elif status == 0:
            lost = self._said("orphans") - flags
            assert not lost, "acknowledged to an orphan and gone, %s: %s" % (where, sorted(lost))
        assert not [key for key in every if key.startswith(("reactive.dispatch.", "reactive.flag_"))], where
        return "after" if is_after else "before"

    def run(self, kills: int, tell: bool = False) -> List[Round]:
        """Kill so many times, in all ways in turn."""
        done: List[Round] = []
        ways = [
            (target, number, place) for target in TARGETS for number in self.signals for place in self.places
        ]
        self.chance.shuffle(ways)
        tried = 0
        while len(done) < kills:
            target, number, place = ways[tried % len(ways)]
            moment = 0.1 + 0.9 * ((tried * 7919) % 97 + self.chance.random()) / 97
            tried += 1
            assert tried < 10 * kills + 50, "the hook takes a different time whenever it runs"
            found = self.round(target, number, place, moment)
            if found is not None:
                done.append(found)
                if tell and len(done) % 50 == 0:
                    print("%d kills" % len(done), flush=True)
        return done


def _members(session: int) -> List[Tuple[int, List[str]]]:
    """The processes of a session that still run, each with its command line."""
    found = []
    for path in (Path("/proc", name, "stat") for name in os.listdir("/proc") if name.isdigit()):
        try:
            fields = path.read_bytes().rpartition(b")")[2].split()
            if int(fields[3]) == session and fields[0] not in b"ZX":
                words = (path.parent / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                found.append((int(path.parent.name), words))
        except (OSError, IndexError):
            continue
    return found


def summary(done: List[Round]) -> str:
    """Counts, by each of what was varied."""
    lines = ["%d kills: %s" % (len(done), dict(Counter(one.outcome for one in done)))]
    told = Counter(one.told for one in done)
    lines += ["%6d  remembered as: %s" % (told[how], how) for how in sorted(told)]
    for field in ("target", "signal", "place"):
        counted = Counter((getattr(one, field), one.outcome) for one in done)
        lines += ["%6d  %s: rows as %s" % (counted[key], *key) for key in sorted(counted)]
    return "\n".join(lines)


def main() -> int:
    """The long run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--kills", type=int, default=2000, metavar="N", help="how many (default: %(default)s)"
    )
    parser.add_argument("--engine", choices=["native", "pure"], default="native")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--signal", choices=[one.name for one in SIGNALS], default=None, help="only this one")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "big")
    print("engine %s, seed %d" % (options.engine, seed), flush=True)
    signals = [signal.Signals[options.signal]] if options.signal else SIGNALS
    with tempfile.TemporaryDirectory() as directory:
        killing = Killing(Path(directory), options.engine, random.Random(seed), signals)
        done = killing.run(options.kills, tell=True)
    print(summary(done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
