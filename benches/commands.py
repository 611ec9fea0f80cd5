"""What a command of a shell handler costs as a process: ``charms.reactive is_flag_set x`` and its kin."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence

from environments import CACHE, ROOT, BenchmarkError, Environment

#: An interpreter that does nothing.
BARE = "python3 -c pass"

TRIGGERS = {"set_flag": ["t.first", "t.second"], "clear_flag": ["t.third"]}

_SPECS = [
    "install 'reactive/app.sh:9:install' when_not 'app.installed' when 'flag.1 flag.2'",
    "configure 'reactive/app.sh:19:configure' when 'app.installed config.changed'",
    "start 'reactive/app.sh:29:start' when 'flag.3' when_not 'flag.4'",
    "serve 'reactive/app.sh:39:serve' when_any 'flag.5 flag.6'",
    "once 'reactive/app.sh:49:once' only_once '' when 'flag.7'",
]

#: What is measured: the words of a command, and those of one that makes it possible once more.
COMMANDS: Dict[str, Sequence[Sequence[str]]] = {
    "is_flag_set": (["is_flag_set", "flag.1"], []),
    "set_flag": (["set_flag", "new"], ["clear_flag", "new"]),
    "set_flag, with triggers": (["set_flag", "triggering"], ["clear_flag", "triggering"]),
    "test, five functions": (["test", *_SPECS], []),
}


class Command:
    """One program called ``charms.reactive``, on a unit of its own."""

    def __init__(self, environment: Environment, program: Path, directory: Path) -> None:
        self.directory = directory
        self.program = program
        self.variables = dict(
            environment.variables(), CHARM_DIR=str(directory), JUJU_CHARM_DIR=str(directory)
        )
        self.variables.update(JUJU_UNIT_NAME="app/0", JUJU_HOOK_NAME="update-status")
        # What counts is what the unit state holds while a dispatch waits for its shell handler.
        directory.mkdir()
        (directory / "metadata.yaml").write_text("name: app\n")
        self.run(["set_flag", "flag.0"])
        rows: Dict[str, Any] = {"reactive.states.flag.%d" % number: None for number in range(1, 100)}
        rows["reactive.dispatch.phase"] = "other"
        rows["reactive.state_watch"] = {"iteration": 0, "changes": [], "pending": []}
        for name in ("set", "clear"):
            rows["reactive.flag_%s_triggers.triggering" % name] = TRIGGERS
        connection = sqlite3.connect(str(directory / ".unit-state.db"))
        encoded = [(key, json.dumps(value)) for key, value in rows.items()]
        connection.executemany("INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)", encoded)
        connection.commit()
        connection.close()

    def run(self, words: Sequence[str]) -> float:
        """Seconds that a command took; 0 for no command.

        Raises:
            BenchmarkError: it failed.
        """
        if not words:
            return 0
        began = time.perf_counter()
        done = subprocess.run(
            [str(self.program), *words], env=self.variables, cwd=str(self.directory), capture_output=True
        )
        took = time.perf_counter() - began
        if done.returncode:
            raise BenchmarkError("%s %s failed:\n%s" % (self.program, " ".join(words), done.stderr.decode()))
        return took


def install(environment: Environment) -> Dict[str, Path]:
    """The programs of this source tree with the interpreter of an environment, by the name of the engine."""
    directory = CACHE / "commands"
    directory.mkdir(parents=True, exist_ok=True)
    script = (ROOT / "wheel-data/scripts/charms.reactive-python").read_text()
    pure, native = directory / "charms.reactive-python", directory / "charms.reactive"
    pure.write_text(script.replace("#!python", "#!" + environment.python, 1))
    built = Path(sys.executable).with_name("charms.reactive")
    if built.read_bytes()[:4] != b"\x7fELF":
        raise BenchmarkError("%s is not the native program; run `make dev`" % built)
    shutil.copy(str(built), str(native))
    for path in (pure, native):
        path.chmod(0o755)
    environment.run(["-m", "compileall", "-q", str(ROOT / "python")])
    return {"native": native, "pure": pure}


def latencies(ours: Dict[str, Environment], old: Environment, runs: int) -> Dict[str, Dict[str, List[float]]]:
    """Seconds of each command, by what answers it, and of a bare interpreter; all take turns."""
    programs = install(ours["pure"])
    root = Path(tempfile.mkdtemp(prefix="reactive-bench-"))
    try:
        commands = {name: Command(ours[name], program, root / name) for name, program in programs.items()}
        commands["1.5.3"] = Command(old, Path(old.python).with_name("charms.reactive"), root / "1.5.3")
        found: Dict[str, Dict[str, List[float]]] = {}
        for what, (words, back) in COMMANDS.items():
            times: Dict[str, List[float]] = {name: [] for name in (BARE, *commands)}
            for turn in range(runs + 1):
                began = time.perf_counter()
                ours["pure"].run(["-c", "pass"])
                times[BARE].append(time.perf_counter() - began)
                for name, command in commands.items():
                    if name == "1.5.3" and turn > runs // 5:
                        continue  # it takes as long as all others together
                    times[name].append(command.run(words))
                    command.run(back)
            found[what] = {name: every[1:] for name, every in times.items()}  # the first ones compile
        return found
    finally:
        shutil.rmtree(str(root))
