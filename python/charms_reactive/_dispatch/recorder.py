"""A record of one hook: what was registered, what changed and what ran, in order.

Made when ``CHARMS_REACTIVE_RECORD`` names a file, which the hook writes when it ends, well or not. It is what
explains afterwards why a handler ran or did not. A relative name is one below the charm directory. The file
has mode 0600, and takes the place of nothing but a regular file; where it cannot be written the log says so
at WARNING, and the hook ends as it would have. It is one JSON document:

========== ==========================================================================================
handlers   for each registered handler, in order: ``id``, ``phases`` in which it may match, ``conditions``
           as pairs of kind (``all``, ``any``, ``none``, ``not_all``) and flags, ``predicates`` in words
events     ``["start", flags]``, ``["phase", name, queued ids]``, ``["iteration", number, queued ids]``,
           ``["invoke", id]``, ``["set", flag]`` and ``["clear", flag]``, as they happened
times      where the hook's time went, in seconds: see :meth:`Recorder.enter`
========== ==========================================================================================
"""

from __future__ import annotations

import json
import os
import resource
import time
from errno import EEXIST

from charms_reactive import trace
from charms_reactive._engine.choice import ALL, ANY, NONE, NOT_ALL
from charms_reactive._juju import environment, juju_log
from charms_reactive._unit_state import unit_state
from charms_reactive.errors import ReactiveError
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
        path: the file to write; it is replaced. A relative one is below the charm directory.
    """

    def __init__(self, path: str) -> None:
        self._path = os.path.join(environment.hookenv.charm_dir() or "", path)
        self._events: List[List[Any]] = []
        # A hook in the process of who asked for it has no times of its own, and is not to pay for them.
        self._timed = receiver is None
        self._spent: Dict[str, float] = {"start": _since_the_process_began()} if self._timed else {}
        self._part, self._since = "discovery", time.perf_counter()
        self._handler: Optional[str] = None
        self._invoked = self._since
        self._handlers: Dict[str, float] = {}

    def start_dispatch(self) -> None:
        self.enter("handlers")
        self._events.append(["start", list(unit_state.unit.fresh().flags())])

    def start_dispatch_phase(self, phase: str, handlers: List[Any]) -> None:
        self._events.append(["phase", phase, [handler.id() for handler in handlers]])

    def start_dispatch_iteration(self, iteration: int, handlers: List[Any]) -> None:
        if iteration:  # the first is the beginning of its phase
            self._events.append(["iteration", iteration, [handler.id() for handler in handlers]])

    def invoke(self, handler: Handler) -> None:
        """A handler is about to be invoked."""
        self._leave_handler()
        self._handler = handler.id()
        self._events.append(["invoke", handler.id()])

    def set_flag(self, flag: str) -> None:
        self._events.append(["set", flag])

    def clear_flag(self, flag: str) -> None:
        self._events.append(["clear", flag])

    def enter(self, part: str) -> None:
        """From now on the time is that of another part of the hook.

        The parts, in order: ``start``, from the beginning of the process to ``main()``, with what is imported
        by then; ``discovery``, the import of the charm's handlers, and ``atstart`` callbacks; ``handlers``,
        the dispatch; ``atexit``, the callbacks of that name; ``commit``. Beside them ``processes`` is the CPU
        time of the processes that the hook has waited for, hook tools above all, ``cpu`` that of its own
        process, and ``by handler`` the time from the invocation of each to that of the next, or to the end of
        the dispatch.
        """
        self._leave_handler()
        now = time.perf_counter()
        self._spent[self._part] = self._spent.get(self._part, 0.0) + now - self._since
        self._part, self._since = part, now

    def _leave_handler(self) -> None:
        if self._handler is not None:
            took = time.perf_counter() - self._invoked
            self._handlers[self._handler] = self._handlers.get(self._handler, 0.0) + took
        self._handler, self._invoked = None, time.perf_counter()

    def _times(self) -> Dict[str, Any]:
        if not self._timed:
            return {}
        self.enter("")
        own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return {
            **self._spent,
            "cpu": own.ru_utime + own.ru_stime,
            "processes": others.ru_utime + others.ru_stime,
            "by handler": self._handlers,
        }

    def write(self) -> None:
        """Write the file, whatever state the hook is in. That it cannot be written is no reason to fail."""
        try:
            document = {
                "handlers": [_described(handler) for handler in Handler.get_handlers()],
                "events": self._events,
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


def _since_the_process_began() -> float:
    """Seconds since this process was started, however often it has become another program since.

    Linux tells it in hundredths of a second. Elsewhere it is the CPU time so far.
    """
    try:
        with open("/proc/self/stat", "rb") as file:
            began = int(file.read().rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began)
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()


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
