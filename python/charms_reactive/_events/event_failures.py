"""What becomes of an exception of a handler of events: it is logged, and counts where that is wanted."""

from __future__ import annotations

import sys

from charms_reactive import bus
from charms_reactive._errors import ReactiveError
from charms_reactive._juju import juju_log, settings

from . import event_registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .event_registry import Registry

__all__ = ["count", "log", "name_of", "report"]


def count(registry: Registry, error: Exception, words: str) -> None:
    """Note an exception where it is to fail the hook, or the emission that it was part of."""
    if _fails():
        failures = registry.failures if bus.event_failures is None else bus.event_failures
        failures.append((error, words))


def report(what: str, error: Exception) -> None:
    """Log an exception of something that is called as handlers are, and count it as one of theirs."""
    count(event_registry.in_use, error, log(lambda: what, error))


def name_of(handler: Any) -> str:
    """A handler of events, as the log has it."""
    from charms_reactive.handlers import _short_action_id

    return _short_action_id(getattr(handler, "__func__", handler))


def _fails() -> bool:
    try:
        return settings.event_errors_fail()
    except ReactiveError:  # Juju does not tell whether strict mode is on
        return False


def log(what: Callable[[], str], error: Exception) -> str:
    """Log an exception at ERROR, wherever this process runs; returns what it is, in a line."""
    import traceback  # only those who fail need it

    shown = error.__traceback__
    if shown is not None and shown.tb_next is not None:
        shown = shown.tb_next  # the first frame is ours
    trace = "".join(traceback.format_exception(type(error), error, shown)).rstrip()
    try:
        head = "%s: %s: %s" % (what(), type(error).__name__, error)
    except Exception:  # noqa: BLE001 -- whatever cannot be named must not stop the others either
        head = "an event handler failed: %s" % type(error).__name__
    message = "%s\n%s" % (head, trace)
    try:
        juju_log.log(message, juju_log.ERROR)
        juju_log.hand_over()
    except Exception as failure:  # noqa: BLE001 -- the log is gone, and the other handlers are not
        print("ERROR: %s\n(%s)" % (message, failure), file=sys.stderr)
    return head
