"""Tracing: who is told what the dispatch does, and the tracer that writes it to Juju's log."""

from __future__ import annotations

from ._alias import on_demand
from ._juju import juju_log, settings
from ._juju.environment import hookenv
from ._unit_state import unit_state
from .handlers import handler_by_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Set

__all__ = ["LogTracer", "NullTracer", "install_tracer", "tracer"]


class NullTracer:
    """Is told everything and says nothing; the base of other tracers.

    The default, unless the log setting is ``trace``. What a tracer does must not change flags.
    """

    def start_dispatch(self) -> None:
        """A dispatch begins."""

    def start_dispatch_phase(self, phase: str, handlers: List[Any]) -> None:
        """A phase begins.

        Args:
            phase: ``hooks``, ``restricted`` or ``other``.
            handlers: the :class:`~charms.reactive.bus.Handler` objects that are queued, in order.
        """

    def start_dispatch_iteration(self, iteration: int, handlers: List[Any]) -> None:
        """An iteration of phase ``other`` begins.

        Args:
            iteration: counted from 0.
            handlers: those that are queued, in order.
        """

    def set_flag(self, flag: str) -> None:
        """A flag was set that was not set before."""

    def clear_flag(self, flag: str) -> None:
        """A flag was cleared that was set."""


class LogTracer(NullTracer):
    """Tells the flags at start, the handlers queued, and what each flag change does to the queue.

    It asks the engine and nothing else: no predicate is evaluated and no handler started for it.
    """

    LEVEL = juju_log.DEBUG

    def __init__(self) -> None:
        # Ids of handlers queued now, or in the next iteration as far as it is known.
        self._coming: Set[int] = set()

    def start_dispatch(self) -> None:
        flags = unit_state.unit.fresh().flags()
        lines = ["starting handler dispatch, %d flags set" % len(flags)]
        self._tell(lines + ["set flag %s" % flag for flag in flags])

    def start_dispatch_phase(self, phase: str, handlers: List[Any]) -> None:
        self._coming = set(unit_state.unit.engine.queue())
        title = "main dispatch loop" if phase == "other" else "%s phase" % phase
        self._tell(
            ["%s, %d handlers queued" % (title, len(handlers))]
            + ["++   queue handler %s" % handler.id() for handler in handlers]
        )

    def start_dispatch_iteration(self, iteration: int, handlers: List[Any]) -> None:
        self._coming = set(unit_state.unit.engine.queue())
        if iteration > 0:  # iteration 0 was told as the beginning of its phase
            self._tell(
                ["iteration %d, %d handlers queued" % (iteration, len(handlers))]
                + ["++   queue handler %s" % handler.id() for handler in handlers]
            )

    def set_flag(self, flag: str) -> None:
        self._change("set flag %s" % flag, flag)

    def clear_flag(self, flag: str) -> None:
        self._change("cleared flag %s" % flag, flag)

    def _change(self, what: str, flag: str) -> None:
        lines = [what]
        for number, ready in unit_state.unit.engine.dependents(flag):
            handler = handler_by_number(number)
            if ready == (number in self._coming):
                continue
            if ready:
                self._coming.add(number)
                lines.append("++   queue handler %s" % handler.id())
            else:
                self._coming.discard(number)
                lines.append("-- dequeue handler %s" % handler.id())
        self._tell(lines)

    def _tell(self, lines: List[str]) -> None:
        prefixed = ["tracer: %s" % line for line in lines]
        if len(prefixed) > 1:
            prefixed.insert(0, "tracer>")
        juju_log.log("\n".join(prefixed), self.LEVEL)


_tracer: NullTracer = NullTracer()
_installed_by_charm = False

#: The notes of the hook that runs, a ``_dispatch.notes.Notes``; ``None`` while nobody wants any.
notes: Any = None


def install_tracer(tracer: NullTracer) -> None:
    """Tell this tracer from now on, to the end of the hook.

    Args:
        tracer: a :class:`NullTracer` or anything with its methods. What a charm installs is obeyed,
            whatever the log setting says.
    """
    global _tracer, _installed_by_charm
    _tracer = tracer
    _installed_by_charm = True
    # What layers take down when the hook ends is of no interest to anybody.
    hookenv.atexit(_install_quietly, NullTracer())


def _install_quietly(tracer: NullTracer) -> None:
    global _tracer, _installed_by_charm, traced, told
    _tracer = tracer
    _installed_by_charm = False
    traced = type(tracer) is not NullTracer
    told = traced or watched > 0 or notes is not None


#: Whether the tracer in use tells anything; how many listeners of events there are; whether anybody is told
#: of emissions at all.
traced = False
watched = 0
told = False


def watch(more: int) -> None:
    """So many more listeners want to be told of emissions."""
    global watched, told
    watched = max(0, watched + more)
    told = traced or watched > 0 or notes is not None


def take_notes(by: Any) -> None:
    """Let these be the notes of the hook; ``None``: nobody takes any."""
    global notes, told
    notes = by
    told = traced or watched > 0 or notes is not None


def tracer() -> NullTracer:
    """The tracer in use."""
    return _tracer


def _install_default(setting: Optional[str] = None) -> None:
    """Choose the tracer by the log setting, unless the charm has chosen already."""
    if not _installed_by_charm and (setting or settings.log_setting()) == "trace":
        _install_quietly(LogTracer())
        hookenv.atexit(_install_quietly, NullTracer())
    juju_log.hand_over()


hookenv.atstart(_install_default)

if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), {}, old=True)
