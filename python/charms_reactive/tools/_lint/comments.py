"""What a charm's own files say about rules: comments, and the table of ``pyproject.toml``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from charms_reactive.errors import ReactiveError
from charms_reactive.tools._charm.knowledge import Reading

from .rules import NOTE, RULES, Finding

__all__ = ["Selection", "SettingsError", "chosen", "from_pyproject", "is_ignored"]


class SettingsError(ReactiveError):
    """A setting of the linter makes no sense."""


_COMMENT = re.compile(r"#\s*reactive:\s*ignore(-file)?(?:\[([^\]]*)\])?", re.IGNORECASE)
_NOQA = re.compile(r"#\s*noqa:\s*([A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*)", re.IGNORECASE)


def is_ignored(reading: Reading, finding: Finding) -> bool:
    """Whether a comment in the charm says not to tell of it: on the line, or anywhere for the whole file.

    ``# reactive: ignore[CR101, contradiction]`` on the line; without brackets everything. ``# noqa: CR101``
    is the same. ``# reactive: ignore-file[CR101]`` on any line of the file.
    """
    file = reading.by_path.get(finding.place.file)
    text = file.text if file is not None else reading.declared.files.get(finding.place.file, "")
    if "reactive:" not in text and "noqa" not in text.lower():
        return False
    lines = file.lines if file is not None else text.splitlines()
    for match in _COMMENT.finditer(text):
        if match.group(1) and _names(match.group(2), finding):
            return True
    if not 0 < finding.place.line <= len(lines):
        return False
    line = lines[finding.place.line - 1]
    for match in _COMMENT.finditer(line):
        if not match.group(1) and _names(match.group(2), finding):
            return True
    noqa = _NOQA.search(line)
    return noqa is not None and finding.code in re.split(r"[,\s]+", noqa.group(1).upper())


def _names(inside: Optional[str], finding: Finding) -> bool:
    if inside is None:
        return True
    names = {name.strip().lower() for name in inside.split(",")}
    return bool(names & {finding.code.lower(), RULES[finding.code].name})


class Selection:
    """What was asked for, on the command line or in ``pyproject.toml``.

    Attributes:
        select: codes, beginnings of codes, names, or ``all``: these rules and no others.
        extend: these rules, too.
        ignore: not these.
        notes: whether notes are told.
        juju: the major version of Juju.
        exclude: patterns of files that are not told of.
    """

    def __init__(
        self,
        select: Optional[List[str]] = None,
        extend: Optional[List[str]] = None,
        ignore: Optional[List[str]] = None,
        notes: Optional[bool] = None,
        juju: Optional[int] = None,
        exclude: Optional[List[str]] = None,
    ) -> None:
        self.select: List[str] = [] if select is None else select
        self.extend: List[str] = [] if extend is None else extend
        self.ignore: List[str] = [] if ignore is None else ignore
        self.notes = notes
        self.juju = juju
        self.exclude: List[str] = [] if exclude is None else exclude

    def over(self, below: Selection) -> Selection:
        """This one, with what it does not say taken from another."""
        return Selection(
            self.select or below.select,
            [*below.extend, *self.extend],
            [*below.ignore, *self.ignore],
            below.notes if self.notes is None else self.notes,
            below.juju if self.juju is None else self.juju,
            [*below.exclude, *self.exclude],
        )


def chosen(selection: Selection) -> Tuple[List[str], List[str]]:
    """The codes of the rules that are told, and of those that are only counted.

    Raises:
        SettingsError: there is no such rule.
    """
    every = sorted(RULES)
    told = [code for code in every if RULES[code].level != NOTE or selection.notes]
    # Those of which a version of Juju decides whether they are more than notes.
    told += [
        code for code in every if code.startswith("CR8") and (selection.juju or 3) >= 4 and code not in told
    ]
    if selection.select:
        told = [code for word in selection.select for code in _codes(word)]
    told += [code for word in selection.extend for code in _codes(word)]
    left_out = {code for word in selection.ignore for code in _codes(word)}
    told = [code for code in every if code in set(told) - left_out]
    counted = (
        [] if selection.select else [code for code in every if code not in told and code not in left_out]
    )
    return told, counted


def _codes(word: str) -> List[str]:
    wanted = word.strip()
    if wanted.lower() == "all":
        return sorted(RULES)
    found = [
        code
        for code, rule in RULES.items()
        if rule.name == wanted.lower()
        or (re.fullmatch(r"CR\d{0,3}", wanted.upper()) and code.startswith(wanted.upper()))
    ]
    if not found:
        from charms_reactive.tools._charm.names import nearest

        meant = nearest(wanted, [*RULES, *(rule.name for rule in RULES.values())], 0.6)
        raise SettingsError(
            "there is no rule %r%s"
            % (word, "; did you mean %s?" % meant if meant else "; --rules lists them")
        )
    return sorted(found)


_KEYS = {"select", "extend-select", "ignore", "notes", "juju", "exclude"}


def from_pyproject(root: Path) -> Selection:
    """What ``[tool.charms-reactive.lint]`` says in the charm's ``pyproject.toml``, or that of the directory
    above.

    Raises:
        SettingsError: the file is no TOML, or the table makes no sense.
    """
    for directory in (root, root.parent):
        path = directory / "pyproject.toml"
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if b"charms-reactive" not in data:
            continue
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise SettingsError("%s is not UTF-8, as TOML has to be: %s" % (path, error)) from None
        table = _parsed(text, path).get("tool", {}).get("charms-reactive", {}).get("lint", {})
        return _selection(table, path)
    return Selection()


def _parsed(text: str, path: Path) -> Dict[str, Any]:
    for name in ("tomllib", "tomli", "pip._vendor.tomli"):
        try:
            toml = __import__(name, fromlist=["loads"])
        except ImportError:
            continue
        try:
            return dict(toml.loads(text))
        except toml.TOMLDecodeError as error:
            raise SettingsError("%s is not TOML: %s" % (path, error)) from None
    raise SettingsError("%s cannot be read: this Python has no reader of TOML; install tomli" % path)


def _selection(table: Any, path: Path) -> Selection:
    if not isinstance(table, dict):
        raise SettingsError("%s: tool.charms-reactive.lint is no table" % path)
    for key in table:
        if key not in _KEYS:
            raise SettingsError(
                "%s: tool.charms-reactive.lint has no key %r; it has %s"
                % (path, key, ", ".join(sorted(_KEYS)))
            )
    for key in ("select", "extend-select", "ignore", "exclude"):
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise SettingsError("%s: %s is a list of texts" % (path, key))
    notes, juju = table.get("notes"), table.get("juju")
    if not (notes is None or isinstance(notes, bool)):
        raise SettingsError("%s: notes is true or false" % path)
    return Selection(
        table.get("select", []),
        table.get("extend-select", []),
        table.get("ignore", []),
        notes,
        None if juju is None else major(juju, str(path)),
        table.get("exclude", []),
    )


def major(version: Any, where: str = "--juju") -> int:
    """The major version in ``3.6``, ``"4"`` or 4.

    Raises:
        SettingsError: it is none.
    """
    first = str(version).partition(".")[0]
    if not first.isdigit():
        raise SettingsError("%s: a version of Juju is given as 3.6 or 4, and not as %r" % (where, version))
    return int(first)
