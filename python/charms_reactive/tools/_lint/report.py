"""How findings are told: to people, to other programs, to GitHub, and as SARIF."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence, TextIO

from charms_reactive._version import __version__
from charms_reactive.tools._charm.knowledge import Reading

from .rules import NOTE, RULES, Finding

__all__ = ["FORMATS", "Lint", "counted"]


class Lint:
    """What came of a run.

    Attributes:
        reading: of the charm.
        findings: that are told.
        silent: how many more findings there are of rules that are not told.
        ignored: how many findings a comment has taken away.
    """

    def __init__(self, reading: Reading, findings: List[Finding], silent: int, ignored: int) -> None:
        self.reading = reading
        self.findings = findings
        self.silent = silent
        self.ignored = ignored

    @property
    def failed(self) -> bool:
        """Whether there is anything above a note."""
        return any(finding.level != NOTE for finding in self.findings)

    def path(self, file: str) -> str:
        """A file as whoever has called us would write it."""
        path = os.path.join(self.reading.root, file)
        shown = os.path.relpath(path)
        return path if shown.startswith("..") else shown


def sentence(finding: Finding) -> str:
    """The message, with what was meant and what to do."""
    text = finding.message
    if finding.meant:
        # What is old was meant when it was written.
        text += ("; write %s" if finding.code > "CR6" else "; did you mean %s?") % finding.meant
    if finding.advice:
        text += "; %s" % finding.advice
    return text


# -- to people --------------------------------------------------------------------------------------
_COLOURS = {"error": "31;1", "warning": "33;1", "note": "36;1", "bold": "1", "faint": "2"}


def text(lint: Lint, out: TextIO, colour: bool) -> None:
    """A block for each finding: where, which rule, what, and the line with a caret; then a summary."""

    def painted(words: str, kind: str) -> str:
        return "\033[%sm%s\033[0m" % (_COLOURS[kind], words) if colour and words else words

    for finding in lint.findings:
        place = finding.place
        where = lint.path(place.file) + (":%d:%d" % (place.line, place.column) if place.line else "")
        rule = "%s %s" % (finding.code, RULES[finding.code].name)
        out.write("%s: %s: %s\n" % (painted(where, "bold"), painted(rule, finding.level), sentence(finding)))
        line = _line(lint.reading, place.file, place.line)
        if line.strip():
            number = str(place.line)
            # A tab stays one, so that the caret stands below its letter.
            before = "".join("\t" if letter == "\t" else " " for letter in line[: place.column - 1])
            marks = "^" * max(1, min(place.end, len(line) + 1) - place.column)
            edge = painted("%s |" % number, "faint")
            out.write("%s %s\n" % (edge, line))
            if place.end > place.column + 0 and (place.column, place.end) != (1, 1):
                out.write(
                    "%s %s%s\n"
                    % (painted("%s |" % (" " * len(number)), "faint"), before, painted(marks, finding.level))
                )
    for file, reason in sorted(lint.reading.not_loaded.items()):
        out.write("%s: read by its syntax alone: %s\n" % (painted(lint.path(file), "bold"), reason))
    out.write(summary(lint) + "\n")


def counted(number: int, word: str) -> str:
    return "%d %s%s" % (number, word, "" if number == 1 else "s")


def summary(lint: Lint) -> str:
    reading = lint.reading
    levels = [finding.level for finding in lint.findings]
    told = [counted(levels.count(level), level) for level in ("error", "warning", "note") if level in levels]
    what = ", ".join(told) or "nothing found"
    about = "%s, %s" % (counted(len(reading.handlers), "handler"), counted(len(reading.files), "file"))
    more = []
    if lint.silent:
        more.append("%s not shown: --notes" % counted(lint.silent, "note"))
    if lint.ignored:
        more.append("%d ignored by comments" % lint.ignored)
    return "%s: %s (%s)" % (reading.declared.name, what, "; ".join([about, *more]))


def _line(reading: Reading, path: str, number: int) -> str:
    file = reading.by_path.get(path)
    lines = file.lines if file is not None else reading.declared.files.get(path, "").splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""


# -- to programs ------------------------------------------------------------------------------------
def as_json(lint: Lint, out: TextIO, _: bool) -> None:
    """One document: the charm, the findings, and what was not loaded."""
    document = {
        "charm": lint.reading.declared.name,
        "kind": lint.reading.declared.kind,
        "handlers": len(lint.reading.handlers),
        "files": len(lint.reading.files),
        "findings": [
            {
                "code": finding.code,
                "name": RULES[finding.code].name,
                "level": finding.level,
                "file": lint.path(finding.place.file),
                "line": finding.place.line,
                "column": finding.place.column,
                "end_column": finding.place.end,
                "message": finding.message,
                "meant": finding.meant or None,
                "advice": finding.advice or None,
            }
            for finding in lint.findings
        ],
        "not_shown": lint.silent,
        "ignored": lint.ignored,
        "read_by_syntax": {lint.path(file): reason for file, reason in lint.reading.not_loaded.items()},
    }
    import json

    json.dump(document, out, indent=2)
    out.write("\n")


def github(lint: Lint, out: TextIO, _: bool) -> None:
    """Workflow commands, of which GitHub makes annotations."""
    for finding in lint.findings:
        place = finding.place
        parts = ["file=%s" % _escaped(lint.path(place.file), True)]
        if place.line:
            parts += ["line=%d" % place.line, "col=%d" % place.column, "endColumn=%d" % place.end]
        parts.append("title=%s" % _escaped("%s %s" % (finding.code, RULES[finding.code].name), True))
        kind = "notice" if finding.level == NOTE else finding.level
        out.write("::%s %s::%s\n" % (kind, ",".join(parts), _escaped(sentence(finding), False)))


def _escaped(words: str, is_property: bool) -> str:
    for letter, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        words = words.replace(letter, code)
    if is_property:
        words = words.replace(":", "%3A").replace(",", "%2C")
    return words


def sarif(lint: Lint, out: TextIO, _: bool) -> None:
    """A log of SARIF 2.1.0, as code scanning takes it."""
    used = sorted({finding.code for finding in lint.findings})
    rules: List[Dict[str, Any]] = [
        {
            "id": code,
            "name": RULES[code].name,
            "shortDescription": {"text": RULES[code].summary},
            "fullDescription": {"text": RULES[code].text},
            "defaultConfiguration": {"level": RULES[code].level},
        }
        for code in used
    ]
    results = []
    for finding in lint.findings:
        place = finding.place
        location: Dict[str, Any] = {"artifactLocation": {"uri": lint.path(place.file).replace(os.sep, "/")}}
        if place.line:
            location["region"] = {
                "startLine": place.line,
                "startColumn": place.column,
                "endColumn": max(place.end, place.column + 1),
            }
        results.append(
            {
                "ruleId": finding.code,
                "ruleIndex": used.index(finding.code),
                "level": finding.level,
                "message": {"text": sentence(finding)},
                "locations": [{"physicalLocation": location}],
            }
        )
    driver = {"name": "charms.reactive lint", "version": __version__, "rules": rules}
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    import json

    json.dump(document, out, indent=2)
    out.write("\n")


FORMATS = {"text": text, "json": as_json, "github": github, "sarif": sarif}


def explained(code: str) -> str:
    """A rule for people who ask about it."""
    rule = RULES[code]
    return "%s %s (%s)\n%s.\n\n%s\n" % (
        rule.code,
        rule.name,
        rule.level,
        rule.summary.capitalize(),
        rule.text,
    )


def listed(codes: Sequence[str]) -> str:
    width = max(len(RULES[code].name) for code in codes)
    return "".join(
        "%s  %-*s  %-7s  %s\n" % (code, width, RULES[code].name, RULES[code].level, RULES[code].summary)
        for code in codes
    )
