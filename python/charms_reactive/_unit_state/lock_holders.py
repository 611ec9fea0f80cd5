"""Who holds a file that cannot be locked, for the error that says so."""

from __future__ import annotations

import os

from .processes import is_gone
from .rows import HOOK_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

__all__ = ["who_holds"]

# A hook has a shell, the framework and a shell handler above it; nobody has more than this.
_MOST_ANCESTORS = 64


def who_holds(path: Optional[str]) -> str:
    """What to say about whoever keeps this process from locking a file, and what to do about it.

    The kernel tells which processes hold locks. Where it does not tell (another file system, another
    namespace), it is "another process".
    """
    holders = _holders(path) if path else []
    named = [holder for holder in holders if holder != os.getpid()]
    hook = os.environ.get(HOOK_VARIABLE, "")
    if hook.partition(" ")[0] == str(os.getpid()):
        hook = ""  # this process is the hook
    around = int(hook.partition(" ")[0]) if hook and not is_gone(hook) else 0
    if holders and not named:
        return "this very process holds it, over another connection; close that, or commit there first"
    for holder in named:
        if hook and (holder == around or holder in _ancestors()):
            return (
                "the hook that has started this process holds it (process %s), and holds it until it "
                "commits; only handlers in bash and other executable handlers are lent the unit state, and "
                "in a handler in Python flags are changed with charms.reactive.set_flag()" % _shown(holder)
            )
    who = " (process %s)" % ", ".join(map(_shown, named)) if named else ""
    return "another process holds it%s; see which one with: fuser %s" % (who, path or "FILE")


def _holders(path: str) -> List[int]:
    """The processes that hold a lock on a file, by what the kernel says."""
    try:
        inode = os.stat(path).st_ino
        with open("/proc/locks", encoding="ascii") as locks:
            lines = [line.split() for line in locks]
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for fields in lines:
        # 1: POSIX ADVISORY WRITE 4711 fe:00:131074 1073741824 1073741825
        # Who waits has an arrow behind the first number.
        if len(fields) > 5 and fields[1] == "POSIX" and fields[5].rpartition(":")[2] == str(inode):
            pid = int(fields[4])
            if pid > 0 and pid not in found:
                found.append(pid)
    return found


def _ancestors() -> List[int]:
    found: List[int] = []
    pid = os.getppid()
    try:
        while pid > 1 and len(found) < _MOST_ANCESTORS:
            found.append(pid)
            with open("/proc/%d/stat" % pid, "rb") as stat:
                pid = int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        pass  # somebody else's, or gone
    return found


def _shown(pid: int) -> str:
    """A process for people: its id, and how it was started."""
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            words = file.read(300).rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        words = ""
    return "%d: %s" % (pid, words) if words else str(pid)
