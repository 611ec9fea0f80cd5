"""A process that runs something of a charm, as those have it who started it; ``child`` is what runs in it.

What the process has of the machine is a temporary directory: the copy of the charm is in it, its home, and
a ``PATH`` without a program. Its environment is made anew. ``guard`` refuses whatever would reach out of
the directory: no file is written elsewhere or read but of Python's own, no other process is started,
nothing is connected to. It has limits of memory, of processor time and of the size of a file, and is killed
when its time is up.

A command starts it before anything else: it then gets ready while the command reads the charm.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Dict, Optional, Sequence, Tuple

__all__ = ["Child", "drop_waiting", "environment", "start_waiting", "taken"]


class Child:
    """A process that runs something of a charm, and what it says in the end.

    Args:
        task: ``load`` or ``hooks``.
    """

    def __init__(self, task: str) -> None:
        self.task = task
        self.directory = tempfile.mkdtemp(prefix="charms.reactive-")
        self._ends = -1
        end = -1
        try:
            # Closed when the process ends; subprocess by itself would look now and then, at last every 50 ms.
            self._ends, end = (_above_streams(one) for one in os.pipe())
            self._log = open(os.path.join(self.directory, "log"), "wb")  # noqa: SIM115 -- ended with the process
            self._process = self._start(end)
        except BaseException:
            if self._ends >= 0:
                os.close(self._ends)
            shutil.rmtree(self.directory, ignore_errors=True)
            raise
        finally:
            if end >= 0:
                os.close(end)

    def _start(self, end: int) -> subprocess.Popen[bytes]:
        for name in ("home", "bin", "tmp"):
            os.mkdir(os.path.join(self.directory, name))
        path = [os.path.abspath(entry) for entry in sys.path if entry]
        program = (
            "import gc, sys; gc.disable(); sys.path[:] = %r; "
            "from charms_reactive.tools._charm import child; child.main()" % path
        )
        with contextlib.ExitStack() as failing:
            failing.callback(self._log.close)
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", program, self.directory, self.task],
                cwd=self.directory,
                env=environment(self.directory),
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                pass_fds=(end,),
                start_new_session=True,
            )
            failing.pop_all()
        return process

    def ask(self, root: str, arguments: Sequence[str] = ()) -> None:
        """Say which charm it is about."""
        stdin: Any = self._process.stdin
        try:
            # By its bytes, which are UTF-8 there, whatever they are here.
            named = os.fsencode(root).decode("utf-8", "surrogateescape")
            stdin.write(json.dumps([named, list(arguments)]).encode("ascii") + b"\n")
            stdin.close()
        except BrokenPipeError:
            pass  # it has ended, and its log says why

    def answer(self, timeout: float) -> Tuple[Optional[Any], str]:
        """What the process has to say within some seconds; else why there is nothing."""
        poll = select.poll()
        poll.register(self._ends, select.POLLIN)
        milliseconds = int(min(timeout * 1000, 1 << 30)) if timeout > 0 else 0
        began = time.monotonic()
        try:
            if not poll.poll(milliseconds):
                raise subprocess.TimeoutExpired([], timeout)
            # At once, unless the charm has closed what is not its own.
            status = self._process.wait(max(1.0, timeout - (time.monotonic() - began)))
        except subprocess.TimeoutExpired:
            self._kill()
            return None, "it had not been loaded after %g s" % timeout
        try:
            with open(os.path.join(self.directory, "answer.json"), encoding="utf-8") as file:
                return json.load(file), ""
        except (OSError, ValueError):
            with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
                told = file.read().strip().splitlines()
            return None, told[-1] if told else "the process that loads it ended with status %d" % status

    def _kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self._process.wait()

    def end(self) -> None:
        """Leave nothing behind."""
        if self._process.poll() is None:
            self._kill()
        stdin: Any = self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            stdin.close()
        self._log.close()
        ends, self._ends = self._ends, -1
        if ends >= 0:
            os.close(ends)
        shutil.rmtree(self.directory, ignore_errors=True)


def _above_streams(descriptor: int) -> int:
    """The same under a number that is no standard stream's, which the process would have in its place."""
    if descriptor > 2:
        return descriptor
    above = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return above


def environment(directory: str) -> Dict[str, str]:
    """All that such a process has in its environment."""
    return {
        "HOME": os.path.join(directory, "home"),
        "PATH": os.path.join(directory, "bin"),
        "TMPDIR": os.path.join(directory, "tmp"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "CHARMS_REACTIVE_LOG": "off",
    }


# -- one that waits to be asked -------------------------------------------------------------------------
_waiting: Optional[Child] = None
_lock = threading.Lock()


def _exchange(child: Optional[Child]) -> Optional[Child]:
    global _waiting
    with _lock:
        before, _waiting = _waiting, child
    return before


def start_waiting(task: str) -> None:
    """Start a process that somebody will probably need."""
    before = _exchange(Child(task))
    if before is not None:
        before.end()


def taken(task: str) -> Child:
    """The process that was started for that, or a new one."""
    child = _exchange(None)
    if child is not None and child.task != task:
        child.end()
        child = None
    return child or Child(task)


def drop_waiting() -> None:
    """End the process that nobody has needed."""
    child = _exchange(None)
    if child is not None:
        child.end()
