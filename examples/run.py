#!/usr/bin/env python3
"""Take the example charm through its life on a simulated unit, and show what happens.

Usage: run.py [--keep DIR] [--json]

Every hook is a real process with real hook tools, and the page is fetched over HTTP between them. The
exit status is 0 only if all went as it should: each hook ended as expected, the page said what the
configuration said, the hook that was made to fail left the flags as they were, and no process was left.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import charms_reactive
from charms_reactive.testing import HookRun, SimulatedUnit, end_processes

ROOT = Path(__file__).resolve().parent.parent
CHARM = ROOT / "examples" / "hello-web"
WIDTH = 100
COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="where the unit lives; must be empty (default: .cache/hello-web, made anew)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    arguments = parser.parse_args()
    directory = arguments.keep
    if directory is None:
        directory = ROOT / ".cache" / "hello-web"
        if directory.exists():
            end_processes(directory)  # of an earlier run that was killed half-way
            shutil.rmtree(directory)
    try:
        unit = SimulatedUnit(CHARM, directory)
    except FileExistsError as error:
        parser.error(str(error))
    report: Report = JsonReport(unit) if arguments.json else TextReport(unit)
    try:
        Life(unit, report).live()
    finally:
        unit.end_processes()
    simulate(report)
    report.end()
    return 1 if report.problems else 0


class Life:
    """The hooks of one unit, one after the other, and what is expected of each."""

    def __init__(self, unit: SimulatedUnit, report: Report) -> None:
        self.unit = unit
        self.report = report

    def live(self) -> None:
        unit, check = self.unit, self.report.check
        self.hook("install")
        check("the page is rendered, and nothing serves it yet", not unit.processes())
        self.configure(greeting="Good morning from $unit")
        self.hook("start")
        check("the page is served with the new greeting", "Good morning from hello-web/0" in self.page())
        first = self.page()

        quiet = self.hook("update-status")
        check("with nothing changed, no flag changes", not quiet.flags_set and not quiet.flags_cleared)
        check("and the page is not rendered again", self.page() == first)

        failed = self.configure("hook fails", greeting="Greetings to $planet", motd="Never to be seen")
        check("the flags are those from before the hook", failed.flags_before == failed.flags_after)
        check("the old page is still served", self.page() == first)
        repaired = self.configure(greeting="Greetings to all, from $unit")
        check("the repaired hook does what the failed one could not", "Greetings to all" in self.page())
        check("the bash handler ran again", any("motd.sh" in handler for handler in repaired.handlers))

        outcome = self.hook("notice", parameters={"text": "Maintenance tonight at ten."})
        check("the action's notice is on the page", "Maintenance tonight at ten." in self.page())
        check("the action told its result", bool(outcome.action and outcome.action.results))
        (unit.directory / "page.html").write_text(self.page(), encoding="utf-8")

        self.hook("stop")
        check("nothing serves the page any more", self.page() == "")
        check("no process of the charm is left", not unit.processes())

    def configure(self, expected: str = "ok", **options: Any) -> HookRun:
        self.unit.set_config(**options)
        return self.hook("config-changed", expected, options)

    def hook(
        self,
        name: str,
        expected: str = "ok",
        options: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> HookRun:
        """Run a hook, or the action of that name if there are parameters."""
        self.report.begin(name, options or parameters or {}, parameters is not None)
        run = self.unit.run(name) if parameters is None else self.unit.run_action(name, parameters)
        self.report.ran(run, expected, self.page())
        self.report.check("%s: %s" % (name, expected), run.succeeded == (expected == "ok"))
        return run

    def page(self) -> str:
        """The page, as a browser gets it; empty if nothing serves it."""
        address = self.unit.status.message
        if not address.startswith("http:"):
            return ""
        try:
            # Not through a proxy that this machine may have: the page is here.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                address, timeout=5
            ) as page:
                text: str = page.read().decode("utf-8")
        except (urllib.error.URLError, OSError):
            return ""
        return text


def simulate(report: Report) -> None:
    """The same charm from the command line: hooks in one process, on a unit that is gone afterwards."""
    asked = [shown(CHARM), "install", "action:notice", "text=Noon", "--explain", "listen"]
    command = [sys.executable, "-m", "charms_reactive.cli", "simulate", *asked]
    done = subprocess.run([*command, *report.simulate_as], stdout=subprocess.PIPE, text=True, check=False)
    report.command("charms.reactive simulate " + shlex.join(asked), done.stdout)
    report.check("the command simulates the same hooks", done.returncode == 0)
    report.check("and tells what they did", "Noon" in done.stdout and "listen" in done.stdout)


class Report:
    """Whoever is told what happens.

    Attributes:
        simulate_as: how ``charms.reactive simulate`` is asked to answer.
    """

    simulate_as: tuple[str, ...] = ()

    def __init__(self, unit: SimulatedUnit) -> None:
        self.unit = unit
        self.problems: list[str] = []
        self.checks = 0
        self.engine = charms_reactive.engine_name()

    def begin(self, name: str, given: dict[str, Any], action: bool) -> None:
        """A hook or action is about to run; ``given`` is what it was given that is new."""

    def ran(self, run: HookRun, expected: str, page: str) -> None:
        """It has run."""

    def check(self, what: str, good: bool) -> None:
        """Something that has to be so."""
        self.checks += 1
        if not good:
            self.problems.append(what)

    def command(self, line: str, output: str) -> None:
        """A command was run, and has printed this."""

    def end(self) -> None:
        """All is over."""


class TextReport(Report):
    """For people: what can be read at a glance, while it happens."""

    def __init__(self, unit: SimulatedUnit) -> None:
        super().__init__(unit)
        self.coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.write("%s on the %s engine" % (self.paint("bold", unit.name), self.paint("bold", self.engine)))

    def paint(self, colour: str, text: str) -> str:
        return "\033[%sm%s\033[0m" % (COLOURS[colour], text) if self.coloured else text

    def write(self, text: str = "", end: str = "\n") -> None:
        print(text, end=end, flush=True)

    def field(self, label: str, items: list[tuple[str, str]]) -> None:
        """``label  item item item``, broken into lines that fit; items are (colour, text)."""
        room = WIDTH - 13
        pieces = [(colour, piece) for colour, text in items for piece in textwrap.wrap(text, room)]
        lines: list[str] = []
        left = 0
        for colour, text in pieces:
            painted = self.paint(colour, text) if colour else text
            if lines and len(text) + 2 <= left:
                lines[-1] += "  " + painted
                left -= len(text) + 2
            else:
                lines.append(painted)
                left = room - len(text)
        for number, line in enumerate(lines):
            heading = self.paint("dim", "%-9s" % label) if number == 0 else " " * 9
            self.write("  %s  %s" % (heading, line))

    def begin(self, name: str, given: dict[str, Any], action: bool) -> None:
        self.write()
        self.write(self.paint("bold", "%-16s" % ("action " + name if action else name)), end="")
        self.given = given

    def ran(self, run: HookRun, expected: str, page: str) -> None:
        if run.succeeded:
            result = self.paint("green", "ok    ")
        else:
            result = self.paint("yellow" if expected != "ok" else "red", "failed")
        logs = sum(call.tool == "juju-log" for call in run.tools)
        self.write(
            "%s  %4.0f ms  %s"
            % (
                result,
                run.duration * 1000,
                self.paint("dim", "%d hook-tool processes, %d of them juju-log" % (len(run.tools), logs)),
            )
        )
        if self.given:
            self.field("given", [("", "%s: %s" % item) for item in self.given.items()])
        handlers: list[tuple[str, str]] = [("", short(handler)) for handler in run.handlers]
        self.field("handlers", handlers or [("dim", "none")])
        if run.succeeded:
            self.field("flags", self.changes(run) or [("dim", "as before")])
        else:
            self.field("error", [("red", (run.error or "").rpartition("hello_web.")[2])])
            told = [("", part) for part in rolled_back(run)]
            if told:
                self.field("undone", told)
            if run.flags_before == run.flags_after:
                proof = "rolled back: the %d flags are those from before the hook" % len(run.flags_after)
                self.field("flags", [("green", proof)])
            else:
                self.field("flags", self.changes(run))
        self.field("status", [("green" if run.status.status == "active" else "", str(run.status))])
        if run.action is not None:
            self.field("results", [("", "%s: %s" % item) for item in run.action.results.items()])
        if page:
            self.field("page", [("cyan", said(page))])

    @staticmethod
    def changes(run: HookRun) -> list[tuple[str, str]]:
        """The flags that differ from before the hook."""
        changes = [("green", "+" + flag) for flag in run.flags_set]
        return changes + [("red", "-" + flag) for flag in run.flags_cleared]

    def check(self, what: str, good: bool) -> None:
        super().check(what, good)
        if not good:
            self.write("  %s  %s" % (self.paint("red", "WRONG    "), what))

    def command(self, line: str, output: str) -> None:
        self.write()
        self.write(self.paint("bold", "$ " + line))
        self.write(output, end="")

    def end(self) -> None:
        self.write()
        directory = shown(self.unit.directory)
        for what, path in (
            ("the unit's log", "unit.log"),
            ("the page", "page.html"),
            ("the unit state", str(self.unit.state_file.relative_to(self.unit.directory))),
            ("the Juju side", "juju/juju.json"),
        ):
            self.write("%-16s%s/%s" % (what, directory, path))
        if self.problems:
            wrong = "%d of %d checks failed" % (len(self.problems), self.checks)
            self.write(self.paint("red", wrong))
        else:
            self.write(self.paint("green", "all %d checks hold" % self.checks))


class JsonReport(Report):
    """For machines: one document at the end."""

    simulate_as = ("--json",)

    def __init__(self, unit: SimulatedUnit) -> None:
        super().__init__(unit)
        self.hooks: list[dict[str, Any]] = []
        self.results: list[dict[str, Any]] = []
        self.simulated: Any = None

    def ran(self, run: HookRun, expected: str, page: str) -> None:
        self.hooks.append(
            {
                "name": run.name,
                "succeeded": run.succeeded,
                "expected": expected,
                "exit_status": run.exit_status,
                "error": run.error,
                "seconds": round(run.duration, 4),
                "cpu_seconds": round(run.cpu, 4),
                "max_rss_kib": run.max_rss,
                "handlers": list(run.handlers),
                "flags_set": list(run.flags_set),
                "flags_cleared": list(run.flags_cleared),
                "tools": [call.tool for call in run.tools],
                "status": {"status": run.status.status, "message": run.status.message},
                "results": None if run.action is None else dict(run.action.results),
                "page": said(page) if page else None,
            }
        )

    def command(self, line: str, output: str) -> None:
        document = json.loads(output)
        self.simulated = {"command": line, "hooks": [hook["name"] for hook in document["hooks"]]}

    def check(self, what: str, good: bool) -> None:
        super().check(what, good)
        self.results.append({"what": what, "good": good})

    def end(self) -> None:
        document = {
            "engine": self.engine,
            "unit": self.unit.name,
            "directory": str(self.unit.directory),
            "hooks": self.hooks,
            "simulated": self.simulated,
            "checks": self.results,
            "good": not self.problems,
        }
        print(json.dumps(document, indent=2))


def short(handler: str) -> str:
    """What of a handler's id tells a reader of this charm which one it is."""
    parts = handler.split(":")
    return parts[2] if len(parts) > 2 else os.path.basename(handler.partition(" ")[0])


def rolled_back(run: HookRun) -> list[str]:
    """What a failed hook told of the changes that were undone."""
    for entry in run.log:
        told = entry.message.partition("\n")[0].partition("; rolled back: ")[2]
        if entry.level == "ERROR" and told:
            return told.split(", ")
    return []


def said(page: str) -> str:
    """The line of the page that says something: its heading."""
    return html.unescape(page.partition("<h1>")[2].partition("</h1>")[0])


def shown(path: Path) -> str:
    """A path as short as it can be from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


if __name__ == "__main__":
    sys.exit(main())
