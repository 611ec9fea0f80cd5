"""Processes: names for the hooks that they run, who has started whom, and who is certainly gone.

The commands that shell handlers run import this without the framework: nothing but ``os``.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

__all__ = ["is_gone", "lives_here", "new_hook", "stands_above"]

_UNKNOWN = "?"


def new_hook() -> str:
    """A name for a hook that this process runs: ``PID BOOT START NAMESPACE TOKEN``.

    The first four tell the process from all others as far as the system gives them; what it does not give
    is ``?``. The last one tells the hooks apart that one process runs.
    """
    pid = os.getpid()
    stat = _Stat.of(pid)
    start = stat.start if stat is not None else _UNKNOWN
    return "%d %s %s %s %s" % (pid, _boot(), start, _namespace(), os.urandom(6).hex())


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as boot:
            return boot.read().strip() or _UNKNOWN
    except OSError:
        return _UNKNOWN


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return _UNKNOWN


class _Stat:
    """What ``/proc/PID/stat`` says of a process."""

    __slots__ = ("ended", "parent", "start")

    def __init__(self, ended: bool, parent: str, start: str) -> None:
        self.ended = ended
        self.parent = parent
        self.start = start

    @classmethod
    def of(cls, pid: object) -> Optional[_Stat]:
        try:
            with open("/proc/%s/stat" % pid, "rb") as stat:
                # The second field is the program's name in parentheses and may hold anything.
                fields = stat.read().rpartition(b")")[2].decode("ascii").split()
            return cls(fields[0] in ("Z", "X"), fields[1], fields[19])
        except (OSError, IndexError, ValueError):
            return None


def stands_above(hook: str) -> bool:
    """Whether the hook's process has started this one, or one that has; ``False`` if that cannot be told."""
    wanted, _, rest = hook.partition(" ")
    started = rest.split(" ")[1:2]
    pid = str(os.getppid())
    while True:
        stat = _Stat.of(pid)
        if stat is None:
            return False
        if pid == wanted:
            return [stat.start] == started
        pid = stat.parent


def is_gone(hook: str) -> bool:
    """Whether the process of a hook is gone for certain, by its name alone."""
    pid, boot, start, namespace = (hook.split(" ") + [_UNKNOWN] * 3)[:4]
    if not pid.isdigit():
        return False
    here = _boot()
    if _UNKNOWN not in (boot, here) and boot != here:
        return True
    if namespace == _UNKNOWN or namespace != _namespace():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    stat = _Stat.of(pid)
    return stat is not None and (stat.ended or (start != _UNKNOWN and stat.start != start))


def lives_here(hook: str) -> bool:
    """Whether the process of a hook is there for certain, by its name alone."""
    pid, boot, start, namespace = (hook.split(" ") + [_UNKNOWN] * 3)[:4]
    if not pid.isdigit() or _UNKNOWN in (boot, start, namespace):
        return False
    stat = _Stat.of(pid) if (boot, namespace) == (_boot(), _namespace()) else None
    return stat is not None and not stat.ended and stat.start == start
