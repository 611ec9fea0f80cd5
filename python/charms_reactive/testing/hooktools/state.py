"""``state-get``, ``state-set``, ``state-delete``: text that Juju keeps for the charm."""

from __future__ import annotations

from .command import RefusedError, Request, pairs, quoted

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Dict

    from .side import Juju

#: In bytes.
LONGEST_KEY = 256
LONGEST_VALUE = 65536


def _now(juju: Juju) -> Dict[str, str]:
    """The state with what this hook has changed."""
    pending = juju["pending"]["state"]
    if not pending:
        there: Dict[str, str] = juju["state"]
        return there
    changed = {**juju["state"], **pending}
    return {key: value for key, value in changed.items() if value is not None}


def state_get(request: Request) -> None:
    """A value, or all of them; empty text for a key that is not there."""
    key = request.first()
    request.done()
    state = _now(request.read())
    if key in ("", "-"):
        # Juju prints the nothing that Go has for an empty mapping.
        request.answer(None if not state and request.option("format") == "json" else state)
    elif key not in state and request.flag("strict"):
        raise RefusedError("%s not found" % quoted(key))
    else:
        request.answer(state.get(key, ""))


def state_set(request: Request) -> None:
    """Values, which are kept if the hook succeeds."""
    given = pairs(request.rest)
    settings: Dict[str, str] = {}
    if request.option("file"):
        settings = request.settings(request.option("file"))
    settings.update(given)
    for key, value in settings.items():
        for what, text, limit in (("key", key, LONGEST_KEY), ("value", value, LONGEST_VALUE)):
            if len(text.encode("utf-8", "surrogateescape")) > limit:
                raise RefusedError("max allowed %s length (%d) exceeded quota limit exceeded" % (what, limit))
    if settings:
        with request.change() as juju:
            juju["pending"]["state"].update(settings)


def state_delete(request: Request) -> None:
    """Take a key away; nothing happens if it is not there."""
    key = request.first()
    request.done()
    if key:
        with request.change() as juju:
            juju["pending"]["state"][key] = None
