"""Juju's log: what the framework has to say is gathered, and written when control passes to other code.

Where the agent can be asked, lines go to it in order. Where ``juju-log`` is a process, there is one for each
level.
"""

from __future__ import annotations

import subprocess
import sys

from charms_reactive._errors import HookToolError

from .environment import hookenv, is_own
from .hook_tools import agent_usable, asking, remarks, tool_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Tuple

__all__ = ["DEBUG", "ERROR", "INFO", "WARNING", "hand_over", "log"]

DEBUG = "DEBUG"
INFO = "INFO"
WARNING = "WARNING"
ERROR = "ERROR"

# What the framework has to say waits here until control passes to code that is not ours.
_waiting: List[Tuple[str, str]] = []

#: Set from the log setting when a hook starts; ``off`` silences INFO and DEBUG.
quiet = False

# The kernel takes at most 128 KiB in one argument of a process.
_LONGEST = 120000


def log(message: str, level: str = INFO) -> None:
    """Gather a message for Juju's log; :func:`hand_over` writes it."""
    if quiet and level in (INFO, DEBUG):
        return
    _waiting.append((level, message))
    if not is_own("log"):
        hand_over()  # whoever has put another one there, a test or a charm, may look at once


def hand_over() -> None:
    """Write what was gathered, before code that is not ours goes on.

    Raises:
        HookToolError: ``juju-log`` does not come back.
    """
    while _waiting:
        in_order = False
        if asking() is not subprocess:  # after each handler, so only those who have an agent look for it
            in_order = agent_usable()
            for level, message in remarks():
                log(message, level)
        gathered = _taken()
        for level, messages in _in_order(gathered) if in_order else _by_level(gathered):
            for text in _pieces("\n".join(messages).replace("\0", "\\0")):
                _write_log(text, level)


def _taken() -> List[Tuple[str, str]]:
    """What waits, one by one: of two threads that are here at once, each message goes to one."""
    taken: List[Tuple[str, str]] = []
    try:
        while True:
            taken.append(_waiting.pop(0))
    except IndexError:
        return taken


def _by_level(gathered: List[Tuple[str, str]]) -> List[Tuple[str, List[str]]]:
    """All messages of a level together, for as few processes as can be."""
    levels: Dict[str, List[str]] = {}
    for level, message in gathered:
        levels.setdefault(level, []).append(message)
    return list(levels.items())


def _in_order(gathered: List[Tuple[str, str]]) -> List[Tuple[str, List[str]]]:
    """Messages as they came; those of one level that follow each other are together."""
    runs: List[Tuple[str, List[str]]] = []
    for level, message in gathered:
        if not runs or runs[-1][0] != level:
            runs.append((level, []))
        runs[-1][1].append(message)
    return runs


def _pieces(text: str) -> List[str]:
    """The text in parts that fit on a command line, cut at line ends where possible."""
    if len(text) <= _LONGEST and text.isascii():
        return [text]
    data = text.encode("utf-8", "backslashreplace")
    pieces = []
    while len(data) > _LONGEST:
        cut = data.rfind(b"\n", 0, _LONGEST)
        if cut <= 0:
            cut = _LONGEST
            while data[cut] & 0xC0 == 0x80:  # never inside a character
                cut -= 1
        pieces.append(data[:cut])
        data = data[cut:].lstrip(b"\n")
    pieces.append(data)
    return [piece.decode("utf-8") for piece in pieces]


def _write_log(text: str, level: str) -> None:
    if not is_own("log"):
        hookenv.log(text, level)  # a charm or a test has put its own log there
        return
    # As charmhelpers does it, but a juju-log that hangs must not hang the unit for ever.
    timeout = tool_timeout()
    try:
        status = asking().call(["juju-log", "-l", level, text], timeout=timeout)
    except FileNotFoundError:
        print("juju-log: %s: %s" % (level, text), file=sys.stderr)
    except subprocess.TimeoutExpired:
        print("juju-log did not come back; it was to log:\n%s: %s" % (level, text), file=sys.stderr)
        reason = "no answer after %g s; see whether the Juju agent lives" % timeout
        raise HookToolError("juju-log", reason) from None
    except OSError as error:
        raise HookToolError("juju-log", "cannot be run: %s" % error) from error
    except HookToolError:
        print("juju-log: %s: %s" % (level, text), file=sys.stderr)
        raise
    else:
        if status:
            # Nothing that is logged may be lost, and a hook that can go on should.
            print("juju-log failed with exit status %d; it was to log:" % status, file=sys.stderr)
            print("%s: %s" % (level, text), file=sys.stderr)
