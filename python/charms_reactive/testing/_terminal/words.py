"""What a hook has said that nobody should miss: for the command ``simulate`` and for pytest's report."""

from __future__ import annotations

import difflib
import os
import re
from typing import List, Optional, Tuple

import charms_reactive
from charms_reactive.testing._unit.charm import Charm
from charms_reactive.testing._unit.run import HookRun
from charms_reactive.testing._unit.scenario import Outcome

__all__ = ["TRACEBACK", "about_layer", "alarms", "last_words", "without_our_frames"]

#: How Python begins one.
TRACEBACK = "Traceback (most recent call last)"

_MOST_WORDS = 20

_OURS = os.path.join(os.path.dirname(os.path.abspath(charms_reactive.__file__)), "")


def alarms(run: HookRun) -> List[Tuple[str, str]]:
    """The warnings and errors in the log, line by line with their levels; what is said twice in a row, once.

    The framework's own word on a failed hook is not among them: it is told anyway. Messages of one level may
    stand in one entry, and that word is the last of its entry.
    """
    lines: List[Tuple[str, str]] = []
    for entry in run.log:
        if entry.level in ("WARNING", "ERROR", "CRITICAL"):
            told = ("\n" + entry.message).partition("\nHook error")[0].splitlines()[1:]
            for line in without_our_frames(told):
                if lines[-1:] != [(entry.level, line)]:
                    lines.append((entry.level, line))
    return lines


def last_words(run: HookRun) -> List[str]:
    """The last of what a hook wrote to stderr, such as commands of bash handlers and hook tools do.

    Of a hook that failed, what it wrote before its traceback. Nothing if it failed without one: then all of
    stderr is told for the want of it.
    """
    words, found, _ = run.stderr.partition(TRACEBACK)
    if run.succeeded:
        words = run.stderr
    elif not found:
        return []
    lines = words.splitlines()
    left_out = len(lines) - _MOST_WORDS
    return [*(["(%d lines before these)" % left_out] if left_out > 0 else []), *lines[-_MOST_WORDS:]]


def without_our_frames(text: List[str]) -> List[str]:
    """Lines of a text, without those frames of the tracebacks in it that are the framework's."""
    lines: List[str] = []
    skipped = False
    for line in text:
        if line.startswith('  File "'):
            file = line.split('"')[1]
            skipped = file.startswith((_OURS, "<frozen importlib")) or file.endswith("/importlib/__init__.py")
        elif not line.startswith("    "):
            skipped = False
        if not skipped:
            lines.append(line)
    return lines


_NO_LAYER = re.compile(r"Unable to find implementation for relation: (?P<role>\w+) of (?P<interface>\S+)")


def about_layer(line: str, charm: Charm, outcome: Outcome) -> Optional[str]:
    """What to tell in the place of a line of the log that says that an endpoint has no layer.

    A charm may do without one, and then each hook says so. It matters where the endpoint is related, where
    the hook has failed, and where there is a layer of almost this name.

    Returns:
        ``None`` if this is no such line; empty if it tells nobody anything; else the line, and what may have
        been meant.
    """
    found = _NO_LAYER.match(line)
    if found is None:
        return None
    role, interface = found["role"], found["interface"]
    meant = _almost(charm, role, interface)
    concerned = {
        name for name, spec in charm.endpoints.items() if spec.role == role and spec.interface == interface
    }
    related = any(one.endpoint in concerned for one in outcome.given.relations)
    if not (meant or related) and outcome.succeeded:
        return ""
    return line + ("; there is %s: is one of the two misspelt?" % meant if meant else "")


def _almost(charm: Charm, role: str, interface: str) -> str:
    """A file of a layer, relative to the charm, that may have been meant for another; empty for none."""
    for place in ("hooks/relations", "reactive/relations"):
        for path in sorted((charm.directory / place).glob("*/*.py")):
            name = path.stem
            # Another role is no slip of the pen.
            if _alike(path.parent.name, interface) and (
                name == role or (name not in _ROLES and _alike(name, role))
            ):
                return path.relative_to(charm.directory).as_posix()
    return ""


_ROLES = ("requires", "provides", "peers", "__init__")


def _alike(one: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, one, other).ratio() >= 0.8
