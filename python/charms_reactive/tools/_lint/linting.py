"""A run of the linter: the rules over a reading, less what the charm says not to tell."""

from __future__ import annotations

import fnmatch
from typing import List

from charms_reactive.tools._charm.knowledge import Reading

# Each registers its rules when it is imported.
from . import ageing, code, declared, flags  # noqa: F401
from .comments import Selection, chosen, is_ignored
from .report import Lint
from .rules import NOTE, WARNING, Finding, Settings, find

__all__ = ["lint"]


def lint(reading: Reading, selection: Selection) -> Lint:
    """Run the rules that were chosen.

    Raises:
        SettingsError: a rule is chosen that there is not.
    """
    told, counted = chosen(selection)
    settings = Settings(selection.juju or 3)
    named = (
        set(chosen(Selection(select=[*selection.select, *selection.extend]))[0])
        if (selection.select or selection.extend)
        else set()
    )
    kept: List[Finding] = []
    ignored = 0
    for finding in find(reading, settings, told):
        if any(fnmatch.fnmatch(finding.place.file, pattern) for pattern in selection.exclude):
            continue
        if is_ignored(reading, finding):
            ignored += 1
            continue
        # Whoever asks for a rule by name wants to hear of it.
        if finding.code in named and finding.level == NOTE:
            finding = finding._replace(level=WARNING)
        kept.append(finding)
    silent = sum(
        1
        for finding in find(reading, settings, counted)
        if not is_ignored(reading, finding)
        and not any(fnmatch.fnmatch(finding.place.file, pattern) for pattern in selection.exclude)
    )
    return Lint(reading, kept, silent, ignored)
