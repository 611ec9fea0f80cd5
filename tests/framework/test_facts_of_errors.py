"""What an error knows, it tells by the attributes that its docstring names: for whoever catches it."""

from __future__ import annotations

import inspect
import re
from typing import Any, Dict, List, Tuple

import pytest

from charms_reactive import errors

pytestmark = pytest.mark.once

#: Something for each kind of parameter; no two alike.
GIVEN: Dict[str, Any] = {
    "TriggerCycleError.steps": (("first", True), ("second", False)),
    "fields": {"size": 3},
    "line": 17,
    "returncode": 4,
    "count": 5,
    "cmd": ["config-get", "port"],
    "known": ("size", "weight"),
    "failures": ("a.py:1:f: ValueError",),
    "steps": ("first", "second"),
    "FlagNameError.reason": "why",
    "reason": ValueError("why"),
    "status": None,
}


def facts(kind: type) -> List[str]:
    """The attributes that the docstring of an error's own class names."""
    told = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    return re.findall(r"^ {4}(\w+):", told, re.M)


KINDS: List[Tuple[str, type]] = [
    (name, getattr(errors, name)) for name in errors.__all__ if facts(getattr(errors, name))
]


@pytest.mark.parametrize(("name", "kind"), KINDS, ids=[name for name, _ in KINDS])
def test_an_error_keeps_what_it_was_told(name: str, kind: type) -> None:
    parameters = list(inspect.signature(kind).parameters)
    given = {one: GIVEN.get("%s.%s" % (name, one), GIVEN.get(one, "the " + one)) for one in parameters}
    error = kind(**given)
    for fact in facts(kind):
        kept = getattr(error, fact)
        assert fact not in given or kept == given[fact], "%s.%s is %r" % (name, fact, kept)
    assert str(error), "an error without a word"


def test_most_errors_have_something_to_tell() -> None:
    assert len(KINDS) > 20
