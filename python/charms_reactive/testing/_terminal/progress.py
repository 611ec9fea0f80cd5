"""What ``charms.reactive simulate`` shows while hooks run: text for people, or a document for machines."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Set, TextIO, Tuple

import charms_reactive
from charms_reactive.testing import hooktools
from charms_reactive.testing._unit.scenario import Outcome, Unit
from charms_reactive.testing._unit.state import State

from .words import TRACEBACK, about_layer, alarms, last_words, without_our_frames

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_INVOKING = "Invoking reactive handler: "

# Changes that are told at once; -v tells the others.
_QUIET = (
    *("+ flag ", "- flag ", "+ stored ", "- stored ", "+ files ", "- files ", "+ tables", "- tables"),
    *("- unit status: ", "- application status: ", "- workload version: "),
)

_MOST_NAMES = 60


class Report:
    """Whoever is told what happens. A context, in which hooks run."""

    def __enter__(self) -> Report:
        return self

    def __exit__(self, *error: object) -> None:
        """Hooks run no longer."""

    def begin(self, unit: Unit, state: State, engine: Optional[str]) -> None:
        """All is checked, and the first hook is next."""
        self.unit = unit
        self.engine = engine or charms_reactive.engine_name()

    def begin_hook(self, name: str) -> None:
        """This hook starts now."""

    def ran(self, name: str, outcome: Outcome, explanations: Mapping[str, str]) -> None:
        """It has ended; why the handlers that somebody asked for ran or did not."""

    def end(self, state: State, file: Optional[Path], asked: int) -> None:
        """All hooks have ended, or one has failed; how many there were to run."""

    def ended_processes(self, number: int) -> None:
        """That many processes were left running by hooks, and have been ended."""

    def could_not(self, why: str) -> None:
        """Something could not be done; stderr tells what."""


def traceback_of(outcome: Outcome, unit: Unit) -> str:
    """The traceback of what ended a hook, or whatever else it had to say last; empty if it succeeded.

    Files of the unit's copy of the charm, which is gone when all is over, are named in the charm itself.
    """
    if outcome.succeeded or (outcome.action is not None and outcome.action.failure is not None):
        return ""
    errors = [entry.message for entry in outcome.log if entry.level in ("ERROR", "CRITICAL")]
    told = outcome.stderr
    for text in [*reversed(errors), outcome.stderr]:
        _, found, after = text.partition(TRACEBACK)
        if found:
            told = found + after
            break
    return told.rstrip().replace(str(unit._unit.charm_dir), str(unit.charm.directory))


def _of_charm(traceback: str) -> List[str]:
    """The lines of a traceback without the frames through which every handler is reached.

    Without its last line, too, which names the exception and is told in front of it.
    """
    lines = without_our_frames(traceback.splitlines()[:-1])
    # Nothing may be left of the last one of a chain.
    if lines[-3:] and lines[-1].startswith("Traceback ") and "exception" in "".join(lines[-3:-1]):
        del lines[-4:]
    # An error of the framework itself comes from no line of the charm.
    return lines if any(line.startswith('  File "') for line in lines) else []


# -- for machines -----------------------------------------------------------------------------------
class JsonReport(Report):
    """One document when all is over, and nothing else on stdout."""

    def __init__(self) -> None:
        self._document: Dict[str, Any] = {"succeeded": False, "error": None, "hooks": []}

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._print()

    def begin(self, unit: Unit, state: State, engine: Optional[str]) -> None:
        super().begin(unit, state, engine)
        self._document = {
            "charm": unit.charm.name,
            "unit": unit.name,
            "juju": unit.juju_version,
            "in_process": unit.in_process,
            "engine": self.engine,
            **self._document,
            "state": state.to_json(),
        }

    def ran(self, name: str, outcome: Outcome, explanations: Mapping[str, str]) -> None:
        action = outcome.action
        kind, about = ("action", "") if action is not None else ("hook", name.partition(":")[2])
        self._document["state"] = outcome.state.to_json()
        self._document["hooks"].append(
            {
                "name": outcome.name,
                "kind": kind,
                "about": about or None,
                "succeeded": outcome.succeeded,
                "exit_status": outcome.exit_status,
                "timed_out": outcome.timed_out,
                "error": outcome.error,
                "traceback": traceback_of(outcome, self.unit) or None,
                "seconds": round(outcome.duration, 6),
                "handlers": list(outcome.handlers),
                "flags_set": list(outcome.flags_set),
                "flags_cleared": list(outcome.flags_cleared),
                "status": vars(outcome.status),
                "statuses": [vars(status) for status in outcome.statuses],
                "changes": list(outcome.changes),
                "published": outcome.published,
                "published_application": outcome.published_application,
                "tools": [[call.tool, *call.arguments] for call in outcome.tools],
                "log": [{"level": entry.level, "message": entry.message} for entry in outcome.log],
                "stdout": outcome.stdout,
                "stderr": outcome.stderr,
                "results": dict(action.results) if action is not None else None,
                "failure": action.failure if action is not None else None,
                "messages": list(action.messages) if action is not None else None,
                "explanations": dict(explanations),
            }
        )

    def end(self, state: State, file: Optional[Path], asked: int) -> None:
        hooks = self._document["hooks"]
        self._document["succeeded"] = len(hooks) == asked and all(hook["succeeded"] for hook in hooks)

    def could_not(self, why: str) -> None:
        self._document["error"] = why
        self._print()

    def _print(self) -> None:
        _say(sys.stdout, json.dumps(self._document, indent=2, default=str) + "\n")


def _say(stream: TextIO, text: str) -> None:
    """Write it all, on a terminal that knows only ASCII too."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


# -- for people -------------------------------------------------------------------------------------
class TextReport(Report):
    """A line per hook; on a terminal it is there from the start, and says which handler runs."""

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose
        terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._coloured = terminal and not os.environ.get("NO_COLOR")
        self._width = max(40, shutil.get_terminal_size((100, 24)).columns) if terminal else 100
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        try:
            "✓✗…".encode(encoding)
            self._marks = {"good": "✓", "bad": "✗", "more": "…"}
        except UnicodeEncodeError:
            self._marks = {"good": "ok", "bad": "FAILED", "more": "..."}
        self._ticker = _Ticker(self) if terminal else None
        self._failed = ""
        self._ran = 0
        # What was told of layers that are missing: each hook says so anew.
        self._missing: Set[str] = set()
        self._names = 16

    def __exit__(self, *error: object) -> None:
        if self._ticker is not None:
            self._ticker.end()

    def begin(self, unit: Unit, state: State, engine: Optional[str]) -> None:
        super().begin(unit, state, engine)
        self._before = state
        speed = "in this process" if unit.in_process else "in processes"
        self._write("%s, Juju %s, %s, %s engine" % (unit.name, unit.juju_version, speed, self.engine), "dim")

    def begin_hook(self, name: str) -> None:
        if self._ticker is not None:
            self._ticker.begin(name)

    def ran(self, name: str, outcome: Outcome, explanations: Mapping[str, str]) -> None:
        if self._ticker is not None:
            self._ticker.stop()
        self._ran += 1
        good = outcome.succeeded
        self._names = max(self._names, len(name))
        mark = self._paint("green" if good else "red", self._marks["good" if good else "bad"])
        head = "%s %s %s" % (
            mark,
            self._paint("bold", name.ljust(self._names)),
            self._paint("dim", "%8s" % _seconds(outcome.duration)),
        )
        pieces = [("", one) for one in _separated(_short(outcome))]
        pieces += [("green", "+" + flag) for flag in outcome.flags_set]
        pieces += [("red", "-" + flag) for flag in outcome.flags_cleared]
        indent = 12 + self._names
        for number, line in enumerate(self._filled(pieces, self._width - indent) or [""]):
            self._print((head if number == 0 else " " * (indent - 2)) + "  " + line)
        self._details(outcome)
        for text in explanations.values():
            for line in text.splitlines():
                for part in textwrap.wrap(
                    line,
                    self._width - 6,
                    break_long_words=False,
                    break_on_hyphens=False,
                    subsequent_indent="  ",
                ):
                    self._print("    " + self._paint("cyan", part))
        if not good:
            self._failed = name

    def _details(self, outcome: Outcome) -> None:
        if not self._verbose:
            for line in last_words(outcome):
                self._write("stderr   " + self._placed(line), "dim", "    ")
        if not outcome.succeeded:
            self._write(self._placed(outcome.error or ""), "red", "    ")
        for line in outcome.changes:
            if self._verbose or not line.startswith(_QUIET):
                self._write(line, "green" if line.startswith("+") else "dim", "    ")
        if outcome.action is not None:
            for key, value in outcome.action.results.items():
                self._write("%s: %s" % (key, value), "", "    ")
            for message in outcome.action.messages:
                self._write(message, "dim", "    ")
        if self._verbose:
            self._all_words(outcome)
        else:
            self._words_that_count(outcome)
        self._remark(outcome)

    def _all_words(self, outcome: Outcome) -> None:
        for entry in outcome.log:
            for line in entry.message.splitlines():
                self._write("%-8s %s" % (entry.level, line), "dim", "    ")
        for stream, text in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
            for line in text.splitlines():
                self._write("%-8s %s" % (stream, line), "dim", "    ")

    def _words_that_count(self, outcome: Outcome) -> None:
        for level, line in alarms(outcome):
            missing = about_layer(line, self.unit.charm, outcome)
            if missing is not None:
                if not missing or line in self._missing:
                    continue
                self._missing.add(line)
                line = missing
            self._write("%-8s %s" % (level, self._placed(line)), "yellow", "    ")
        told = traceback_of(outcome, self.unit)
        ended = outcome.error is not None and told.endswith(self._placed(outcome.error))
        for line in _of_charm(told) if ended else told.splitlines():
            self._write(line, "dim", "    ")

    def _remark(self, outcome: Outcome) -> None:
        """Tell of an action that nobody has seen to, which Juju takes for one that is done."""
        action = outcome.action
        if action is None or not outcome.succeeded or action.results or action.messages:
            return
        if outcome.record is None or (self.unit._unit.charm_dir / "actions" / outcome.name).exists():
            return
        asking = {one.id for one in outcome.record.handlers if "@action(" in one.decorators}
        if not asking.intersection(outcome.handlers):
            self._write("no handler with @action(%r) ran" % outcome.name, "yellow", "    ")

    def end(self, state: State, file: Optional[Path], asked: int) -> None:
        if self._failed:
            rest = asked - self._ran
            left = "; %d after it %s not run" % (rest, "was" if rest == 1 else "were") if rest else ""
            self._write("%s failed%s" % (self._failed, left), "red")
        else:
            ports = ", ".join(sorted(state.opened_ports))
            more = [part for part in (ports, state.workload_version) if part]
            summary = "%d flag%s set" % (len(state.flags), "" if len(state.flags) == 1 else "s")
            told = "; ".join([str(state.unit_status), *more, summary])
            self._write(told, "green" if state.unit_status.status == "active" else "")
        if file is not None:
            self._write("the unit's state is in %s" % file, "dim")

    def ended_processes(self, number: int) -> None:
        what = "1 process" if number == 1 else "%d processes" % number
        self._write("%s that hooks left running %s ended" % (what, "was" if number == 1 else "were"), "dim")

    def _placed(self, text: str) -> str:
        """A text in which files of the unit's copy of the charm are named in the charm itself."""
        return text.replace(str(self.unit._unit.charm_dir), str(self.unit.charm.directory))

    # -- how it looks -------------------------------------------------------------------------
    def _paint(self, colour: str, text: str) -> str:
        return "\033[%sm%s\033[0m" % (_COLOURS[colour], text) if self._coloured and colour else text

    def _filled(self, pieces: List[Tuple[str, str]], room: int) -> List[str]:
        """The pieces in as many lines as they need; a piece that is too long has a line of its own."""
        lines: List[str] = []
        left = 0
        for colour, text in pieces:
            if lines and len(text) + 1 <= left:
                lines[-1] += " " + self._paint(colour, text)
                left -= len(text) + 1
            else:
                lines.append(self._paint(colour, text))
                left = room - len(text)
        return lines

    def _write(self, text: str, colour: str = "", indent: str = "") -> None:
        """A line of text, or several if the terminal is narrow."""
        if not self._coloured and self._ticker is None:
            self._print(indent + text)
            return
        room = self._width - len(indent)
        for line in textwrap.wrap(text, room, replace_whitespace=False, drop_whitespace=False) or [""]:
            self._print(indent + self._paint(colour, line))

    def _print(self, line: str) -> None:
        _say(sys.stdout, line.rstrip() + "\n")

    def under_way(self, name: str, seconds: float) -> str:
        """The line of a hook that has not ended: how long it has run, and which handler it is in."""
        doing = ""
        for fields in reversed(self._calls(seconds)):
            # [time, process, tool, arguments] when a hook tool is called, [end, process, status] afterwards.
            if len(fields) == 4 and fields[2] == "juju-log" and fields[3]:
                last = [line for line in str(fields[3][-1]).splitlines() if line.startswith(_INVOKING)]
                if last:
                    doing = _name_of(last[-1][len(_INVOKING) :])
                    break
        width = max(self._names, len(name))
        text = "%s %s %8s  %s" % (self._marks["more"], name.ljust(width), _seconds(seconds), doing)
        return text[: self._width - 1]

    def _calls(self, seconds: float) -> List[Any]:
        """The calls of hook tools that the hook has made until now."""
        unit = self.unit._unit
        if not seconds:
            return []
        on_disk = unit.juju_dir / "calls"
        try:
            # A hook that runs here has its calls there from the moment on when it starts any other program.
            if on_disk.stat().st_mtime >= time.time() - seconds:
                return hooktools.FileSide(unit.juju_dir).calls
        except (OSError, ValueError):  # there are none, or one is just being written
            pass
        return list(unit.side.calls) if unit.in_process else []


class _Ticker:
    """Keeps a line of the terminal up to date, from a thread: hooks that run here block everything else."""

    def __init__(self, report: TextReport) -> None:
        self._report = report
        # While a hook runs here, file descriptor 1 and sys.stdout are the hook's.
        self._terminal = os.dup(sys.stdout.fileno())
        self._lock = threading.Lock()
        self._hook: Optional[str] = None
        self._started = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="progress", daemon=True)
        self._thread.start()

    def begin(self, name: str) -> None:
        with self._lock:
            self._hook, self._started = name, time.monotonic()
            self._put(self._report.under_way(name, 0.0))

    def stop(self) -> None:
        with self._lock:
            if self._hook is not None:
                self._hook = None
                self._put("")

    def end(self) -> None:
        self.stop()
        if not self._over.is_set():
            self._over.set()
            self._thread.join()
            os.close(self._terminal)

    def _tick(self) -> None:
        while not self._over.wait(0.1):
            with self._lock:
                if self._hook is not None:
                    self._put(self._report.under_way(self._hook, time.monotonic() - self._started))

    def _put(self, text: str) -> None:
        try:
            os.write(self._terminal, ("\r\033[K" + text).encode("utf-8", "replace"))
        except OSError:  # the terminal is gone, and the hook is told so itself
            pass


def _seconds(value: float) -> str:
    return "%.1f s" % value if value >= 1 else "%.0f ms" % (value * 1000)


def _short(outcome: Outcome) -> List[str]:
    """The handlers that ran, by name; one that ran several times in a row once, with how often."""
    names = [_name_of(id) for id in outcome.handlers]
    if len(names) > _MOST_NAMES:  # a charm that goes round in circles
        half = _MOST_NAMES // 2
        names = [*names[:half], "… (%d in all) …" % len(names), *names[-half:]]
    counted: List[Tuple[str, int]] = []
    for name in names:
        if counted and counted[-1][0] == name:
            counted[-1] = (name, counted[-1][1] + 1)
        else:
            counted.append((name, 1))
    return ["%s (%d times)" % (name, count) if count > 1 else name for name, count in counted]


def _name_of(id: str) -> str:
    """What of a handler's id tells which it is: the function and its endpoint; of a script its file."""
    parts = id.split(":")
    if len(parts) > 2 and parts[1].isdigit():
        return ":".join(parts[2:])
    return os.path.basename(id.partition(" ")[0])


def _separated(words: List[str]) -> List[str]:
    return [word + "," for word in words[:-1]] + words[-1:]
