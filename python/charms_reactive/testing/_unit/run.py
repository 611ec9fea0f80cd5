"""What one hook or action of a unit did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, FrozenSet, Mapping, Optional, Tuple, Union

from charms_reactive.testing.explain import Emitted, Handlers, Record

from .state import Status

_INVOKING = "Invoking reactive handler: "


@dataclass(frozen=True)
class LogEntry:
    """One ``juju-log`` call.

    Attributes:
        level: ``TRACE``, ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.
        message: the text, which may have several lines.
        time: seconds since the epoch.
    """

    level: str
    message: str
    time: float = 0.0


@dataclass(frozen=True)
class ToolCall:
    """One process of a hook tool.

    Attributes:
        tool: its name, for example ``config-get``.
        arguments: what followed the name.
        exit_status: 0, or what it was refused with.
    """

    tool: str
    arguments: Tuple[str, ...] = ()
    exit_status: int = 0


@dataclass(frozen=True)
class ActionOutcome:
    """What an action told whoever ran it.

    Attributes:
        results: from ``action-set``, nested as its keys are.
        failure: the message of ``action-fail``; ``None`` if the action did not fail itself.
        messages: from ``action-log``.
        return_code: the exit status of its process.
        stdout: what it wrote there.
        stderr: what it wrote there.
    """

    results: Mapping[str, Any]
    failure: Optional[str] = None
    messages: Tuple[str, ...] = ()
    return_code: int = 0
    stdout: str = ""
    stderr: str = ""

    @property
    def status(self) -> str:
        """``completed`` or ``failed``, as ``juju show-task`` says it."""
        return "completed" if self.failure is None and self.return_code == 0 else "failed"

    @property
    def message(self) -> str:
        """What Juju says of it: how its process failed, whatever ``action-fail`` said, else that."""
        if self.return_code:
            return (
                "exit status %d" % self.return_code
                if self.return_code > 0
                else "signal: %d" % -self.return_code
            )
        return self.failure or ""

    @property
    def all_results(self) -> Mapping[str, Any]:
        """The results as ``juju run`` shows them: Juju adds ``return-code``, ``stdout`` and ``stderr``."""
        written = {"stdout": self.stdout, "stderr": self.stderr}
        added = {name: text for name, text in written.items() if text}
        return {**self.results, "return-code": self.return_code, **added}


@dataclass(frozen=True, repr=False)
class HookRun:
    """What one hook or action did.

    Attributes:
        name: of the hook or action.
        exit_status: of its process; negative for the signal that ended it.
        timed_out: whether it was killed because it took too long.
        log: what it said through ``juju-log``, in order.
        tools: the hook-tool processes it spawned, in order.
        stdout: what it wrote there.
        stderr: what it wrote there.
        status: the unit's status afterwards as ``juju status`` shows it, so ``error`` if a hook failed.
        flags_before: the flags in the unit state when it started.
        flags_after: the flags in the unit state when it had ended.
        duration: wall-clock seconds.
        cpu: seconds of processor time, of the hook and of all processes it waited for.
        max_rss: peak memory of the largest of these processes, in KiB.
        action: what the action told; ``None`` for a hook.
        record: what the framework noted of it; ``None`` if it never came to that.
        exception: that ended it, where it ran in this process; without its traceback, which is on stderr.
        statuses: that it set for the unit, in order, each at once as Juju does.
        reboot: what it asked of ``juju-reboot``: ``""``, ``"later"`` or ``"now"``.
        leftovers: in this process, what would have ended with one of its own and is still there: threads
            and open file descriptors, a sentence each.
    """

    name: str
    exit_status: int
    timed_out: bool
    log: Tuple[LogEntry, ...]
    tools: Tuple[ToolCall, ...]
    stdout: str
    stderr: str
    status: Status
    flags_before: FrozenSet[str]
    flags_after: FrozenSet[str]
    duration: float
    cpu: float
    max_rss: int
    action: Optional[ActionOutcome] = None
    record: Optional[Record] = None
    exception: Optional[BaseException] = None
    statuses: Tuple[Status, ...] = ()
    reboot: str = ""
    leftovers: Tuple[str, ...] = ()

    def __repr__(self) -> str:
        """What is worth knowing in the message of a failed assertion, which shows the beginning only."""
        how = "ran %s" % (", ".join(self.handlers.names) or "no handler") if self.succeeded else self.error
        return "<%s %r %s>" % (type(self).__name__, self.name, how if self.succeeded else "failed: %s" % how)

    @property
    def succeeded(self) -> bool:
        """Whether the process ended well and, for an action, did not report a failure."""
        return self.exit_status == 0 and (self.action is None or self.action.failure is None)

    @property
    def flags_set(self) -> Tuple[str, ...]:
        """The flags that it set, sorted."""
        return tuple(sorted(self.flags_after - self.flags_before))

    @property
    def flags_cleared(self) -> Tuple[str, ...]:
        """The flags that it cleared, sorted."""
        return tuple(sorted(self.flags_before - self.flags_after))

    @property
    def events(self) -> Tuple[Emitted, ...]:
        """The events that were emitted, heard or not, in order."""
        return () if self.record is None else self.record.emitted

    @property
    def handlers(self) -> Handlers:
        """The ids of the handlers that were invoked, in order."""
        if self.record is not None:
            return self.record.invoked
        # Killed before it could write the record; the log has what it said until then.
        lines = [line for entry in self.log if entry.level == "INFO" for line in entry.message.splitlines()]
        return Handlers(line[len(_INVOKING) :].strip() for line in lines if line.startswith(_INVOKING))

    def logged(self, text: str, level: Optional[str] = None) -> bool:
        """Whether a line with this text, of this level if one is given, is in the log."""
        return any(
            text in line
            for entry in self.log
            if level in (None, entry.level)
            for line in entry.message.splitlines()
        )

    def why(self, handler: Union[str, Callable[..., Any]]) -> str:
        """Why a handler ran, or did not.

        Args:
            handler: the function, its name or its id.
        """
        if self.record is None:
            return "the hook ended before the framework could tell: %s" % (self.error or "it never started")
        return self.record.explain(handler)

    @property
    def error(self) -> Optional[str]:
        """Why it failed, in one line; ``None`` if it succeeded.

        The last line of the last traceback in the log or on stderr, else the last line that says
        anything.
        """
        if self.succeeded:
            return None
        if self.action is not None and self.action.failure is not None:
            return self.action.failure
        if self.timed_out:
            return "killed after %.0f s" % self.duration
        errors = [entry.message for entry in self.log if entry.level in ("ERROR", "CRITICAL")]
        texts = [text for text in errors + [self.stderr] if text.strip()]
        for text in reversed(texts):
            if "Traceback (most recent call last)" in text:
                return _last_of_traceback(text)
        if texts:
            return texts[-1].strip().splitlines()[-1].strip()
        return "exit status %d" % self.exit_status


def _last_of_traceback(text: str) -> str:
    """The line of the last traceback that names the exception."""
    lines = text.rpartition("Traceback (most recent call last)")[2].splitlines()[1:]
    for line in lines:
        if line and not line.startswith(" "):
            return line.strip()
    return lines[-1].strip() if lines else ""
