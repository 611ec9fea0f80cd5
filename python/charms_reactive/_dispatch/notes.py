"""What a hook does, noted as it happens, for those who tell of it afterwards: the memory, a record.

While a hook is noted, ``trace.notes`` is its :class:`Notes`, and whoever does something that is worth a note
tells it there; else it is ``None``, and nobody does anything. A note is a name, a number or a time, and never
a value of a flag, of a relation, of an option or of a secret.
"""

from __future__ import annotations

import os
from time import perf_counter

from charms_reactive import bus, trace
from charms_reactive._juju import hook_tools
from charms_reactive._unit_state import unit_state
from charms_reactive.handlers import Handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

__all__ = ["Notes"]

#: So many events and calls of hook tools are kept of a hook; the others are counted.
MOST = 2000

# Up to so many flags, all that are set are told of; of more only those that handlers wait for.
_FEW = 200

# Of a status message and the like; Juju itself shows less.
_LONGEST = 200


class Notes:
    """What happens in one hook, in order.

    Args:
        whole: note everything, however much it is: for a record that somebody has asked for.
        timed: note where the time goes.

    Attributes:
        events: ``("start", flags)``, ``("phase", name, ids)``, ``("iteration", number, ids)``,
            ``("invoke", id)``, ``("set", flag)``, ``("clear", flag)`` and ``("event", class)``. A change that
            the running handler has not made itself has a third part: ``trigger``, ``child`` for a process
            that the hook has started, or ``outside`` for whoever else has written.
        omitted: how many there were beyond :data:`MOST`.
        ran: id, beginning and duration of each handler that was invoked, in seconds from :attr:`began`.
        tools: the same of each hook tool that was called.
        called: how many there were.
        spent: seconds in each part of the hook; see :meth:`enter`.
        began: when this process did, by ``perf_counter``.
        status: what was said of the unit's status last: its name and the message.
        flags: how many flags were set when the dispatch began.
        partly: of these only those were noted that handlers wait for, because there are very many.
        error: how the hook failed; see :meth:`failed`.
    """

    def __init__(self, whole: bool, timed: bool) -> None:
        self.events: List[Tuple[Any, ...]] = []
        self.omitted = 0
        self.ran: List[List[Any]] = []
        self.tools: List[List[Any]] = []
        self.called = 0
        self.spent: Dict[str, float] = {}
        self.status: Optional[Tuple[str, str]] = None
        self.flags = 0
        self.partly = False
        self.error: Optional[Dict[str, Any]] = None
        self._whole = whole
        self.timed = timed
        self._part = "discovery"
        self._since = self.began = perf_counter()
        if timed:
            self.spent["start"] = start = _since_the_process_began()
            self.began -= start
        self._running = False
        self._dispatched = False
        #: Is told of each handler before it is invoked.
        self.on_invoke: Any = None
        #: The collector to which the hook is sent as a trace; empty for none.
        self.traces_to = ""

    # -- from whom they are heard -------------------------------------------------------------------
    def listen(self) -> None:
        """From now on these are the notes of the hook."""
        trace.take_notes(self)
        hook_tools.tell(self)
        unit_state.unit.on_reload = self.changed_outside

    def end(self, outer: Optional[Notes]) -> None:
        """The hook has ended; go on with those of the hook around it."""
        trace.take_notes(outer)
        hook_tools.tell(outer)
        unit_state.unit.on_reload = None if outer is None else outer.changed_outside

    # -- what they hear ---------------------------------------------------------------------------
    def _note(self, *event: Any) -> None:
        if self._whole or len(self.events) < MOST:
            self.events.append(event)
        else:
            self.omitted += 1

    def dispatch(self) -> None:
        """The dispatch begins, with the flags that are set now."""
        self.enter("handlers")
        self._dispatched = True
        unit = unit_state.unit
        engine = unit.fresh()
        flags: Optional[List[str]] = None
        self.flags = unit.loaded
        if self._whole or unit.loaded <= _FEW:  # else it would take long to ask for them all
            flags = list(engine.flags())
            self.flags = len(flags)
        if flags is None or (len(flags) > _FEW and not self._whole):
            self.partly = True
            flags = sorted(flag for flag in Handler._CONSUMED_FLAGS if engine.is_set(flag))
        self._note("start", flags)

    def queued(self, phase: str, iteration: int, handlers: Sequence[Handler], begins: bool) -> None:
        """A phase begins, or an iteration of one."""
        ids = [handler.id() for handler in handlers]
        if begins:
            self._note("phase", phase, ids)
        else:
            self._note("iteration", iteration, ids)

    def invoke(self, handler: Handler) -> None:
        """A handler is about to be invoked."""
        id = handler.id()
        self._note("invoke", id)
        self._leave_handler()
        if self._whole or len(self.ran) < MOST:
            self.ran.append([id, perf_counter() - self.began, 0.0])
            self._running = True
        if self.on_invoke is not None:
            self.on_invoke(id)

    def changed(self, changes: Sequence[Tuple[str, bool]], by_trigger: bool) -> None:
        """Flags have changed: the first by what runs now, unless a trigger has, the others by triggers."""
        for flag, on in changes:
            if by_trigger:
                self._note("set" if on else "clear", flag, "trigger")
            else:
                self._note("set" if on else "clear", flag)
                by_trigger = True

    def changed_by_child(self, changes: Sequence[Tuple[str, bool]]) -> None:
        """A process that the hook has started and waited for has changed flags."""
        for flag, on in changes:
            self._note("set" if on else "clear", flag, "child")

    def changed_outside(self, changes: Sequence[Tuple[str, bool]]) -> None:
        """The rows of flags are others: another process has written, or the charm past the framework."""
        if self._dispatched:  # what was before the dispatch is in the flags that it starts with
            for flag, on in changes:
                self._note("set" if on else "clear", flag, "outside")

    @property
    def whole(self) -> bool:
        """Whether everything is noted, however much it is."""
        return self._whole

    def event(self, name: str, detail: Optional[Dict[str, Any]] = None) -> None:
        """An event of this class is emitted.

        Args:
            name: of the class.
            detail: its ``attributes`` by name, its ``origin`` in words, and ``handlers``, each with its
                outcome, as far as they have run.
        """
        self._note("event", name, *([] if detail is None else [detail]))

    def tool(self, command: Any, began: float) -> None:
        """A hook tool was called, at that moment, and has answered.

        Args:
            command: its words. All but the name of the tool is forgotten, except for the unit's status, which
                Juju shows to everybody.
            began: by ``perf_counter``.
        """
        self.called += 1
        if not isinstance(command, (list, tuple)) or not command:
            return
        name = str(command[0])
        if self._whole or len(self.tools) < MOST:
            self.tools.append([name, began - self.began, perf_counter() - began])
        if name == "status-set" and "--application" not in command:
            words = [str(word) for word in command[1:] if not str(word).startswith("--application")]
            if words:
                self.status = words[0], (words[1] if len(words) > 1 else "")[:_LONGEST]

    def failed(self, error: BaseException, undone: Optional[Sequence[Tuple[str, bool]]]) -> None:
        """The hook has failed.

        Args:
            error: with which exception. Its text may hold a value, and is noted only of errors of the
                framework's own, without that of the charm's exceptions that they tell of.
            undone: the flags that went back to what they were; ``None`` if they could not.
        """
        from charms_reactive._errors import ReactiveError  # a hook that succeeds has no use for it

        handler = bus.current_handler()
        self.error = {
            "type": type(error).__name__,
            "handler": handler.id() if handler is not None else None,
            "where": _where(error),
            "undone": None if undone is None else [list(change) for change in undone],
        }
        if isinstance(error, ReactiveError):
            self.error["text"] = _text(error)[: 5 * _LONGEST]
        elif isinstance(error, SystemExit):
            self.error["text"] = "exit status %s" % (error.code if isinstance(error.code, int) else 1)

    def enter(self, part: str) -> None:
        """From now on the time is that of another part of the hook.

        The parts, in order: ``start``, from the beginning of the process to ``main()``, with what is imported
        by then; ``discovery``, the import of the charm's handlers, and ``atstart`` callbacks; ``handlers``,
        the dispatch; ``atexit``, the callbacks of that name; ``commit``. A handler's time is that from its
        invocation to that of the next, or to the end of the dispatch.
        """
        self._leave_handler()
        now = perf_counter()
        self.spent[self._part] = self.spent.get(self._part, 0.0) + now - self._since
        self._part, self._since = part, now

    def _leave_handler(self) -> None:
        if self._running:
            last = self.ran[-1]
            last[2] = perf_counter() - self.began - last[1]
            self._running = False


def _since_the_process_began() -> float:
    """Seconds since this process was started, however often it has become another program since.

    Linux tells it in hundredths of a second. Elsewhere it is the CPU time so far.
    """
    import time

    try:
        with open("/proc/self/stat", "rb") as file:
            began = int(file.read().rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began)
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()


# What these say is Python's own: names, files and lines.
_OF_PYTHON = (ImportError, SyntaxError, NameError, AttributeError)


def _text(error: BaseException) -> str:
    """The text of an error of ours, without that of an exception of the charm's that it tells of."""
    from charms_reactive._errors import ReactiveError, in_words

    text = str(error)
    cause = error.__cause__
    for _ in range(10):
        if cause is None:
            break
        if not isinstance(cause, (ReactiveError, *_OF_PYTHON)):
            text = text.replace(in_words(cause), type(cause).__name__)
        cause = cause.__cause__
    return text


def _where(error: BaseException) -> Optional[str]:
    """File and line of the charm's code in which an exception was raised, or that has called what did."""
    from charms_reactive._juju import environment

    base = environment.hookenv.charm_dir()
    found = None
    traceback = error.__traceback__
    while isinstance(base, str) and base and traceback is not None:
        path = os.path.abspath(traceback.tb_frame.f_code.co_filename)
        if path.startswith(os.path.abspath(base) + os.sep):
            found = "%s:%d" % (os.path.relpath(path, base), traceback.tb_lineno)
        traceback = traceback.tb_next
    return found
