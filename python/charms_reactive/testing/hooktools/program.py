"""The program of every hook tool: started under a tool's name, it is that tool."""

from __future__ import annotations

import os
import sys

from .command import call
from .side import FileSide

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Be the tool under whose name this process was started, for the directory above ``lib``, and end."""
    directory = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    tool = os.path.basename(sys.argv[0])

    def stdin() -> bytes:
        return sys.stdin.buffer.read()

    status, stdout, stderr = call(FileSide(directory), tool, sys.argv[1:], os.environ, stdin)
    for number, data in ((1, stdout), (2, stderr)):
        while data:
            try:
                data = data[os.write(number, data) :]
            except OSError:  # Whoever asked does not want to know: a pipe that was closed.
                status = status or 1
                break
    if tool == "juju-reboot" and status == 0 and FileSide(directory).read()["reboot"] == "now":
        kill_hook(os.environ["JUJU_CONTEXT_ID"], os.getppid())
    # Nothing is left to be written or joined, so the interpreter need not be taken down tidily.
    os._exit(status)


def kill_hook(context: str, process: int) -> None:
    """Kill the process of the hook that a process belongs to, as Juju does for ``juju-reboot --now``.

    That is the first of its ancestors that was started with the hook's id in its environment, or itself.
    """
    import signal

    mark = ("JUJU_CONTEXT_ID=" + context).encode("utf-8", "surrogateescape")
    hook = 0
    try:
        while process > 1:
            with open("/proc/%d/environ" % process, "rb") as file:
                if mark not in file.read().split(b"\0"):
                    break
            hook = process
            with open("/proc/%d/stat" % process, "rb") as file:
                process = int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        pass  # Somebody else's process, so none of the hook.
    if hook:
        os.kill(hook, signal.SIGKILL)
