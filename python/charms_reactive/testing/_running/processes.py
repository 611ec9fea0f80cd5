"""Processes of a simulated unit: hooks that run as Juju runs them, and what they leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Sequence, Tuple, Union


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        exit_status: negative for the signal that ended it.
        timed_out: whether it was killed because it took too long.
        duration: wall-clock seconds.
        cpu: seconds of processor time, its own and of all processes it waited for.
        max_rss: peak memory of the largest of these processes, in KiB.
    """

    exit_status: int
    timed_out: bool = False
    duration: float = 0.0
    cpu: float = 0.0
    max_rss: int = 0


def execute(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    output: Path,
    timeout: float,
) -> Ended:
    """Run a process to its end.

    Args:
        command: the file, and its arguments.
        directory: in which it runs.
        environment: all of it.
        output: a directory, in which ``stdout`` and ``stderr`` are written.
        timeout: seconds after which it is killed, and what it has started with it.
    """
    # Files, not pipes: a daemon that the charm starts keeps these open after the hook has ended.
    with open(output / "stdout", "wb") as stdout, open(output / "stderr", "wb") as stderr:
        started = time.perf_counter()
        try:
            process = subprocess.Popen(
                list(command),
                cwd=str(directory),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except OSError as error:
            stderr.write(("cannot run %s: %s\n" % (command[-1], error)).encode())
            return Ended(126, duration=time.perf_counter() - started)
        killed = threading.Event()

        def kill() -> None:
            killed.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, kill)
        timer.start()
        try:
            # wait4() tells what the process used, which Popen does not.
            _, ended, used = os.wait4(process.pid, 0)
        except BaseException:
            kill()
            raise
        finally:
            timer.cancel()
        duration = time.perf_counter() - started
    exit_status = -os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)
    process.returncode = exit_status
    return Ended(exit_status, killed.is_set(), duration, used.ru_utime + used.ru_stime, used.ru_maxrss)


def processes(directory: Union[str, os.PathLike[str]]) -> Tuple[int, ...]:
    """The ids of the processes that hooks of the unit in this directory have started and that still run.

    They are told by their environment, whatever the charm itself knows of them.
    """
    mark = b"JUJU_CHARM_DIR=" + os.fsencode(Path(directory).resolve() / "charm")
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            theirs = mark in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # Gone meanwhile, or somebody else's.
        if theirs and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return tuple(sorted(found))


def end_processes(directory: Union[str, os.PathLike[str]], patience: float = 5.0) -> Tuple[int, ...]:
    """End what hooks of the unit in this directory left running.

    Args:
        directory: where the unit lives; there need not be a :class:`SimulatedUnit` for it.
        patience: seconds from asking (``SIGTERM``) to killing.

    Returns:
        The ids of the processes that were there.
    """
    there = processes(directory)
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = processes(directory)
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = processes(directory)
    return there
