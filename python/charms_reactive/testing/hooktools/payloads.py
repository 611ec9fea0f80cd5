"""``payload-*``: what the charm runs that Juju knows nothing of, told at once."""

from __future__ import annotations

from .command import RefusedError, Request, UsageError, quoted

STATUSES = ("running", "starting", "stopped", "stopping")


def _arguments(request: Request, count: int) -> None:
    if len(request.rest) < count:
        raise UsageError("missing required arguments")


def payload_register(request: Request) -> None:
    """A payload runs, of a class that the charm declares."""
    _arguments(request, 3)
    kind, name, identity = request.rest[:3]
    with request.change() as juju:
        declared = juju["payload-classes"].get(name)
        if declared is None:
            raise RefusedError("payload %s not found in metadata.yaml" % quoted(name))
        if declared != kind:
            raise RefusedError(
                "incorrect type %s for payload %s, expected %s"
                % (quoted(kind), quoted(name), quoted(declared))
            )
        if not identity:
            raise RefusedError("missing ID not valid")
        juju["payloads"]["%s/%s" % (name, identity)] = {
            "class": name,
            "id": identity,
            "labels": list(request.rest[3:]),
            "status": "running",
            "type": kind,
        }


def payload_status_set(request: Request) -> None:
    """The status of a payload."""
    _arguments(request, 3)
    name, identity, status = request.first(), request.first(), request.first()
    request.done()
    if status not in STATUSES:
        raise RefusedError(
            "status %s not supported; expected one of [%s]"
            % (quoted(status), ", ".join([quoted(known) for known in STATUSES]))
        )
    with request.change() as juju:
        payload = juju["payloads"].get("%s/%s" % (name, identity))
        if payload is None:
            raise RefusedError("payload not found")
        payload["status"] = status


def payload_unregister(request: Request) -> None:
    """A payload is no more; nothing happens if it never was."""
    _arguments(request, 2)
    name, identity = request.first(), request.first()
    request.done()
    with request.change() as juju:
        juju["payloads"].pop("%s/%s" % (name, identity), None)
