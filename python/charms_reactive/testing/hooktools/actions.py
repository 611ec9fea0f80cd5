"""``action-get``, ``action-set``, ``action-log``, ``action-fail``: what an action is told and tells."""

from __future__ import annotations

from .answers import as_read
from .command import RefusedError, Request, UsageError, quoted

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from .side import Juju

#: Results that Juju itself adds.
RESERVED = ("stdout", "stdout-encoding", "stderr", "stderr-encoding")


def _running(juju: Juju) -> Dict[str, Any]:
    """The action that runs; there is none in a hook."""
    action: Optional[Dict[str, Any]] = juju["action"]
    if action is None:
        raise RefusedError("not running an action")
    return action


def action_get(request: Request) -> None:
    """A parameter, found by a path of keys, or all of them."""
    path = request.first()
    request.done()
    found: Any = _running(request.read())["parameters"]
    for key in path.split(".") if path else ():
        found = found.get(key) if isinstance(found, dict) else None
    request.answer(as_read(found))


def action_set(request: Request) -> None:
    """Results, nested by the dots in their keys; a value takes the place of what was nested there."""
    changes: List[Tuple[List[str], str]] = []
    for word in request.rest:
        path, equals, value = word.partition("=")
        if not equals:
            raise UsageError("argument %s must be of the form key...=value" % quoted(word))
        keys = path.split(".")
        for key in keys:
            _check(key)
        changes.append((keys, value))
    with request.change() as juju:
        results = _running(juju)["results"]
        for keys, value in changes:
            place = results
            for key in keys[:-1]:
                if not isinstance(place.get(key), dict):
                    place[key] = {}
                place = place[key]
            place[keys[-1]] = value


def _check(key: str) -> None:
    letters = key.replace("-", "a")
    good = letters.isascii() and letters.isalnum() and letters == letters.lower()
    if not good or key[0] == "-" or key[-1] == "-":
        raise UsageError(
            "key %s must start and end with lowercase alphanumeric, and contain only lowercase alphanumeric, "
            "hyphens and periods" % quoted(key)
        )
    if key in RESERVED:
        raise UsageError("cannot set reserved action key %s" % quoted(key))


def action_fail(request: Request) -> None:
    """The action has failed, which its exit status does not tell."""
    message = (
        request.first() if request.rest else "action failed without reason given, check action for errors"
    )
    request.done()
    with request.change() as juju:
        _running(juju)["failure"] = message


def action_log(request: Request) -> None:
    """A line for whoever waits for the action; sent at once."""
    if not request.rest:
        raise UsageError("no message specified")
    with request.change() as juju:
        _running(juju)["messages"].append(" ".join(request.rest))
