"""What a process that runs something of a charm may not do, kept by an audit hook of the interpreter.

It holds for Python code of the charm, which has no way to take an audit hook away; for what is compiled it
does not, which is why no library that is not Python's own is loaded by ``ctypes``.
"""

from __future__ import annotations

import os
import re
import resource
import sys
from typing import Any, Dict, Iterable, List, NoReturn, Set, Tuple

__all__ = ["confine", "limit"]

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_NEVER = frozenset(
    [
        "subprocess.Popen",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "pty.spawn",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
        "syslog.openlog",
        "syslog.syslog",
        "webbrowser.open",
    ]
)

# Events about paths: where among their arguments those stand, and the directories that they are relative to.
_CHANGES = {
    "os.chflags": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.lchown": ((0, None),),
    "os.link": ((0, 2), (1, 3)),
    "os.lockf": (),
    "os.mkdir": ((0, 2),),
    "os.mkfifo": ((0, 2),),
    "os.mknod": ((0, 3),),
    "os.remove": ((0, 1),),
    "os.removexattr": ((0, None),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.setxattr": ((0, None),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
    "shutil.chown": ((0, None),),
    "shutil.copyfile": ((1, None),),
    "shutil.move": ((0, None), (1, None)),
    "shutil.rmtree": ((0, None),),
    "shutil.unpack_archive": ((1, None),),
}
_LOOKS = frozenset(["os.listdir", "os.scandir", "os.chdir", "os.walk", "glob.glob"])

_FILES = frozenset(
    [
        "/dev/null",
        "/dev/urandom",
        "/dev/random",
        "/dev/zero",
        "/etc/debian_version",
        "/etc/group",
        "/etc/hosts",
        "/etc/localtime",
        "/etc/lsb-release",
        "/etc/mime.types",
        "/etc/nsswitch.conf",
        "/etc/os-release",
        "/etc/passwd",
        "/etc/timezone",
        "/etc/ld.so.cache",
    ]
)


def limit(seconds: float) -> None:
    """Limits of the operating system for this process."""
    wanted = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_FSIZE, 64 << 20),
        (resource.RLIMIT_AS, 4 << 30),
    )
    for kind, most in wanted:
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def confine(directory: str, readable: Iterable[str]) -> None:
    """Refuse, from now on and for as long as this process lives, whatever reaches out of a directory.

    Args:
        directory: in which everything may be done.
        readable: files and directories that may be read besides.
    """
    sys.addaudithook(_Fence(directory, readable).look)


class _Fence:
    """What may be done, by the events that Python's functions tell an audit hook of."""

    def __init__(self, directory: str, readable: Iterable[str]) -> None:
        self._own = os.path.realpath(directory)
        process = os.getpid()
        self._readable = {os.path.realpath(path) for path in readable if path}
        self._readable.update([self._own, "/proc/self", "/proc/%d" % process])
        self._process = process
        self._known: Dict[str, bool] = {}

    def look(self, event: str, arguments: Tuple[Any, ...]) -> None:
        """Let an event be, or raise an exception, which takes its place."""
        if event == "open":
            self._open(*arguments)
        elif event in _NEVER:
            self._refuse("starts nothing and connects to nothing: %s %r" % (event, arguments[:2]))
        elif event in _CHANGES:
            for at, directory_at in _CHANGES[event]:
                given = directory_at is not None and directory_at < len(arguments)
                self._change(arguments[at], arguments[directory_at or 0] if given else -1)
        elif event in _LOOKS:
            if arguments and arguments[0] is not None and not self._may_read(arguments[0]):
                self._refuse("looks into no directory of its user: %r" % (arguments[0],))
        elif event == "sqlite3.connect":
            name = os.fsdecode(arguments[0])
            if name not in ("", ":memory:"):
                self._change(re.sub("^file:|[?].*$", "", name))
        elif event == "ctypes.dlopen":
            if arguments and arguments[0] is not None:
                self._refuse("loads no library by ctypes: %r" % (arguments[0],))
        elif event in ("os.killpg", "signal.pthread_kill") or (
            event == "os.kill" and arguments[0] != self._process
        ):
            self._refuse("sends no signals")

    def _open(self, path: Any, _: Any, flags: Any) -> None:
        if path is None or isinstance(path, int):
            return  # it was opened already, and looked at then
        if isinstance(flags, int) and flags & _WRITES:
            self._change(path)
        elif not self._may_read(path):
            self._refuse("reads no file of its user: %r" % (path,))

    def _may_read(self, path: Any) -> bool:
        real = self._whole(path, -1)
        found = self._known.get(real)
        if found is None:
            found = real in _FILES or not self._readable.isdisjoint(_above(real))
            self._known[real] = found
        return found

    def _change(self, path: Any, relative_to: Any = -1) -> None:
        real = self._whole(path, relative_to)
        if real != "/dev/null" and self._own not in _above(real):
            self._refuse("changes nothing outside of its directory: %r" % (path,))

    def _whole(self, path: Any, relative_to: Any) -> str:
        if isinstance(path, int):
            return self._own
        text = os.fsdecode(path)
        if isinstance(relative_to, int) and relative_to >= 0 and not os.path.isabs(text):
            text = os.path.join(os.readlink("/proc/self/fd/%d" % relative_to), text)
        return os.path.realpath(text)

    def _refuse(self, what: str) -> NoReturn:
        raise PermissionError("a charm that is being read %s" % what)


def _above(path: str) -> Set[str]:
    """A path, and every directory above it."""
    found = {path}
    while len(path) > 1:
        path = os.path.dirname(path)
        found.add(path)
    return found


def pythons_own() -> List[str]:
    """The directories in which Python and what is installed into it stands."""
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]
    return [
        *found,
        os.path.dirname(os.path.realpath(sys.executable)),
        "/usr/lib",
        "/usr/share/zoneinfo",
        "/lib",
        "/lib64",
    ]
