"""A hook or action in this interpreter, in milliseconds: no process for it, and none for its hook tools.

:func:`execute` runs what Juju would run, in an interpreter as a new process has it (``isolation``), with
``subprocess`` answering hook tools from memory (``_popen``). As soon as the hook starts any other program,
a shell handler for example, the Juju side is written to a directory with real executables, and read back
when the hook has ended: whatever a process of the hook may do works here too, and takes the time that
processes take.

What ends the process of a hook ends the hook here, never the test: ``sys.exit``, an exception, ``os._exit``,
``os.abort``, a signal that it sends to itself, a time-out. ``os.exec*`` runs the program and ends the hook
with its exit status. The last five cannot be caught by ``except Exception``, but ``finally`` blocks run, and
a bare ``except:`` sees them; hook tools are not answered any more then, and nothing is committed.

Limits: one hook at a time. In a thread other than the main one there is no time-out, signal handlers are
left alone, and a hook that never ends blocks that thread. A time-out interrupts Python code and what waits in
it, not a long computation in C. Extension modules of the charm are loaded once. Standard streams are those
of the whole process while a child of the hook runs.
"""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import functools
import importlib
import io
import os
import pkgutil
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple, Union

from charms_reactive._dispatch import recorder
from charms_reactive.testing import hooktools

from . import bootstrap
from .charm_modules import code_cache
from .isolation import Interpreter, fresh_interpreter
from .popen import Host, answering

__all__ = ["Executed", "execute"]


@dataclass(frozen=True)
class Executed:
    """How a hook ended that ran in this interpreter.

    Attributes:
        exit_status: as its process would have had it; negative for the signal that ended it.
        timed_out: whether it was ended because it took too long.
        stdout: what it and its processes wrote there.
        stderr: what it and its processes wrote there, the traceback included.
        exception: what ended it, without its frames; ``None`` if it was no exception or ``SystemExit``.
        traceback: of that exception, as text; empty without one.
        duration: wall-clock seconds.
        cpu: seconds of processor time, of this process and of the processes it waited for.
        leftovers: what the hook left behind in this interpreter, a sentence each: threads and open file
            descriptors.
    """

    exit_status: int
    timed_out: bool
    stdout: str
    stderr: str
    exception: Optional[BaseException]
    traceback: str
    duration: float
    cpu: float
    leftovers: Tuple[str, ...] = ()


class _Ended(BaseException):
    """The process of the hook would be gone now."""

    def __init__(self, status: int) -> None:
        super().__init__("the hook has ended itself with exit status %d" % status)
        self.status = status


class _TimedOut(_Ended):
    """It took too long, and was killed."""

    def __init__(self) -> None:
        super().__init__(-signal.SIGKILL)


def execute(
    charm_dir: Union[str, os.PathLike[str]],
    path: str,
    environment: Mapping[str, str],
    side: Any,
    *,
    timeout: Optional[float] = 120.0,
    engine: Union[str, ModuleType, None] = None,
    prepare: Optional[Callable[[], Any]] = None,
    juju_dir: Union[str, os.PathLike[str], None] = None,
    record: Optional[Callable[[Dict[str, Any]], object]] = None,
) -> Executed:
    """Run one hook or action of a charm here.

    What runs is the charm's ``dispatch``, else the file ``path``: if it is Python, in this interpreter, and
    else as a process. Where there is neither, :func:`charms.reactive.main` runs, with ``lib`` on
    ``sys.path``.

    Args:
        charm_dir: directory of the charm.
        path: such as ``hooks/install`` or ``actions/backup``.
        environment: all environment variables of the hook. Its ``PATH`` need not have the hook tools, which
            go before it.
        side: the Juju side, a ``MemorySide``, whose Juju version decides which tools there are. It changes.
        timeout: seconds after which the hook is ended; ``None`` for no limit.
        engine: ``native`` or ``pure``; by default what ``CHARMS_REACTIVE_ENGINE`` in the environment says.
        prepare: called before the hook, in its interpreter: for handlers that a test defines.
        record: is given what ``charms_reactive._dispatch.recorder`` notes, where ``CHARMS_REACTIVE_RECORD``
            asks for it.
        juju_dir: directory for the Juju side, should processes need it; need not exist. By default one in
            the directory for temporary files, which is removed.

    Raises:
        KeyboardInterrupt: it goes through, as does what pytest raises to end a test.
        RuntimeError: called by a hook that runs in this interpreter.
        TypeError: the side is not in memory.
    """
    if not isinstance(side, hooktools.MemorySide):
        raise TypeError("a hook in this interpreter needs a MemorySide, not %r" % (side,))
    return _Hook(charm_dir, path, environment, side, timeout, engine, prepare, juju_dir, record).run()


for _found in pkgutil.iter_modules(hooktools.__path__, hooktools.__name__ + "."):
    importlib.import_module(_found.name)  # now, and not inside of a hook

# The real ones, whatever a hook that runs has done to them.
_exit, _write, _kill, _dup2, _execve = os._exit, os.write, os.kill, os.dup2, os.execve
_connect, _register_at_exit = sqlite3.connect, atexit.register


class _Output(io.RawIOBase):
    """One of the hook's two outputs: in memory, until something needs a file descriptor."""

    def __init__(self, number: int, hook: _Hook) -> None:
        self._number = number
        self._hook: Optional[_Hook] = hook
        self.data = bytearray()
        self.name = ("<stdin>", "<stdout>", "<stderr>")[number]

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        if self._hook is not None and self._hook.descriptors is not None:
            left = content
            while left:
                left = left[_write(self._number, left) :]
        else:
            self.data += content
        return len(content)

    def fileno(self) -> int:
        if self._hook is None:
            raise io.UnsupportedOperation("the hook has ended")
        self._hook.use_descriptors()
        return self._number

    def cut(self) -> None:
        """The hook has ended."""
        self._hook = None


class _Hook(Host):
    """One hook while it runs."""

    def __init__(
        self,
        charm_dir: Union[str, os.PathLike[str]],
        path: str,
        environment: Mapping[str, str],
        side: Any,
        timeout: Optional[float],
        engine: Union[str, ModuleType, None],
        prepare: Optional[Callable[[], Any]],
        juju_dir: Union[str, os.PathLike[str], None],
        record: Optional[Callable[[Dict[str, Any]], object]],
    ) -> None:
        self.charm_dir = os.path.abspath(charm_dir)
        self.path = path
        self.environment = dict(environment)
        self.memory = side
        self.side = side
        self.timeout = timeout
        self.engine = engine
        self.prepare = prepare
        self.record = record
        self.temporary = juju_dir is None
        self.juju_dir = (
            os.path.join(tempfile.gettempdir(), "juju-%s" % uuid.uuid4().hex)
            if juju_dir is None
            else os.path.abspath(juju_dir)
        )
        self.bin = os.path.join(self.juju_dir, "bin")
        search = self.environment.get("PATH", os.defpath).split(os.pathsep)
        if self.bin not in search:
            search.insert(0, self.bin)
        self.environment["PATH"] = os.pathsep.join(filter(None, search))  # an empty one is any directory
        self.tools = _tools_of(side.juju["juju-version"])
        self.all_tools = frozenset(hooktools.TOOLS)
        self.pid = os.getpid()
        # What ended the hook, if it was no exception of Python's: nothing is answered from then on.
        self.ended: Optional[_Ended] = None
        # What the standard descriptors were, since they are the hook's.
        self.descriptors: Optional[List[int]] = None
        self.files: List[Any] = []
        self.outputs = {1: _Output(1, self), 2: _Output(2, self)}
        self.alarm: Any = None

    # -- the whole --------------------------------------------------------------------------------
    def run(self) -> Executed:
        streams = [
            io.TextIOWrapper(
                io.BufferedWriter(self.outputs[number]),
                encoding="utf-8",
                errors=errors,
                line_buffering=number == 2,
                write_through=number == 2,
            )
            for number, errors in ((1, "surrogateescape"), (2, "backslashreplace"))
        ]
        file = self._file()
        if file is not None and bootstrap.charm_env(file):
            search = [os.path.join(self.charm_dir, "lib"), self.environment.get("PYTHONPATH", "")]
            self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, search))
        status, exception, told = 0, None, ""
        started, used = time.perf_counter(), _processor_time()
        with fresh_interpreter(
            self.charm_dir,
            self.environment,
            argv=[file or os.path.join(self.charm_dir, self.path)],
            stdin=_Nothing(),
            stdout=streams[0],
            stderr=streams[1],
            engine=self.engine,
        ) as interpreter, answering(self):
            self._watch()
            try:
                context = contextvars.Context()
                status, exception, told = context.run(self._run, interpreter, file)
            finally:
                self._disarm()
                if os.getpid() != self.pid:
                    _exit(status)  # a child that the hook has forked
                for stream in streams:
                    with contextlib.suppress(Exception):
                        stream.flush()
                self._read_back()
                self._give_descriptors_back()
        duration = time.perf_counter() - started
        for output in self.outputs.values():
            output.cut()
        return Executed(
            exit_status=status,
            timed_out=isinstance(self.ended, _TimedOut),
            stdout=bytes(self.outputs[1].data).decode("utf-8", "replace"),
            stderr=bytes(self.outputs[2].data).decode("utf-8", "replace"),
            exception=exception,
            traceback=told,
            duration=duration,
            cpu=_processor_time() - used,
            leftovers=interpreter.leftovers,
        )

    def _file(self) -> Optional[str]:
        """The file that Juju runs, if the charm has one."""
        for name in ("dispatch", self.path):
            file = os.path.join(self.charm_dir, name)
            if os.path.exists(file):
                return file
        return None

    def _run(self, interpreter: Interpreter, file: Optional[str]) -> Tuple[int, Optional[BaseException], str]:
        """Run it to the end of its interpreter; exit status, exception and its traceback."""
        status, exception, told = 0, None, ""
        self._arm()
        try:
            recorder.receiver = self.record
            if self.prepare is not None:
                self.prepare()
            status = self._program(interpreter, file)
        except SystemExit as stop:
            status = _status_of(stop)
        except _Ended as ended:
            status = ended.status
        except BaseException as error:
            if _is_of_test(error):
                raise
            if self.ended is None:
                status, exception = 1, error
                told = _told(error)
        if self.ended is None:
            try:
                interpreter.end()
            except _Ended as ended:
                status = ended.status
        if self.ended is not None:
            status = self.ended.status
            exception = None
        return status, exception, told

    def _program(self, interpreter: Interpreter, file: Optional[str]) -> int:
        """Run what is to run; its exit status, unless that comes as an exception."""
        if file is None:
            sys.path.append("lib")
            importlib.import_module("charms.reactive").main()
        elif not os.access(file, os.X_OK):
            sys.stderr.write("cannot run %s: it is not executable\n" % file)
            return 126
        elif _is_python(file):
            interpreter.main.__file__ = file
            exec(code_cache.code(file), interpreter.main.__dict__)
        else:
            return subprocess.call(bootstrap.command(file, self.charm_dir), stdin=subprocess.DEVNULL)
        return 0

    # -- what ends a process ------------------------------------------------------------------------
    def _end(self, ended: _Ended) -> None:
        if self.ended is None:
            self.ended = ended
        raise self.ended

    def _watch(self) -> None:
        """Replace what would end this process, or start another one; isolation puts it back."""
        module: Any = os
        module._exit, module.abort, module.kill = self._exit, self._abort, self._kill
        module.write, module.system = self._write, _system
        module.execv, module.execve = self._execv, self._execve
        for name in ("fork", "posix_spawn", "posix_spawnp"):
            if hasattr(os, name):
                setattr(module, name, self._starting(getattr(os, name)))
        files: Any = shutil
        which = shutil.which

        def found(cmd: Any, *args: Any, **kwargs: Any) -> Any:
            if cmd in self.tools:
                self.before_process()  # there has to be a file
            return which(cmd, *args, **kwargs)

        files.which = found
        sqlite: Any = sqlite3
        sqlite.connect = self._connect

    def _here(self) -> bool:
        """Whether this is the test's process, and not one that the hook has forked."""
        return os.getpid() == self.pid

    def _exit(self, status: int) -> None:
        if not self._here():
            _exit(status)
        self._end(_Ended(status & 0xFF))

    def _abort(self) -> None:
        if not self._here():
            _kill(os.getpid(), signal.SIGABRT)
        self._end(_Ended(-signal.SIGABRT))

    def _kill(self, pid: int, number: int) -> None:
        if pid == self.pid and self._here() and number and number not in _HARMLESS:
            handler = signal.getsignal(number)
            if handler is signal.SIG_DFL or number == signal.SIGKILL:
                self._end(_Ended(-int(number)))
        _kill(pid, number)

    def _write(self, descriptor: int, data: Any) -> int:
        if descriptor in (1, 2):
            return int(self.outputs[descriptor].write(data))
        return int(_write(descriptor, data))

    def _execv(self, file: Any, args: Sequence[Any]) -> None:
        self._execve(file, args, None)

    def _execve(self, file: Any, args: Any, environment: Any) -> None:
        if not self._here():
            _execve(file, args, os.environ if environment is None else environment)
        sys.stdout.flush()
        sys.stderr.flush()
        self.before_process()
        self._end(_Ended(subprocess.call(list(args), executable=file, env=environment)))

    def _starting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """The function, for which this process is made ready."""

        def start(*args: Any, **kwargs: Any) -> Any:
            self.before_process()
            return real(*args, **kwargs)

        return start

    def _connect(self, database: Any, *args: Any, **kwargs: Any) -> Any:
        """A connection; what is in the unit state need not survive a power cut."""
        connection = _connect(database, *args, **kwargs)
        name = str(database)
        if name.endswith(".unit-state.db") or name == os.environ.get("UNIT_STATE_DB"):
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = MEMORY")
        return connection

    def _arm(self) -> None:
        if self.timeout is None or threading.current_thread() is not threading.main_thread():
            return
        handler = signal.signal(signal.SIGALRM, self._too_long)
        # Again and again: a bare ``except:`` must not keep it alive.
        self.alarm = (handler, signal.setitimer(signal.ITIMER_REAL, self.timeout, 0.25), time.monotonic())

    def _too_long(self, *_: object) -> None:
        if self.alarm is not None:
            self._end(_TimedOut())

    def _disarm(self) -> None:
        if self.alarm is None:
            return
        (handler, (left, interval), since), self.alarm = self.alarm, None
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:  # somebody's own, for example of a plugin that limits the time of tests
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - since), 0.001), interval)

    # -- hook tools -----------------------------------------------------------------------------------
    def is_tool(self, program: str, environ: Mapping[str, str], directory: str) -> Optional[str]:
        tool = os.path.basename(program)
        if tool not in self.all_tools:
            return None
        folder = os.path.dirname(program)
        if folder:
            if os.path.join(directory, folder) != self.bin and not folder.startswith(_JUJU_TOOLS):
                return None  # the charm's own, of the same name
        else:
            search = environ.get("PATH", os.defpath).split(os.pathsep)
            if search[0] != self.bin:
                for entry in search:
                    if entry == self.bin:
                        break
                    if os.access(os.path.join(entry, tool), os.X_OK):
                        return None
                else:
                    raise FileNotFoundError(2, os.strerror(2), program)
        if tool not in self.tools:
            raise FileNotFoundError(2, os.strerror(2), program)
        return tool

    def call(
        self,
        tool: str,
        words: Sequence[str],
        environ: Mapping[str, str],
        stdin: Callable[[], bytes],
        directory: str,
    ) -> Tuple[int, bytes, bytes]:
        if self.ended is not None:
            raise self.ended
        answer: Tuple[int, bytes, bytes] = hooktools.call(self.side, tool, words, environ, stdin, directory)
        if tool == "juju-reboot" and self.side.read()["reboot"] == "now":
            self._end(_Ended(-signal.SIGKILL))  # as the executable does it
        return answer

    def before_process(self) -> None:
        if self.ended is not None:
            raise self.ended
        if not self._here():
            return
        self.use_descriptors()
        if self.side is not self.memory:
            return
        if not os.path.isdir(self.bin):
            _install(self.juju_dir, self.memory.juju)
        side = hooktools.FileSide(self.juju_dir)
        side.write(self.memory.juju)
        side.context = self.memory.context or os.environ.get("JUJU_CONTEXT_ID", "")
        side.calls = self.memory.calls
        self.side = side

    def _read_back(self) -> None:
        if self.side is self.memory:
            return
        side, self.side = self.side, self.memory
        juju = side.read()
        self.memory.juju.clear()
        self.memory.juju.update(juju)
        self.memory.calls[:] = side.calls
        side.context = ""  # whoever is left behind is refused
        if self.temporary:
            shutil.rmtree(self.juju_dir, ignore_errors=True)

    # -- standard streams ------------------------------------------------------------------------------
    def use_descriptors(self) -> None:
        """Let file descriptors 0, 1 and 2 be the hook's, for processes that inherit them."""
        if self.descriptors is not None or os.getpid() != self.pid:
            return
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self.files = [tempfile.TemporaryFile(buffering=0) for _ in (1, 2)]  # noqa: SIM115 -- closed at the end
        self.descriptors = [_duplicate(number) for number in (0, 1, 2)]
        _dup2(null, 0)
        os.close(null)
        for number, file in zip((1, 2), self.files):
            file.write(bytes(self.outputs[number].data))
            _dup2(file.fileno(), number)

    def _give_descriptors_back(self) -> None:
        if self.descriptors is None:
            return
        for number, kept in enumerate(self.descriptors):
            if kept < 0:
                with contextlib.suppress(OSError):
                    os.close(number)
            else:
                _dup2(kept, number)
                os.close(kept)
        self.descriptors = None
        for number, file in zip((1, 2), self.files):
            file.seek(0)
            self.outputs[number].data[:] = file.read()
            file.close()


# Directories with compiled hook tools, one for each version of Juju: compiling them takes longer than a hook.
_installed: Dict[str, str] = {}


@functools.lru_cache(maxsize=None)
def _tools_of(juju_version: str) -> FrozenSet[str]:
    """The tools of a version, which are the same in each hook."""
    return frozenset(hooktools.tools_of(juju_version))


def _install(directory: str, juju: Mapping[str, Any]) -> None:
    """Make a directory with executables of all hook tools."""
    version = str(juju["juju-version"])
    template = _installed.get(version)
    if template is None or not os.path.isdir(template):
        home = tempfile.mkdtemp(prefix="hook-tools-")
        _register_at_exit(shutil.rmtree, home, ignore_errors=True)
        template = _installed[version] = os.path.join(home, "juju")
        hooktools.install(template, hooktools.new_juju(juju_version=version))
    shutil.copytree(template, directory, symlinks=True, dirs_exist_ok=True)


# Where the agent has the tools of a unit; a charm that knows finds them there.
_JUJU_TOOLS = "/var/lib/juju/tools/"

# Signals that do nothing to a process that does not ask for them.
_HARMLESS = (signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT)


def _system(command: Any) -> int:
    """``os.system``, by way of ``subprocess``."""
    status = subprocess.call(command, shell=True)
    return -status if status < 0 else status << 8


def _duplicate(number: int) -> int:
    """A copy of a descriptor that children do not inherit; -1 for one that is closed."""
    try:
        return os.dup(number)
    except OSError:
        return -1


class _NullInput(io.RawIOBase):
    """What a hook has on its stdin."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return 0

    def fileno(self) -> int:
        return 0


def _Nothing() -> io.TextIOWrapper:  # noqa: N802
    return io.TextIOWrapper(io.BufferedReader(_NullInput()), encoding="utf-8")


def _processor_time() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


_SHEBANG = re.compile(rb"#!\s*(?P<program>\S+)(?P<rest>.*)")


def _is_python(file: str) -> bool:
    """Whether Python would run a file, by its first line; layer:basic's ``charm-env`` does so too."""
    with open(file, "rb") as opened:
        found = _SHEBANG.match(opened.readline(1024))
    if found is None:
        return False
    words = [os.path.basename(found["program"].decode("utf-8", "replace"))]
    words += found["rest"].decode("utf-8", "replace").split()
    if words[0] == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word] or [""]
    if os.path.basename(words[0]) == "charm-env":
        # Without a program behind it, it runs Python.
        words = [word for word in words[1:] if not word.startswith("-")] or ["python3"]
    return re.match(r"(python|pypy)[0-9.]*$", os.path.basename(words[0])) is not None


def _status_of(stop: SystemExit) -> int:
    """The exit status that a process with this ``SystemExit`` has; a text is told on stderr."""
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return _as_exit_status(stop.code)
    sys.stderr.write("%s\n" % (stop.code,))
    return 1


def _as_exit_status(code: int) -> int:
    return code & 0xFF


def _is_of_test(error: BaseException) -> bool:
    """Whether an exception is there to end the test or the whole run."""
    # pytest's outcomes claim to be of the module builtins; their base class does not.
    return isinstance(error, KeyboardInterrupt) or any(
        kind.__module__ == "_pytest.outcomes" for kind in type(error).__mro__
    )


def _told(error: BaseException) -> str:
    """Tell an exception on stderr as a process does; its traceback, after which it holds no frames."""
    place = error.__traceback__
    while place is not None and place.tb_frame.f_code.co_filename == __file__:
        place = place.tb_next  # a process has none of ours
    error.__traceback__ = place
    text = "".join(traceback.format_exception(type(error), error, place))
    if sys.excepthook is sys.__excepthook__:
        sys.stderr.write(text)
    else:
        sys.excepthook(type(error), error, place)
    seen = set()
    waiting: List[Optional[BaseException]] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return text
