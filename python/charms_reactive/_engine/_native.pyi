"""The engine's interface, written down once.

``_engine._native`` (Rust) and ``_engine.pure`` (Python) both offer exactly this;
``mypy.stubtest`` checks the first against this file and the tests check the second.

The engine knows names, sets and order, and nothing else: no Juju, no files, no clock, no user code.
It never calls back. It hands out one step at a time and is told what came of it, so whatever drives
it may change flags, add triggers or add handlers between any two calls.
"""

from typing import Final, List, Optional, Sequence, Tuple, final

__version__: str

# Kinds of condition. A condition holds over the flags it names; no flags at all is legal.
ALL: Final = 0
ANY: Final = 1
NONE: Final = 2
NOT_ALL: Final = 3

# Phases, as bits: a handler may be confined to some of them.
HOOKS: Final = 1
OTHER: Final = 2
RESTRICTED: Final = 4

# Effects of a change.
SET: Final = 0
CLEAR: Final = 1
CALL: Final = 2

# Steps of a dispatch.
BEGIN: Final = 0
TEST: Final = 1
QUEUED: Final = 2
INVOKE: Final = 3
DONE: Final = 4
LIMIT: Final = 5

# Iterations of phase OTHER after which a dispatch is stopped.
MAX_ITERATIONS: Final = 100

@final
class Engine:
    """Flags, conditions, triggers and the dispatch of one unit in one hook.

    Flags are interned once and kept in a bitset. Each condition counts how many of its flags are
    set, each handler counts its conditions that do not hold, so that a change costs what depends on
    that flag and never what merely exists.

    Every method that takes a flag raises ``charms_reactive.errors.FlagNameError`` for anything that
    is not a ``str`` encodable as UTF-8.
    """

    def __new__(cls) -> Engine: ...

    # -- flags ---------------------------------------------------------------------------------
    def is_set(self, flag: str) -> bool:
        """Whether the flag is set. Unknown flags are not set, and asking does not intern them."""

    def all_set(self, flags: Sequence[str]) -> bool:
        """Whether every one of the flags is set; true for none."""

    def any_set(self, flags: Sequence[str]) -> bool:
        """Whether at least one of the flags is set; false for none."""

    def flags(self) -> List[str]:
        """The names of all flags that are set, sorted by code point."""

    def flag_count(self) -> int:
        """How many flags are set."""

    def load(self, flags: Sequence[str]) -> List[Tuple[str, bool]]:
        """Make exactly these flags the ones that are set, and say what that changed.

        For changes that were made elsewhere (another process, raw SQL, a rollback). They count as
        changes of the running dispatch, but fire no trigger.

        Returns:
            ``(flag, set)`` for each flag that differed: first those cleared, then those set, each
            group sorted by name.
        """

    def change(self, flag: str, on: bool) -> Optional[List[Tuple[int, str, int]]]:
        """Set (``on``) or clear a flag and everything that triggers make of it.

        Actions run depth first: the set actions of a trigger in order of registration, then its
        clear actions, then its callbacks, each nested change running its own triggers before the
        next action. What a trigger does is fixed when its change begins.

        Returns:
            ``None`` if the flag was so already. Otherwise the effects that follow from the change,
            not counting the change itself, in order: ``(SET, flag, 0)``, ``(CLEAR, flag, 0)`` or
            ``(CALL, "", callback)``. A list that ends with a ``CALL`` is unfinished: run that
            callback and go on with :meth:`resume`.

        Raises:
            charms_reactive.errors.TriggerCycleError: the chain, or a callback on the way, came back
                to a change that is still being made. Nothing of what this call did remains, and
                this change is over.
        """

    def resume(self) -> List[Tuple[int, str, int]]:
        """Go on after a ``CALL``; the same result as :meth:`change`, the empty list when finished.

        Raises:
            charms_reactive.errors.EngineError: no change is waiting for a callback.
            charms_reactive.errors.TriggerCycleError: as in :meth:`change`.
        """

    def waiting(self) -> int:
        """How many changes wait for a callback, each in a callback of the one before it."""

    def unwind(self) -> None:
        """Give up the innermost change that waits for a callback, because that callback raised."""

    def touch(self, flag: str) -> None:
        """Count the flag as changed in the running iteration without changing it."""

    # -- triggers ------------------------------------------------------------------------------
    def add_trigger(
        self,
        flag: str,
        on: bool,
        set_flag: Optional[str] = None,
        clear_flag: Optional[str] = None,
        callback: Optional[int] = None,
    ) -> None:
        """Register actions for the edge off->on (``on``) or on->off of a flag.

        The same action twice for one edge is one action.
        """

    def triggers(self) -> List[Tuple[str, bool, List[str], List[str]]]:
        """Every edge that sets or clears something: ``(flag, on, set flags, clear flags)``.

        In the order in which the edges were first named.
        """

    def trigger(self, flag: str, on: bool) -> Tuple[List[str], List[str], List[int]]:
        """What one edge does: ``(set flags, clear flags, callbacks)``, empty lists for no trigger."""

    def clear_triggers(self) -> None:
        """Forget all triggers."""

    # -- handlers ------------------------------------------------------------------------------
    def add_handler(self) -> int:
        """Add a handler that matches always and everywhere; returns its id: 0, 1, 2, …"""

    def handler_count(self) -> int:
        """How many handlers there are."""

    def clear_handlers(self) -> None:
        """Forget all handlers; a running dispatch has nothing more to invoke."""

    def add_condition(self, handler: int, kind: int, flags: Sequence[str]) -> None:
        """Require a condition (``ALL``, ``ANY``, ``NONE`` or ``NOT_ALL``) over these flags.

        It confines the handler to phase ``OTHER`` and watches its flags (see :meth:`watch`).

        Raises:
            IndexError: no such handler.
            ValueError: no such kind.
        """

    def watch(self, handler: int, flags: Sequence[str]) -> None:
        """After iteration 0, let the handler match only if one of its watched flags changed."""

    def add_edge(self, handler: int, flag: str, on: bool) -> None:
        """Let the handler hear, once each time, that the flag becomes set (``on``) or cleared.

        An edge is *due* while the flag is so and the handler has not heard of it since it became so.
        A handler with edges matches only while one of them is due. Being handed out to be invoked is
        hearing of all that are due then; a flag that changes back makes its edges unheard.

        It confines the handler to phase ``OTHER`` and watches the flag. The same edge twice is one.

        Raises:
            IndexError: no such handler.
        """

    def hear(self, handler: int, flag: str, on: bool) -> None:
        """Note that the handler has heard of an edge; of one that it does not have or is not so, nothing.

        Raises:
            IndexError: no such handler.
        """

    def heard(self, handler: int) -> List[Tuple[str, bool]]:
        """The edges of the handler that are so and that it has heard of, in the order they were added.

        Raises:
            IndexError: no such handler.
        """

    def forget_heard(self) -> None:
        """Make all edges of all handlers unheard."""

    def confine(self, handler: int, phases: int) -> None:
        """Let the handler match only in these phases, in addition to what confined it before."""

    def set_opaque(self, handler: int) -> None:
        """Say that the handler has a predicate that the engine cannot see and must ask for."""

    def is_ready(self, handler: int) -> bool:
        """Whether all of the handler's conditions hold now, whatever the phase or iteration."""

    def watched_changed(self, handler: int) -> bool:
        """Whether a flag that the handler watches changed in the previous iteration."""

    def dependents(self, flag: str) -> List[Tuple[int, bool]]:
        """The handlers that watch the flag, by id, each with :meth:`is_ready`."""

    # -- dispatch ------------------------------------------------------------------------------
    def start(self, restricted: bool, quiet: bool = False) -> None:
        """Begin a dispatch; what changed before is forgotten.

        In a ``quiet`` one, a handler that watches flags and has no edges matches in iteration 0 of
        phase ``OTHER`` as in later ones: only if one of its watched flags changed before.

        Raises:
            charms_reactive.errors.EngineError: one is running already.
        """

    def next(self) -> Tuple[int, int]:
        """The next step.

        ===========  =============================  =================================================
        step         its number                     what the driver does
        ===========  =============================  =================================================
        ``BEGIN``    the phase                      prepares the phase or iteration
        ``TEST``     a handler                      asks its predicates, calls :meth:`answer`
        ``QUEUED``   length of the queue            tells its tracer; :meth:`queue` has the handlers
        ``INVOKE``   a handler                      invokes it
        ``DONE``     0                              stops: nothing matches any more
        ``LIMIT``    length of the queue            stops: handlers still match after 100 iterations
        ===========  =============================  =================================================

        Raises:
            charms_reactive.errors.EngineError: no dispatch runs, or a ``TEST`` has no answer yet.
        """

    def answer(self, matched: bool) -> None:
        """Tell what the predicates of the handler of the last ``TEST`` said.

        Raises:
            charms_reactive.errors.EngineError: no test was asked.
        """

    def abort(self) -> None:
        """End the dispatch, wherever it is, because something raised. Harmless when none runs."""

    def queue(self) -> List[int]:
        """The handlers still to be invoked in this iteration, as far as they have been tested, in order."""

    def phase(self) -> int:
        """The phase of the running dispatch; 0 when none runs."""

    def iteration(self) -> int:
        """The iteration of phase ``OTHER``, counted from 0."""

    def changed(self) -> List[str]:
        """The flags that changed in the previous iteration, in order of their first change."""

    def pending(self) -> List[str]:
        """The flags that changed in this iteration so far, in order of their first change."""
