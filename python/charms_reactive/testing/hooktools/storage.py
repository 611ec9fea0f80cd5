"""Storage and resources: what is attached to the unit, and the files that came with the charm."""

from __future__ import annotations

import re

from .command import RefusedError, Request, UsageError, quoted
from .juju_side import numbers

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Dict, Tuple

    from .side import Juju

# As juju/names has it.
_STORAGE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*/(?:0|[1-9][0-9]*)")


def _order(identity: str) -> Tuple[str, int]:
    name, _, index = identity.rpartition("/")
    return name, int(index)


def storage_list(request: Request) -> None:
    """The ids of the storages that are attached, of one name if that is asked."""
    name = request.first()
    request.done()
    storages = request.read()["storages"]
    request.answer(sorted([one for one in storages if not name or _order(one)[0] == name], key=_order))


def wrong_id(juju: Juju, given: str) -> str:
    """What is wrong with the id of a storage; empty if there is such a storage."""
    if not _STORAGE.fullmatch(given):
        return "invalid storage ID %s" % quoted(given)
    return "" if given in juju["storages"] else "storage not found"


def storage_get(request: Request) -> None:
    """Kind and location of a storage; in a storage hook, of the one that it is about."""
    juju = request.read()
    identity = juju["hook"].get("storage-id") or request.environ.get("JUJU_STORAGE_ID", "")
    identity = request.option("s", identity)
    if not identity:
        raise UsageError("no storage instance specified")
    key = request.first()
    request.done()
    storage = juju["storages"].get(identity)
    if storage is None:
        raise RefusedError("storage %s not found" % quoted(identity))
    shown = {"kind": storage["kind"], "location": storage["location"]}
    if not key:
        request.answer(shown)
    elif key in shown:
        request.answer(shown[key])
    else:
        raise RefusedError("invalid storage attribute %s" % quoted(key))


def storage_add(request: Request) -> None:
    """Ask for more storage of a name that the charm declares; Juju provides it after the hook."""
    if not request.rest:
        raise UsageError("storage add requires a storage directive")
    counts: Dict[str, int] = {}
    called = "directives" if numbers(request.read()["juju-version"]) >= (4,) else "constraints"
    for word in request.rest:
        name, equals, count = word.partition("=")
        if not name or "=" in count:
            raise UsageError('expected "name=%s" or "name", got %s' % (called, quoted(word)))
        if name in counts:
            raise UsageError("storage %s specified more than once" % quoted(name))
        counts[name] = _count(name, count, called) if equals else 1
    with request.change() as juju:
        for name, wanted in counts.items():
            _check_count(juju, name, wanted)
        pending = juju["pending"]["storage"]
        for name, wanted in counts.items():
            pending[name] = pending.get(name, 0) + wanted


def _count(name: str, text: str, called: str) -> int:
    """The number of instances that a directive asks for; nothing else may stand there."""
    what = "cannot parse %s for storage %s: " % (called, quoted(name))
    if not text:
        raise UsageError(what + "storage %s require at least one field to be specified" % called)
    if not text.lstrip("-").isdigit():
        raise UsageError("only count can be specified for %s" % quoted(name))
    if int(text) < 1:
        raise UsageError(what + "cannot parse count: count must be greater than zero, got %s" % quoted(text))
    return int(text)


def _check_count(juju: Juju, name: str, wanted: int) -> None:
    """Refuse what the charm does not declare. Juju finds that out when the hook has ended, and fails it."""
    spec = juju["storage-specs"].get(name)
    if spec is None:
        raise RefusedError("charm storage %s not found" % quoted(name))
    there = len([one for one in juju["storages"] if _order(one)[0] == name])
    there += juju["storage-requested"].get(name, 0) + juju["pending"]["storage"].get(name, 0)
    most = spec["maximum"]
    what = "adding storage %s: " % quoted(name)
    if most == 1 and spec["minimum"] == 1:
        raise RefusedError(what + "storage is singular, %d specified" % (there + wanted))
    if most is not None and there + wanted > most:
        raise RefusedError(what + "at most %d instances supported, %d specified" % (most, there + wanted))


def resource_get(request: Request) -> None:
    """The path of a resource's file, with no newline."""
    if not request.rest:
        raise UsageError("missing required resource name")
    name = request.first()
    request.done()
    path = request.read()["resources"].get(name)
    if path is None:
        raise RefusedError("could not download resource: resource#%s not found" % name)
    request.output.append(path)
