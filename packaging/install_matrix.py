"""Installs the distribution in every way that matters on every CPython at hand: ``make install-matrix``.

    install_matrix.py             everything but other systems; the results go into .cache/install-matrix
    install_matrix.py --quick     the oldest and the newest Python
    install_matrix.py --systems ubuntu:focal debian:sid
                                  only these systems, made with debootstrap; needs root
    install_matrix.py --record    also write packaging/transcripts and packaging/INSTALL-MATRIX.md

It prints a table, and exits with 1 if any installation failed. Wheelhouses, pips and wheels of dependencies
are fetched with pip first and kept in .cache/install-matrix; the installations have no network.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterable, List, Sequence

from matrix import systems, ways
from matrix.room import ROOT
from matrix.supplies import OLD_PIPS, Supplies
from matrix.transcript import Failure, failed, read_fields, table
from matrix.ways import Python, Row

CACHE = ROOT / ".cache" / "install-matrix"
TRANSCRIPTS = ROOT / "packaging" / "transcripts"
PAGE = ROOT / "packaging" / "INSTALL-MATRIX.md"

HEAD = """\
# The installations, as last recorded

`make install-matrix RECORD=1` writes this page and, for each row, the file in [transcripts](transcripts) with
its commands and what they printed. [install_matrix.py](install_matrix.py) says how to run it.

"""

WHO = "import sys; print(sys.implementation.name, '.'.join(map(str, sys.version_info[:3])))"


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    # What is started in the background inherits that it is not to be interrupted; tests of commands are to.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    transcripts = options.cache / "transcripts"
    if not options.keep:
        shutil.rmtree(str(transcripts), ignore_errors=True)
    transcripts.mkdir(parents=True, exist_ok=True)
    supplies = Supplies(options.cache)
    try:
        supplies.build()
        if options.systems:
            rows = list(systems.rows(supplies, options.systems, pythons()))
            results = run([rows], options, transcripts)
        else:
            results = run(plan(supplies, pythons(), options.quick), options, transcripts)
    except Failure as failure:
        print("error: %s" % failure, file=sys.stderr)
        return 1
    if options.record:
        record(transcripts)
    print("\n" + table(results))
    return verdict(results)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--quick", action="store_true", help="only the oldest and the newest Python")
    parser.add_argument("--systems", nargs="+", metavar="SYSTEM:RELEASE", default=[])
    parser.add_argument("--record", action="store_true", help="write the results into the repository")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rows with this in their name")
    parser.add_argument("--keep", action="store_true", help="keep the transcripts of the run before")
    parser.add_argument("--jobs", type=int, default=2, help="installations at a time (default: 2)")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIRECTORY", help="where all is kept")
    return parser.parse_args(arguments)


def pythons() -> List[Python]:
    """Every CPython from 3.8 on of pyenv and of PATH, one of each minor version, the oldest first."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [str(path) for path in root.glob("versions/*/bin/python")] + [sys.executable]
    candidates += [path for minor in range(8, 30) for path in [shutil.which("python3.%d" % minor)] if path]
    found: Dict[str, Python] = {}
    for path in candidates:
        answer = subprocess.run(
            [path, "-c", WHO], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
        implementation, _, version = answer.stdout.decode().strip().partition(" ")
        if implementation == "cpython" and tuple(map(int, version.split(".")[:2])) >= (3, 8):
            python = Python(path, version)
            found.setdefault(python.minor, python)
    return sorted(found.values(), key=lambda python: tuple(map(int, python.version.split("."))))


def plan(supplies: Supplies, found: List[Python], quick: bool) -> List[List[Row]]:
    """The rows, in steps: all of one step are made before the next begins."""
    if not found:
        raise Failure("there is no CPython from 3.8 on here")
    if quick:
        found = found[:1] + found[1:][-1:]
    wheelhouses: List[Row] = []
    rows: List[Row] = []
    for python in found:
        wheelhouses += ways.wheelhouse_rows(supplies, python, fresh=not quick)
        oldest = python is found[0]
        pips = [*OLD_PIPS, "newest"]
        if quick:
            pips = pips[:-1] if oldest else pips[-1:]
        rows += ways.sdist_rows(supplies, python, pips, quick)
        if not quick or oldest:
            rows += ways.bootstrap_rows(supplies, python, quick)
        rows += ways.wheel_rows(supplies, python)
    if not quick:
        rows += ways.build_rows(supplies, found[-1])
    return [wheelhouses, rows]


def run(steps: Iterable[List[Row]], options: argparse.Namespace, transcripts: Path) -> List[Dict[str, str]]:
    """Make the installations; the fields of each."""
    results: List[Dict[str, str]] = []
    for rows in steps:
        wanted = [row for row in rows if options.only in row.name]

        def one(row: Row) -> Dict[str, str]:
            fields = row.run(options.cache / "rooms", transcripts).fields
            print("%-32s %5s s  %s" % (row.name, fields["seconds"], fields["result"]), flush=True)
            return read_fields(transcripts / (row.name + ".txt"))

        with ThreadPoolExecutor(options.jobs) as pool:
            results += pool.map(one, wanted)
    if not results:
        raise Failure("no installation has %r in its name" % options.only)
    return results


def record(transcripts: Path) -> None:
    """Put these transcripts into the repository, beside those of other rows there, and write the page."""
    TRANSCRIPTS.mkdir(exist_ok=True)
    for path in sorted(transcripts.glob("*.txt")):
        shutil.copy(str(path), str(TRANSCRIPTS))
    PAGE.write_text(page(TRANSCRIPTS), encoding="utf-8")


def page(transcripts: Path) -> str:
    rows = [read_fields(path) for path in sorted(transcripts.glob("*.txt"))]
    dates = sorted({row["date"] for row in rows})
    return "%sRecorded on %s.\n\n%s" % (HEAD, " to ".join(sorted({dates[0], dates[-1]})), table(rows))


def verdict(results: Sequence[Dict[str, str]]) -> int:
    """The exit status, after naming what failed."""
    names = failed(results)
    for name in names:
        print("failed: %s" % name, file=sys.stderr)
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
