"""A record of one hook: what was registered, what changed and what ran, in order.

Made when ``CHARMS_REACTIVE_RECORD`` names a file, which the hook writes when it ends, well or not. It is what
explains afterwards why a handler ran or did not. The file is one JSON document:

========== ==========================================================================================
handlers   for each registered handler, in order: ``id``, ``phases`` in which it may match, ``conditions``
           as pairs of kind (``all``, ``any``, ``none``, ``not_all``) and flags, ``predicates`` in words
events     ``["start", flags]``, ``["phase", name, queued ids]``, ``["iteration", number, queued ids]``,
           ``["invoke", id]``, ``["set", flag]`` and ``["clear", flag]``, as they happened
========== ==========================================================================================
"""

from __future__ import annotations

import json
import os

from charms_reactive import trace
from charms_reactive._engine.choice import ALL, ANY, NONE, NOT_ALL
from charms_reactive._unit_state import unit_state
from charms_reactive.handlers import PHASE_NAMES, Handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional

__all__ = ["VARIABLE", "Recorder"]

#: The environment variable that asks for a record, and names its file.
VARIABLE = "CHARMS_REACTIVE_RECORD"

#: Is given the record in place of the file, where a hook runs in the process of who asked for it.
receiver: Optional[Callable[[Dict[str, Any]], object]] = None

_KINDS = {ALL: "all", ANY: "any", NONE: "none", NOT_ALL: "not_all"}


class Recorder(trace.NullTracer):
    """Notes what the dispatch does, beside the tracer in use.

    Args:
        path: the file to write; it is replaced.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._events: List[List[Any]] = []

    def start_dispatch(self) -> None:
        self._events.append(["start", list(unit_state.unit.fresh().flags())])

    def start_dispatch_phase(self, phase: str, handlers: List[Any]) -> None:
        self._events.append(["phase", phase, [handler.id() for handler in handlers]])

    def start_dispatch_iteration(self, iteration: int, handlers: List[Any]) -> None:
        if iteration:  # the first is the beginning of its phase
            self._events.append(["iteration", iteration, [handler.id() for handler in handlers]])

    def invoke(self, handler: Handler) -> None:
        """A handler is about to be invoked."""
        self._events.append(["invoke", handler.id()])

    def set_flag(self, flag: str) -> None:
        self._events.append(["set", flag])

    def clear_flag(self, flag: str) -> None:
        self._events.append(["clear", flag])

    def write(self) -> None:
        """Write the file, whatever state the hook is in."""
        document = {
            "handlers": [_described(handler) for handler in Handler.get_handlers()],
            "events": self._events,
        }
        if receiver is not None:
            receiver(document)
            return
        with open(self._path + ".new", "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(json.dumps(document))
        os.replace(self._path + ".new", self._path)


def _described(handler: Handler) -> Dict[str, Any]:
    return {
        "id": handler.id(),
        "phases": [name for phase, name in PHASE_NAMES.items() if handler._phases & phase],
        "conditions": [[_KINDS[kind], list(flags)] for kind, flags in handler._conditions],
        "predicates": [_in_words(predicate) for predicate in handler._predicates],
    }


def _in_words(predicate: Callable[[], Any]) -> str:
    """A predicate as a charm's author wrote it, as far as that can be told."""
    function: Any = getattr(predicate, "func", predicate)  # of a partial
    name = getattr(function, "__name__", type(predicate).__name__)
    arguments: Any = getattr(predicate, "args", ())
    if name == "any_hook":
        return "@hook(%s)" % ", ".join(map(repr, arguments))
    if name == "_is_action":
        return "@action(%s)" % ", ".join(map(repr, arguments))
    if name == "_is_hook":
        return "@%s" % arguments[0].replace("-", "_")
    if name == "_not_done_before":
        return "@only_once"
    watched = getattr(getattr(predicate, "__self__", None), "_filenames", None)
    if watched is not None:
        shown = [name if isinstance(name, str) else getattr(name, "__name__", str(name)) for name in watched]
        return "@when_file_changed(%s)" % ", ".join(map(repr, shown))
    return "the predicate %s()" % getattr(function, "__qualname__", name)
