"""The hook file: which hooks have not succeeded, and the proof whether the last of them goes on.

It lies beside the unit state's file. A hook writes its name behind those that are in it, and holds a
lock on it for as long as it lives; one that succeeds deletes it. So it has the hooks since the last one
that succeeded, and whether the last of them goes on is the kernel's word: it drops the lock with the
process, however that ends, and says so in every namespace.

The commands that shell handlers run import this without the framework.
"""

from __future__ import annotations

import os

from .processes import is_gone, new_hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

__all__ = ["HookFile", "has_ended", "lives", "write_down"]

# What follows the name of the unit state's file; SQLite's own files beside it are named in that way.
_SUFFIX = "-hook"

# A name has about a hundred bytes. After some thousand failures in a row the oldest are forgotten.
_LONGEST = 1 << 18

_OPEN = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW

# How long to wait for the lock: somebody who asks holds it for a moment, another hook for long.
_TRIES = 100
_PAUSE = 0.002


# -- evidence -----------------------------------------------------------------------------------
def lives(hook: str, state: str) -> Optional[bool]:
    """What the hook file says of a hook of the unit whose state is in a file.

    Returns:
        ``True`` if it goes on; ``False`` if it has failed or was killed, and none has succeeded since;
        ``None`` if the file does not tell.
    """
    if not state:
        return None  # it is in memory
    path = os.path.realpath(state) + _SUFFIX
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        names = _names(fd)
        if hook not in names:
            return None
        if names[-1] != hook:
            return False
        import fcntl  # most commands come upon no hook

        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            # Another hook may have begun since the names were read.
            return _names(fd)[-1:] == [hook]
        return False
    except OSError:
        return None
    finally:
        os.close(fd)


def _names(fd: int) -> List[str]:
    """The hooks in the file, the oldest first."""
    data = os.pread(fd, os.fstat(fd).st_size, 0)
    return data.decode("utf-8", "replace").split("\n")[:-1]


def has_ended(hook: str, state: str) -> bool:
    """Whether it is certain that a hook which is about to be undone goes on no longer.

    Where the hook file does not tell, because it was deleted, or the unit state was copied to another place,
    the process has to be gone for certain.
    """
    told = lives(hook, state)
    return is_gone(hook) if told is None else not told


def write_down(hook: str, state: str) -> None:
    """Say in the hook file that a hook is lost, which is about to be undone and is not in it."""
    if not state or lives(hook, state) is not None:
        return
    import fcntl

    try:
        fd = os.open(os.path.realpath(state) + _SUFFIX, _OPEN, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)  # none goes on, so that it may stand last
            os.write(fd, hook.encode("utf-8", "replace") + b"\n")
        finally:
            os.close(fd)
    except OSError:
        pass  # what it has left running is taken for anybody else's


# -- the hook's own side ------------------------------------------------------------------------
class HookFile:
    """The hook file as the hook has it that holds its lock.

    Attributes:
        hook: the hook's name; of a hook that does not get the lock, one that is in no file.
    """

    def __init__(self, state: str) -> None:
        """Begin a hook. Without the lock, because another hook has it or there can be none, it goes on.

        Args:
            state: the unit state's file; empty for one that is in memory.
        """
        self._path = os.path.realpath(state) + _SUFFIX if state else ""
        self._fd: Optional[int] = None
        self.hook = new_hook()
        if not state:
            return
        try:
            for attempt in range(_TRIES):
                if attempt:
                    import time

                    time.sleep(_PAUSE)
                    self.hook = new_hook()  # nobody may take one for dead that is written down without a lock
                if self._try():
                    return
        except OSError:
            pass
        self.hook = new_hook()

    def _try(self) -> bool:
        import fcntl

        fd = os.open(self._path, _OPEN, 0o600)
        try:
            # In this order, so that at no moment the lock seems to be that of the hook before.
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if not self._has_path(fd):
                return False  # the hook before has succeeded and deleted it meanwhile
            if os.fstat(fd).st_size > _LONGEST:
                os.ftruncate(fd, 0)
            os.write(fd, self.hook.encode("ascii") + b"\n")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._has_path(fd) and _names(fd)[-1:] == [self.hook]:
                self._fd, fd = fd, -1
                return True
            return False
        except BlockingIOError:
            return False
        finally:
            if fd >= 0:
                os.close(fd)

    def _has_path(self, fd: int) -> bool:
        """Whether it is still the file of that path."""
        try:
            return os.path.samestat(os.fstat(fd), os.stat(self._path))
        except OSError:
            return False

    def end(self, succeeded: bool) -> None:
        """End the hook: it has succeeded, and whatever those before it have left may go on, or it is lost."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        try:
            if succeeded and self._has_path(fd):
                os.unlink(self._path)
        except OSError:
            pass  # then they may not, until another one has succeeded
        finally:
            os.close(fd)

    def let_go(self) -> None:
        """Leave the lock to the process that this one is a fork of."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
