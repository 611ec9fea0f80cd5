"""External handlers: executables that are asked with ``--test`` and run with ``--invoke``."""

from __future__ import annotations

import os
import subprocess

from charmhelpers.core import unitdata

from . import flags
from ._errors import ReactiveError
from ._errors.rare import ExternalHandlerError
from ._juju import environment, hook_tools, juju_log
from ._unit_state import unit_state
from .handlers import LOG_OPTS, PHASE_NAMES, Handler, register_handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, Union

    from ._unit_state.fresh_rows import Change

__all__ = ["BrokenHandlerException", "ExternalHandler", "FlagWatch"]

#: The environment variable that tells charms.reactive.sh what a script is started for.
SHELL_VARIABLE = "CHARMS_REACTIVE_SHELL"


class BrokenHandlerException(ReactiveError):
    """A file that is marked as executable cannot be executed.

    Attributes:
        path: the file.
    """

    def __init__(self, path: str, reason: object = "") -> None:
        self.path = path
        super().__init__(
            "the handler file %s is marked as executable but cannot be executed%s; only handlers may be "
            "marked as executable: give it a working #! line, or take its x bit away"
            % (path, " (%s)" % reason if reason else "")
            + (_CARRIAGE_RETURN if _ends_in_carriage_return(path) else "")
        )


_CARRIAGE_RETURN = (
    "; its lines end with a carriage return, which becomes a part of the interpreter's name: "
    "save it with Unix line ends"
)


def _ends_in_carriage_return(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.readline(1024).endswith(b"\r\n")
    except OSError:
        return False


class FlagWatch:
    """What a child process may know of the running dispatch: its iteration and what changed.

    Kept in the unit state while a child runs, in the form that 1.5.x gave it, so that helpers of
    either version understand each other. Within the dispatch's own process the engine knows.
    """

    key = unit_state.WATCH

    @classmethod
    def _get(cls) -> Dict[str, Any]:
        data: Dict[str, Any] = unitdata.kv().get(cls.key, {"iteration": 0, "changes": [], "pending": []})
        return data

    @classmethod
    def _set(cls, data: Dict[str, Any]) -> None:
        unitdata.kv().set(cls.key, data)

    @classmethod
    def reset(cls) -> None:
        """Forget everything."""
        unitdata.kv().unset(cls.key)

    @classmethod
    def iteration(cls, i: int) -> None:
        """Note the iteration, counted from 0."""
        data = cls._get()
        data["iteration"] = i
        cls._set(data)

    @classmethod
    def watch(cls, watcher: str, flags: Iterable[str]) -> bool:
        """Whether a handler that depends on these flags may run: in iteration 0, or if one changed."""
        data = cls._get()
        changes: Set[str] = set(data["changes"])
        return data["iteration"] == 0 or not changes.isdisjoint(flags)

    @classmethod
    def change(cls, flag: str) -> None:
        """Note that a flag changed in this iteration."""
        data = cls._get()
        data["pending"].append(flag)
        cls._set(data)

    @classmethod
    def commit(cls) -> None:
        """End an iteration: what changed in it is what the next one looks at."""
        data = cls._get()
        data["changes"], data["pending"] = data["pending"], []
        cls._set(data)


class ExternalHandler(Handler):
    """A handler that is an executable file in any language.

    The functions of a bash script that declares them are handlers of their own, and
    not of this class.

    ``FILE --test`` is to exit with 0 if it should be invoked, and may print a line that is handed to
    ``FILE --invoke LINE``. Testing must not do anything. Each is started after a commit, so that it
    sees the flags as they are and can change them.
    """

    @classmethod
    def register(cls, filepath: str) -> ExternalHandler:
        """The handler of a file, registered now if it is not yet."""
        if filepath not in Handler._HANDLERS:
            if LOG_OPTS["register"]:
                shown = environment.relative_path(filepath)
                juju_log.log("Registering external reactive handler for %s" % shown, juju_log.DEBUG)
            register_handler(filepath, cls(filepath))
        handler = Handler._HANDLERS[filepath]
        assert isinstance(handler, ExternalHandler)
        return handler

    def __init__(self, filepath: str) -> None:
        super().__init__(self._not_a_function)
        self._filepath = filepath
        self._test_output = b""
        # An answer that was got before it was asked for.
        self._answer: Optional[Tuple[int, bytes]] = None

    @staticmethod
    def _not_a_function() -> None:
        raise TypeError("an external handler is a file")

    @property
    def filepath(self) -> str:
        """The file."""
        return self._filepath

    def id(self) -> str:
        """The file relative to the charm directory, and in quotes what its last test printed."""
        said = self._test_output.decode("utf-8", "replace").strip()
        return '%s "%s"' % (environment.relative_path(self._filepath), said)

    def answered(self, status: int, output: bytes) -> None:
        """Take what ``--test`` has said already for the answer to the test that comes."""
        self._answer = status, output

    def test(self) -> bool:
        """Ask the file whether it should be invoked."""
        status, output = self._answer or run_lent([self._filepath, "--test"], capture=True)
        self._answer = None
        self._test_output = output
        if status < 0 or status > 125:
            # 126 and 127 are a shell's words for a command that it could not run.
            message = "external handler %s: --test ended with status %d, which counts as no"
            juju_log.log(message % (self._filepath, status), juju_log.WARNING)
        return status == 0

    def invoke(self) -> None:
        """Invoke the file.

        Raises:
            ExternalHandlerError: it exited with anything but 0.
            BrokenHandlerException: it cannot be executed.
        """
        for callback in self._pre_callbacks:
            callback()
        command: List[Union[str, bytes]] = [self._filepath, "--invoke", self._test_output]
        status, _ = run_lent(command)
        if status:
            raise ExternalHandlerError(self.id(), status, command)
        for callback in self._post_callbacks:
            callback()


def run_lent(
    command: Sequence[Union[str, bytes]], variables: Optional[Mapping[str, str]] = None, capture: bool = False
) -> Tuple[int, bytes]:
    """Run a file of handlers that sees the flags as they are, and may change them.

    Arguments, result and errors are those of :func:`run_child`.
    """
    lend_state()
    try:
        answer = run_child(command, variables, capture)
    except BrokenHandlerException:
        take_state_back()
        raise
    take_state_back()
    return answer


def run_child(
    command: Sequence[Union[str, bytes]],
    variables: Optional[Mapping[str, str]] = None,
    capture: bool = False,
    pass_fds: Tuple[int, ...] = (),
) -> Tuple[int, bytes]:
    """Run a file of handlers, and wait for it.

    Args:
        command: the file, and its arguments.
        variables: for its environment, beside those of this process.
        capture: whether to return what it prints on stdout.
        pass_fds: file descriptors that it inherits.

    Returns:
        Its exit status, negative for the signal that ended it, and what it printed.

    Raises:
        BrokenHandlerException: it cannot be executed.
    """
    juju_log.hand_over()
    environment = dict(os.environ)
    environment.pop(SHELL_VARIABLE, None)
    if unit_state.unit.hook is not None:
        environment[unit_state.HOOK_VARIABLE] = unit_state.unit.hook
    if unit_state.unit.lent:
        environment[unit_state.LENT_VARIABLE] = "1"
    environment.update(variables or {})
    if hook_tools.agent_usable():
        from ._juju import tool_links  # only for those who start handlers

        environment["PATH"] = tool_links.search_path(environment.get("PATH", os.defpath))
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE if capture else None,
            env=environment,
            pass_fds=pass_fds,
            check=False,
        )
    except (OSError, ValueError) as error:
        # No interpreter, not executable after all, or an answer that no command line can carry.
        path = os.fsdecode(command[0])
        raise BrokenHandlerException(path, getattr(error, "strerror", None) or error) from error
    return done.returncode, done.stdout or b""


def lend_state(phase: int = 0) -> None:
    """Commit, with everything beside the flags that a child process needs to know.

    Args:
        phase: the phase that the child is to see where no dispatch runs yet.
    """
    juju_log.hand_over()
    engine = unit_state.unit.fresh()
    scratch: Dict[str, object] = dict(flags.trigger_rows())
    running = engine.phase()
    if running or phase:
        scratch[unit_state.PHASE] = PHASE_NAMES[running or phase]
    scratch[unit_state.WATCH] = {
        "iteration": engine.iteration() if running else 0,
        "changes": engine.changed() if running else [],
        "pending": engine.pending() if running else [],
    }
    scratch[unit_state.CHANGES] = []
    unit_state.unit.before_child(scratch)


def take_state_back() -> None:
    """Take over what the child changed; its callback triggers fire now."""
    changes: List[Change] = unit_state.unit.after_child()
    flags.load_triggers()
    flags.run_callbacks(changes)
