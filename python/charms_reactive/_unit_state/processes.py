"""Processes by names that no other process has, and whether they are still there.

The commands that shell handlers run import this without the framework: nothing but ``os``.
"""

from __future__ import annotations

import os

from .rows import HOOK_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Tuple

__all__ = ["is_alive", "left_behind", "this_process"]


# The id of the process that was named last, and its name: a fork is another process.
_named: Tuple[int, str] = (0, "")


def this_process() -> str:
    """Names this process for as long as the machine runs: its id, and when it began."""
    global _named
    pid = os.getpid()
    if _named[0] != pid:
        _named = pid, "%d %s" % (pid, _process_start(pid))
    return _named[1]


def is_alive(process: str) -> bool:
    """Whether a process that :func:`this_process` has named is still there."""
    pid, _, started = process.partition(" ")
    found = _process_start(int(pid))
    return found is not None and (found == started or _UNKNOWN in (found, started))


_UNKNOWN = "?"


def _process_start(pid: int) -> Optional[str]:
    """When the process began, in a form that tells two uses of one pid apart; ``None`` if it is gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as stat:
            # The second field is the program's name in parentheses and may hold anything.
            fields = stat.read().rpartition(b")")[2].split()
        if fields[0] in (b"Z", b"X"):
            return None
        with open("/proc/sys/kernel/random/boot_id") as boot:
            return "%s %s" % (boot.read().strip(), fields[19].decode())
    except (FileNotFoundError, ProcessLookupError):
        if os.path.isdir("/proc/self"):
            return None
    except (OSError, IndexError):
        pass
    try:  # no /proc here: the pid has to do
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return _UNKNOWN


def left_behind(hook: str) -> bool:
    """Whether processes that a hook started are still there, by what their environment says."""
    mark = ("%s=%s" % (HOOK_VARIABLE, hook)).encode()
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return False
    for pid in pids:
        try:
            with open("/proc/%s/environ" % pid, "rb") as environment:
                if mark in environment.read().split(b"\0"):
                    return True
        except OSError:
            pass  # gone meanwhile, or somebody else's
    return False
