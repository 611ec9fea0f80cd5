"""Calls of hook tools, with the interface of ``subprocess``, and without processes where that can be.

Juju's hook tools are programs that ask the unit's agent over a socket. In a hook, :func:`run` and its kin
ask it themselves (see ``agent``, which is imported when that is first done). The framework calls hook tools
in this way, and charmhelpers does without knowing it: :func:`take_over` puts a stand-in in the place of the
name ``subprocess`` in its ``hookenv``, and nowhere else.

Whatever is out of the ordinary is left to ``subprocess`` before anything is sent: there is no socket, or
another one than is known; something else than Juju's own tool is first on ``PATH``; a test or a charm has
replaced what ``subprocess`` has; an argument is there that this does not know. ``CHARMS_REACTIVE_TOOLS`` or
the option ``reactive-tools`` says what is wanted: ``auto``, ``process`` (never ask the agent) or ``agent``
(an error where that cannot be done).
"""

from __future__ import annotations

import io
import os
import subprocess
import types
from _thread import allocate_lock
from subprocess import DEVNULL, PIPE, STDOUT
from time import perf_counter

from charms_reactive._errors import HookToolError

from .environment import hookenv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    #: Exit status, and what the tool writes to stdout and stderr.
    Answer = Tuple[int, bytes, bytes]

__all__ = [
    "call",
    "check_call",
    "check_output",
    "disconnect",
    "remarks",
    "run",
    "start_hook",
    "take_over",
    "usable",
]

#: The programs that Juju's own hook tools are links to, in one version or another.
JUJU_PROGRAMS = ("jujuc", "jujud", "containeragent")

#: Names under which these are no hook tools.
_NO_TOOLS = ("juju-dumplogs", "juju-exec", "juju-introspect", "juju-run", "jujuc", "jujud", "containeragent")

#: Ours, which is a hook tool for handlers in bash.
_OUR_PROGRAM = "charms.reactive"

_MODES = ("auto", "process", "agent")

# What the charm option says; the environment goes before it.
_option: Optional[str] = None

# The connection to the agent, once there is one.
_agent: Any = None

# Environments for which there is none, and why: it is not tried again.
_without: Dict[Any, str] = {}

#: The notes of the hook that runs, which are told of each tool that was called; ``None`` if there are none.
notes: Any = None

# Whether the log has been told that tools are processes in this hook.
_told = False

# What the log is to be told, each a level and a line.
_remarks: List[Tuple[str, str]] = []

# Held while a call is made: another thread, or a signal handler in the middle of it, must wait or do without.
_lock = allocate_lock()


def start_hook() -> None:
    """Forget what an earlier hook in this process has found out."""
    global _option, _told
    take_over()
    _option = None
    _told = False
    _without.clear()
    _checked("CHARMS_REACTIVE_TOOLS", os.environ.get("CHARMS_REACTIVE_TOOLS"))


def choose(option: object) -> None:
    """Take what the charm option ``reactive-tools`` says; the environment goes before it."""
    global _option
    _option = _checked("reactive-tools", option)


def _checked(name: str, value: object) -> Optional[str]:
    """One of the three words, or ``None``; the log is told of another."""
    word = str(value or "").strip().lower()
    if not word or word in _MODES:
        return word or None
    _remarks.append(("WARNING", "%s must be auto, process or agent, not %r; using auto" % (name, word)))
    return None


def mode() -> str:
    """``auto``, ``process`` or ``agent``."""
    asked = os.environ.get("CHARMS_REACTIVE_TOOLS", "").strip().lower()
    return asked if asked in _MODES else _option or "auto"


def remarks() -> List[Tuple[str, str]]:
    """What the log is to be told, each a level and a line; only once."""
    found = list(_remarks)
    _remarks.clear()
    return found


def take_over() -> None:
    """Let charmhelpers' calls of hook tools come here, in a hook, unless somebody else has them already."""
    if _in_hook() and getattr(hookenv, "subprocess", None) is subprocess:
        hookenv.subprocess = _stand_in()


def usable() -> bool:
    """Whether the agent can be asked; it is connected to by that."""
    if not _in_hook() or mode() == "process" or _replaced("run"):
        return False
    if not _lock.acquire(blocking=False):
        return False  # another thread is asking
    try:
        return _connect(None) is not None
    except HookToolError:
        return False  # whoever asks will hear of it
    finally:
        _lock.release()


def disconnect() -> None:
    """Close the connection to the agent, if there is one; it is made again when it is needed."""
    global _agent
    agent, _agent = _agent, None
    if agent is not None:
        agent.close()


# -- the interface of subprocess --------------------------------------------------------------------
def _noted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, of whose calls the notes of the hook are told, if there are any."""

    def noted(*command: Any, **others: Any) -> Any:
        if notes is None:
            return function(*command, **others)
        told, began = notes, perf_counter()
        try:
            return function(*command, **others)
        finally:
            told.tool(command[0] if command else others.get("args"), began)

    noted.__name__, noted.__doc__ = function.__name__, function.__doc__
    return noted


@_noted
def run(
    command: List[str],
    *,
    input: Optional[bytes] = None,  # noqa: A002 -- as subprocess has it
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    timeout: Optional[float] = None,
    check: bool = False,
    **others: Any,
) -> Any:
    """As :func:`subprocess.run`.

    Raises:
        HookToolError: the agent had been asked and went away, or has to be asked and cannot be.
    """
    answer = None
    if not others:
        answer = _ask("run", command, input, stdin, stdout, stderr, timeout)
    if answer is None:
        if input is not None:
            others["input"] = input
        else:
            others["stdin"] = stdin
        return subprocess.run(command, stdout=stdout, stderr=stderr, timeout=timeout, check=check, **others)
    status, out, err = _written(answer, stdout, stderr)
    if check and status:
        raise subprocess.CalledProcessError(status, command, output=out, stderr=err)
    return subprocess.CompletedProcess(command, status, out, err)


@_noted
def call(*command: Any, timeout: Optional[float] = None, **others: Any) -> int:
    """As :func:`subprocess.call`."""
    answer = _ask_plainly("call", command, others, timeout)
    if answer is None:
        if timeout is not None:
            others["timeout"] = timeout  # what somebody has put in its place need not know of it
        status: int = subprocess.call(*command, **others)
        return status
    return _written(answer, others.get("stdout"), others.get("stderr"))[0]


@_noted
def check_call(*command: Any, **others: Any) -> int:
    """As :func:`subprocess.check_call`."""
    timeout = others.get("timeout")
    options = {name: value for name, value in others.items() if name != "timeout"}
    answer = _ask_plainly("check_call", command, options, timeout)
    if answer is None:
        status: int = subprocess.check_call(*command, **others)
        return status
    status = _written(answer, others.get("stdout"), others.get("stderr"))[0]
    if status:
        raise subprocess.CalledProcessError(status, command[0])
    return 0


@_noted
def check_output(*command: Any, **others: Any) -> Any:
    """As :func:`subprocess.check_output`."""
    timeout = others.get("timeout")
    options = {name: value for name, value in others.items() if name != "timeout"}
    answer = None
    if "stdout" not in others:
        answer = _ask_plainly("check_output", command, {**options, "stdout": PIPE}, timeout)
    if answer is None:
        return subprocess.check_output(*command, **others)
    status, out, err = _written(answer, PIPE, others.get("stderr"))
    if others.get("universal_newlines"):
        out, err = _as_text(out), _as_text(err)
    if status:
        raise subprocess.CalledProcessError(status, command[0], output=out, stderr=err)
    return out


def _as_text(data: Optional[bytes]) -> Any:
    """What was captured, as ``subprocess`` reads it if it is told that it is text."""
    return None if data is None else io.TextIOWrapper(io.BytesIO(data)).read()


class _StandIn(types.ModuleType):
    """What ``hookenv`` has under the name ``subprocess``; everything but the four is the real one's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def __dir__(self) -> List[str]:
        return dir(subprocess)


def _stand_in() -> Any:
    found: Any = _StandIn("subprocess", subprocess.__doc__)
    found.run, found.call, found.check_call, found.check_output = run, call, check_call, check_output
    return found


# -- whether to ask the agent -----------------------------------------------------------------------
def _in_hook() -> bool:
    """Whether this is a hook, or an action, of an agent that can be asked at all."""
    environ = os.environ
    return "JUJU_AGENT_SOCKET_ADDRESS" in environ and bool(environ.get("JUJU_CONTEXT_ID"))


def _ask_plainly(
    name: str, command: Tuple[Any, ...], others: Dict[str, Any], timeout: Optional[float]
) -> Optional[Answer]:
    """Ask if the call has nothing but streams that are known here."""
    if len(command) != 1 or not others.keys() <= _STREAMS:
        return None
    get = others.get
    return _ask(name, command[0], None, get("stdin"), get("stdout"), get("stderr"), timeout)


_STREAMS = {"stdin", "stdout", "stderr", "universal_newlines"}


def _ask(
    name: str,
    command: Any,
    data: Optional[bytes],
    stdin: Any,
    stdout: Any,
    stderr: Any,
    timeout: Optional[float],
) -> Optional[Answer]:
    """What the agent answers to a command; ``None`` if that is none for it, or it cannot be asked.

    Args:
        name: the function of ``subprocess`` that was called; empty for one below what has replaced it.
        data: for the tool's stdin.

    Raises:
        subprocess.TimeoutExpired: it does not answer in time.
        HookToolError: it had been asked and went away, or has to be asked and cannot be.
    """
    if not _in_hook():
        if mode() == "agent" and os.environ.get("JUJU_CONTEXT_ID"):
            _fall_back("", "JUJU_AGENT_SOCKET_ADDRESS is not set")
        return None
    if not isinstance(command, (list, tuple)) or not command:
        return None
    if stdin not in (None, DEVNULL) or stdout not in (None, PIPE, DEVNULL):
        return None
    if stderr not in (None, PIPE, DEVNULL, STDOUT) or not (data is None or isinstance(data, bytes)):
        return None
    for word in command:
        if type(word) is not str or "\0" in word:
            return None
    tool = command[0]
    if "/" in tool or tool in _NO_TOOLS:
        return None
    wanted = mode()
    if wanted == "process" or _replaced(name, tool):
        return None
    found = _first_on_path(tool)
    if found is not True:
        if found is False:
            _fall_back(tool, "something else than Juju's own %s is first on PATH" % tool)
        return None
    return _answer(list(command), data, stdin, timeout)


def _replaced(name: str, tool: str = "") -> bool:
    """Whether a test or a charm has put something of its own in the place of what ``subprocess`` has."""
    real = vars(subprocess)
    function = real.get(name)
    if name and getattr(function, "__globals__", None) is not real:
        theirs = getattr(function, "__globals__", {})
        if theirs.get("__name__") != "charms.layer.status" or tool == "status-set":
            return True
        # layer:status wants to hear of each status-set and hands on all else, to what it had found here.
        original = theirs.get("_orig_call")
        if original is not None and getattr(original, "__globals__", None) is real:
            theirs["_orig_call"] = _below(original)
    popen = subprocess.Popen
    return getattr(getattr(popen, "__init__", None), "__globals__", None) is not real


def _below(original: Callable[..., int]) -> Callable[..., int]:
    """For whoever has replaced ``subprocess.call``: what to call instead of the one that was there."""

    def call_below(*command: Any, timeout: Optional[float] = None, **others: Any) -> int:
        answer = _ask_plainly("", command, others, timeout)
        if answer is None:
            return original(*command, timeout=timeout, **others)
        return _written(answer, others.get("stdout"), others.get("stderr"))[0]

    return call_below


def _first_on_path(tool: str) -> Optional[bool]:
    """Whether Juju's own tool is the first of that name on ``PATH``; ``None`` if Juju has none."""
    search = os.environ.get("PATH", os.defpath)
    for directory in search.split(os.pathsep):
        program = _program("%s/%s" % (directory or ".", tool))
        if program is not None and program != _OUR_PROGRAM:
            return program in JUJU_PROGRAMS or (None if jujus_own(tool, search) is None else False)
    return None


def _program(path: str) -> Optional[str]:
    """The name of the program that a link leads to, empty for no link; ``None`` if it cannot be run."""
    try:
        target = os.readlink(path)
    except FileNotFoundError:
        return None
    except OSError:
        target = ""  # there, and no link
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        return None
    name = target.rpartition("/")[2]
    # Juju makes its links directly to its program; others may lead there by more of them.
    return os.path.basename(os.path.realpath(path)) if target and name not in JUJU_PROGRAMS else name


def is_jujus_own(path: str) -> bool:
    """Whether a file is one of Juju's own hook tools."""
    return path.rpartition("/")[2] not in _NO_TOOLS and _program(path) in JUJU_PROGRAMS


def jujus_own(tool: str, path: str) -> Optional[str]:
    """Where Juju's own tool of that name is, on a ``PATH``."""
    for directory in path.split(os.pathsep):
        found = "%s/%s" % (directory or ".", tool)
        if is_jujus_own(found):
            return found
    return None


# -- asking it --------------------------------------------------------------------------------------
def _answer(
    command: List[str], data: Optional[bytes], stdin: Any, timeout: Optional[float]
) -> Optional[Answer]:
    if not _lock.acquire(blocking=False):
        return None  # in a thread beside another call: both get their answers, one from a process
    try:
        agent = _connect(timeout)
        if agent is None:
            return None
        from . import agent as protocol

        def read() -> bytes:
            if data is not None:
                return data
            return b"" if stdin == DEVNULL else _read_stdin()

        try:
            found: Answer = agent.ask(command, read, timeout)
        except protocol.NotUsableError as error:
            _fall_back(command[0], str(error))
            return None
        except protocol.NoAnswerError:
            raise subprocess.TimeoutExpired(command, timeout or 0.0) from None
        except protocol.LostError as error:
            raise HookToolError(command[0], str(error)) from None
        return found
    finally:
        _lock.release()


def _connect(timeout: Optional[float]) -> Any:
    """The connection to the agent of this environment; ``None`` if there is none to be had."""
    global _agent
    if _agent is not None and _agent.usable(os.environ):
        return _agent
    from . import agent as protocol

    key = protocol.key(os.environ)
    if _agent is not None and _agent.key == key and _agent.pid == os.getpid():
        # It was lost in this hook. Its agent is gone, and what comes next shall say so itself.
        _without[key] = "the connection to the agent was lost"
    if key not in _without:
        disconnect()  # from the agent of another hook
        try:
            _agent = protocol.Agent(os.environ) if timeout is None else protocol.Agent(os.environ, timeout)
        except protocol.NotUsableError as error:
            _without[key] = str(error)
        else:
            _watch_forks()
            return _agent
    _fall_back("", _without[key])
    return None


def _fall_back(tool: str, why: str) -> None:
    """Note that hook tools are processes, and tell so once in a hook.

    Raises:
        HookToolError: they may not be.
    """
    global _told
    if mode() == "agent":
        raise HookToolError(
            tool or "hook tools",
            "%s; CHARMS_REACTIVE_TOOLS or the option reactive-tools says that only the agent is to be asked"
            % why,
        )
    if not _told:
        _told = True
        _remarks.append(("DEBUG", "Hook tools are started as processes: %s" % why))


def _read_stdin() -> bytes:
    """All of this process's stdin, for a tool that has asked for it."""
    parts: List[bytes] = []
    while True:
        part = os.read(0, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)


_forks_watched = False


def _watch_forks() -> None:
    """Let no child of this process hold the connection: an agent waits for its end when a hook has ended."""
    global _forks_watched
    if not _forks_watched and hasattr(os, "register_at_fork"):
        _forks_watched = True
        os.register_at_fork(after_in_child=_in_child)


def _in_child() -> None:
    global _lock
    _lock = allocate_lock()  # whoever held it is not here
    disconnect()


def _written(answer: Answer, stdout: Any, stderr: Any) -> Tuple[int, Optional[bytes], Optional[bytes]]:
    """Exit status and what is captured; all else is written where a process would have written it."""
    status, out, err = answer
    if stderr == STDOUT:
        out, err = out + err, b""
    return status, _put(1, out, stdout), _put(2, err, None if stderr == STDOUT else stderr)


def _put(number: int, data: bytes, stream: Any) -> Optional[bytes]:
    if stream == PIPE:
        return data
    if stream is None:
        while data:
            try:
                data = data[os.write(number, data) :]
            except OSError:
                break  # nobody reads it: the tool has done its work all the same
    return None
