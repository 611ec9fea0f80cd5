"""What is written down of an installation: its commands and their output, and one row of the table.

A transcript is a text file: lines of ``field: value``, an empty line, and the commands. The table is made
from the fields, so that it says what the transcripts say. Paths of the machine, times and addresses become
placeholders, so that two runs that went alike read alike.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Sequence, Tuple

__all__ = ["FIELDS", "Failure", "Transcript", "clean", "failed", "read_fields", "table"]

#: The fields of a transcript; all but the first two are columns of the table.
FIELDS = ("name", "date", "way", "Python", "pip", "setuptools", "os-release", "engine", "result", "seconds")

OK = "ok"
FAILED = "FAILED: "


class Failure(Exception):
    """Something that has to hold after an installation does not; the message is one line."""


class Transcript:
    """One installation as it goes on.

    Attributes:
        fields: what is known of it so far, by the names in ``FIELDS``.
        places: what stands for each path of this machine.
    """

    def __init__(self, name: str, way: str, python: str) -> None:
        self.fields: Dict[str, str] = {"name": name, "way": way, "Python": python}
        self.places: Dict[str, str] = {}
        self._lines: List[str] = []
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Add a line that is no command."""
        self._lines.append("# " + text)

    def command(self, words: str, output: str, status: int) -> None:
        """Add a command as a reader would type it, what it printed, and how it ended if not with 0."""
        self._lines.append("$ " + words)
        self._lines.extend(line.rstrip() for line in output.splitlines())
        if status:
            self._lines.append("[exit status %d]" % status)

    def end(self, result: str) -> None:
        self.fields["result"] = result
        self.fields["seconds"] = "%.0f" % (time.monotonic() - self._began)
        self.fields["date"] = time.strftime("%Y-%m-%d")

    def text(self) -> str:
        """The whole file."""
        head = ["%s: %s" % (field, self.fields.get(field, "-")) for field in FIELDS]
        return clean("\n".join(head + [""] + self._lines) + "\n", self.places)

    def write(self, directory: Path) -> None:
        directory.joinpath(self.fields["name"] + ".txt").write_text(self.text(), encoding="utf-8")


#: What differs from run to run, and what a reader sees in its place.
_VARIABLE: Sequence[Tuple[str, str]] = (
    (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
    (r"[^\n]*\r(?!\n)", ""),  # a line of progress that was overwritten
    (r"\b[a-z+]+://[^\s'\")>]+", "<address>"),
    (r"host='[^']*'", "host=<host>"),
    (r"sha256[=:][0-9a-f]{8,}", "sha256=<digest>"),
    (r"\bsize=\d+", "size=<bytes>"),
    (r"/tmp/[\w./+-]+", "<temporary>"),
    (r"\b\d+(\.\d+)? ?(ms|s|seconds)\b(?! to )", "<time>"),
    (r"0x[0-9a-f]{6,}", "<pointer>"),
    (r"(?m)^ *[━╸╺].*\n", ""),  # pip's bars
    (r"(?m)^ .*: (started|still running\.\.\.)\n", ""),
)


def clean(text: str, places: Mapping[str, str]) -> str:
    """The text without what only this machine or this moment has.

    Args:
        places: what stands for each path; the longest path is replaced first.
    """
    for path in sorted(places, key=len, reverse=True):
        text = text.replace(path, places[path])
    for pattern, stand_in in _VARIABLE:
        text = re.sub(pattern, stand_in, text)
    return text


def read_fields(path: Path) -> Dict[str, str]:
    """The fields at the head of a transcript.

    Raises:
        ValueError: it is no transcript; the message names the file.
    """
    head = path.read_text(encoding="utf-8").partition("\n\n")[0]
    fields = dict(line.partition(": ")[::2] for line in head.splitlines())
    missing = [field for field in FIELDS if field not in fields]
    if missing:
        raise ValueError("%s is no transcript: it has no %s" % (path, ", ".join(missing)))
    return fields


def table(rows: Iterable[Mapping[str, str]]) -> str:
    """The rows as a table of Markdown, ordered by way, Python and pip."""
    columns = FIELDS[2:]
    lines = ["| %s |" % " | ".join(columns), "|" + " --- |" * len(columns)]
    for row in sorted(rows, key=_order):
        cells = [row[column].replace("|", "\\|") for column in columns]
        lines.append("| %s |" % " | ".join(cells))
    return "\n".join(lines) + "\n"


def failed(rows: Iterable[Mapping[str, str]]) -> List[str]:
    """The names of the rows for which ``make install-matrix`` has to fail."""
    rows = list(rows)
    names = [row["name"] for row in rows if row["result"].startswith(FAILED)]
    # That an old pip does not start on a new Python is a fact. That it starts on none is something of ours.
    missing = {row["pip"] for row in rows if row["result"].startswith("pip does not start")}
    working = {row["pip"] for row in rows if row["result"] == OK}
    names.extend("pip %s, which starts on no Python" % pip for pip in missing - working)
    return sorted(names)


def _order(row: Mapping[str, str]) -> Tuple[object, ...]:
    return (row["way"], _numbers(row["Python"]), _numbers(row["pip"]), row["name"])


def _numbers(version: str) -> List[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
