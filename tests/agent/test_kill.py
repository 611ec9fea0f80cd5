"""Kill test: hooks that are killed, and agents that die, at any moment while hook tools use the socket.

Each round runs a hook whose handlers, in Python and in bash, set a status with a number of its own again and
again, beside changes of flags and rows. Whatever is killed, no number may be seen twice by agent and
executables together, and our rows are as before the hook or as after it. The number of rounds is
CHARMS_REACTIVE_KILLS, default 300.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from typing import List, Tuple

import pytest
from charmhelpers.core import unitdata

from framework.support import Unit
from state.charm import check_integrity, read_rows, state_file
from state.test_kill import open_as_the_next_hook_does, wait_for_the_group

from .support import Go, GoAgent, tools_directory

pytestmark = pytest.mark.once

ROUNDS = int(os.environ.get("CHARMS_REACTIVE_KILLS", "300"))
CALLS = 25

_HANDLERS = (
    """
from charmhelpers.core import hookenv, unitdata
from charms.reactive import hook, is_flag_set, set_flag, toggle_flag, when


@hook("update-status")
def {name}():
    generation = unitdata.kv().get("generation")
    for number in range({first}, {first} + %d):
        hookenv.status_set("active", str(number))
        toggle_flag("churn.%%d" %% (number %% 7), not is_flag_set("churn.%%d" %% (number %% 7)))
        set_flag("{name}.%%d" %% (number %% 5), generation)
"""
    % CALLS
)

_BASH = """\
#!/bin/bash
source charms.reactive.sh

@hook update-status
function by_bash() {
    for ((number = 500; number < 505; number++)); do
        status-set active "$number" || exit
    done
    charms.reactive set_flag by.bash "--value=$(( $(date +%s) * 0 + GENERATION ))"
}

reactive_handler_main
"""

#: Juju's tool as it is here: it says that it was started, whatever has become of the agent.
_EXECUTABLE = """\
#!/bin/sh
printf '["process %s","%s","%s"]\\n' "${0##*/}" "$1" "$2" >>"$TOOLS_SAID/calls"
"""


class Round:
    """A unit whose ``update-status`` takes the rows from one state to another, and sets a status often."""

    def __init__(self, unit: Unit, go: Go) -> None:
        self.unit = unit
        self.go = go
        unit.write("reactive/a.py", _HANDLERS.format(name="a", first=0))
        unit.write("reactive/b.sh", _BASH, True)
        unit.write("reactive/c.py", _HANDLERS.format(name="c", first=1000))
        unit.hook_file("hooks/update-status")
        program = unit.directory.parent / "jujuc"
        program.write_text(_EXECUTABLE)
        program.chmod(0o755)
        tools = tools_directory(
            unit.directory.parent / "tools", program, "juju-log", "status-set", "config-get"
        )
        unit.env.update(CHARMS_REACTIVE_LOG="off", PYTHONDONTWRITEBYTECODE="", JUJU_VERSION="3.6.0")
        unit.env["PATH"] = "%s:%s" % (tools, unit.env["PATH"])
        unit.env["GENERATION"] = "1"
        self.file = state_file(unit.directory)
        state = unitdata.Storage(str(self.file))
        state.set("generation", 1)
        state.flush()
        state.close()
        self._to_the_end()
        unit.env["GENERATION"] = "2"
        with sqlite3.connect(str(self.file)) as connection:
            connection.execute("UPDATE kv SET data = '2' WHERE key = 'generation'")
        connection.close()
        self._start = self.file.with_name("start.db")
        shutil.copy(str(self.file), str(self._start))
        self.before = read_rows(unit.directory)
        self.duration = min(self._to_the_end() for _ in range(3) if not self.reset())
        self.after = read_rows(unit.directory)
        assert self.before != self.after

    def reset(self) -> None:
        for path in self.file.parent.glob(".unit-state.db*"):
            path.unlink()
        shutil.copy(str(self._start), str(self.file))
        (self.unit.said / "calls").unlink(missing_ok=True)

    def begin(self, agent: GoAgent) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(self.unit.directory / "hooks" / "update-status")],
            cwd=str(self.unit.directory),
            env={**self.unit.env, **agent.environment, "JUJU_HOOK_NAME": "update-status"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _to_the_end(self) -> float:
        with GoAgent(self.go, answers={}) as agent:
            began = time.monotonic()
            with self.begin(agent) as process:
                assert process.wait(60) == 0
            taken = time.monotonic() - began
            numbers = self.numbers(agent)
        assert sorted(int(number) for _, number in numbers) == expected()
        # With the program in Rust, what bash does goes over the socket, too.
        others = [number for name, number in numbers if name != "status-set"]
        assert others == ([] if self.unit.engine_name == "native" else [str(one) for one in range(500, 505)])
        return taken

    def numbers(self, agent: GoAgent) -> List[Tuple[str, str]]:
        """What agent and executables have been asked to set, each with its number."""
        lines = agent.calls()
        path = self.unit.said / "calls"
        if path.exists():
            lines += [json.loads(line) for line in path.read_text().splitlines()]
        return [(words[0], words[2]) for words in lines if words[0].endswith("status-set")]


def expected() -> List[int]:
    return [*range(CALLS), *range(500, 505), *range(1000, 1000 + CALLS)]


@pytest.mark.parametrize("victim", ["hook", "agent"])
def test_nothing_is_sent_twice(
    unit: Unit,
    go: Go,
    capsys: pytest.CaptureFixture[str],
    engine_count: int,
    victim: str,
) -> None:
    charm = Round(unit, go)
    chance = random.Random(ROUNDS)
    rounds = max(4, ROUNDS // 2 // engine_count)
    outcomes: Counter[str] = Counter()
    duration = charm.duration + (0.2 if victim == "agent" else 0)
    tried = 0
    while sum(outcomes.values()) < rounds:
        tried += 1
        assert tried < 4 * rounds, "this hook takes a different time whenever it runs"
        charm.reset()
        # An agent that takes its time is more often hit with a command in its hands.
        with GoAgent(go, "-slow", "0s" if victim == "hook" else "4ms", answers={}) as agent:
            with charm.begin(agent) as process:
                time.sleep(duration * (0.25 + 0.85 * chance.random()))
                ended = process.poll() is not None
                if not ended and victim == "hook":
                    os.killpg(process.pid, signal.SIGKILL)
                elif not ended:
                    agent.kill()
                status = process.wait(60)
            wait_for_the_group(process.pid)
            numbers = charm.numbers(agent)
        duration *= 0.95 if ended else 1.01
        if ended:
            continue
        seen = [number for _, number in numbers]
        assert sorted(set(seen), key=int) == sorted(seen, key=int), "sent twice: %s" % numbers
        rows = open_as_the_next_hook_does(charm.file)
        check_integrity(unit.directory)
        assert rows in (charm.before, charm.after), sorted(set(rows.items()) ^ set(charm.before.items()))[:8]
        if status == 0:
            assert rows == charm.after
            assert sorted(map(int, seen)) == expected()  # the rest by executables
        elif victim == "agent":
            assert rows == charm.before
        by = (
            "by executables, too"
            if any(name.startswith("process") for name, _ in numbers)
            else "by the agent"
        )
        state = "after" if rows == charm.after else "before"
        outcomes["%s, rows as %s it, asked %s" % ("went on" if status == 0 else "ended", state, by)] += 1
    with capsys.disabled():
        print(
            "\n%d times the %s was killed in a hook of %.0f ms: the hook"
            % (rounds, victim, charm.duration * 1000)
        )
        for outcome, count in sorted(outcomes.items()):
            print("%5d  %s" % (count, outcome))
