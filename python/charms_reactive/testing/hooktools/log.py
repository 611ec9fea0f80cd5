"""``juju-log``: a line of the unit's log."""

from __future__ import annotations

from .command import Request, UsageError


def juju_log(request: Request) -> None:
    """Nothing more to do: the line in the record of calls is the message, which ``log_entry`` finds there."""
    if not request.rest:
        raise UsageError("no message specified")
    request.deprecated_format()
