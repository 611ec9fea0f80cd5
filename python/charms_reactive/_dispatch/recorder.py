"""A record of one hook: what was registered, what changed and what ran, in order.

Made when ``CHARMS_REACTIVE_RECORD`` names a file, which the hook writes when it ends, well or not. It is what
explains afterwards why a handler ran or did not. A relative name is one below the charm directory. The file
has mode 0600, and takes the place of nothing but a regular file; where it cannot be written the log says so
at WARNING, and the hook ends as it would have. It is one JSON document:

========== ==========================================================================================
handlers   for each registered handler, in order: ``id``, ``phases`` in which it may match, ``conditions``
           as pairs of kind (``all``, ``any``, ``none``, ``not_all``) and flags, ``predicates`` in words; of
           one that hears of edges, ``edges`` as pairs of flag and whether it is set, and ``heard``, those
           of them that are so and of which it had heard when the hook ended
events     what happened, in order: see :attr:`Notes.events <charms_reactive._dispatch.notes.Notes>`
times      where the hook's time went, in seconds: each part of it (see ``Notes.enter``); ``processes``, the
           CPU time of the processes that the hook has waited for, hook tools above all; ``cpu``, that of its
           own process; ``by handler``
========== ==========================================================================================
"""

from __future__ import annotations

import json
import os
import resource
from errno import EEXIST

from charms_reactive._juju import environment, juju_log
from charms_reactive._unit_state import unit_state
from charms_reactive.errors import ReactiveError
from charms_reactive.handlers import PHASE_NAMES, Handler

from .memory import KINDS, in_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional

    from .notes import Notes

__all__ = ["VARIABLE", "Recorder"]

#: The environment variable that asks for a record, and names its file.
VARIABLE = "CHARMS_REACTIVE_RECORD"

#: Is given the record in place of the file, where a hook runs in the process of who asked for it.
receiver: Optional[Callable[[Dict[str, Any]], object]] = None


class Recorder:
    """Writes the notes of a hook to a file.

    Args:
        path: the file to write; it is replaced. A relative one is below the charm directory.
        notes: of the hook.
    """

    def __init__(self, path: str, notes: Notes) -> None:
        self._path = os.path.join(environment.hookenv.charm_dir() or "", path)
        self._notes = notes

    def _times(self) -> Dict[str, Any]:
        notes = self._notes
        if not notes.timed:  # a hook in the process of who asked for it has no times of its own
            return {}
        notes.enter("")
        own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        by_handler: Dict[str, float] = {}
        for id, _, seconds in notes.ran:
            by_handler[id] = by_handler.get(id, 0.0) + seconds
        return {
            **notes.spent,
            "cpu": own.ru_utime + own.ru_stime,
            "processes": others.ru_utime + others.ru_stime,
            "by handler": by_handler,
        }

    def write(self) -> None:
        """Write the file, whatever state the hook is in. That it cannot be written is no reason to fail."""
        try:
            document = {
                "handlers": [_described(handler) for handler in Handler.get_handlers()],
                "events": [list(event) for event in self._notes.events],
                "times": self._times(),
            }
            if receiver is None:
                _write(self._path, json.dumps(document))
        except Exception as error:  # noqa: BLE001 -- the hook has ended: nobody could do anything about it
            reason = getattr(error, "strerror", None) or "%s: %s" % (type(error).__name__, error)
            message = "cannot write the record of this hook to %s, which %s names: %s"
            juju_log.log(message % (self._path, VARIABLE, reason), juju_log.WARNING)
            try:
                juju_log.hand_over()
            except ReactiveError:
                pass  # the log is gone, too
            return
        if receiver is not None:
            receiver(document)


def _write(path: str, text: str) -> None:
    """Write a file that nobody else can read, without following a link that somebody has put there.

    Raises:
        OSError: it cannot be written, or something else than a file has its name.
    """
    import stat
    import tempfile

    directory, name = os.path.split(path)
    try:
        there = os.lstat(path).st_mode
    except FileNotFoundError:
        pass
    else:
        if not stat.S_ISREG(there):
            raise FileExistsError(EEXIST, "something that is no regular file has this name")
    # A new name that nobody could have foreseen, made with mode 0600.
    descriptor, unfinished = tempfile.mkstemp(prefix=".%s." % name, dir=directory or ".")
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise


def _described(handler: Handler) -> Dict[str, Any]:
    """A handler as a record has it."""
    edges: Dict[str, Any] = {}
    if handler._edges:
        heard = [] if handler._number is None else unit_state.unit.engine.heard(handler._number)
        edges = {"edges": handler._edges, "heard": heard}
    return {
        **edges,
        "id": handler.id(),
        "phases": [name for phase, name in PHASE_NAMES.items() if handler._phases & phase],
        "conditions": [[KINDS[kind], list(flags)] for kind, flags in handler._conditions],
        "predicates": [in_words(predicate) for predicate in handler._predicates],
    }
