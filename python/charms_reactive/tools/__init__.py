"""Tools for people who maintain a reactive charm: they read it, and tell what is wrong or will be.

``charms.reactive lint``, ``charms.reactive graph`` and ``charms.reactive check-1.5`` are made of one reading
of the charm. No hook imports anything of this.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
from typing import List

#: The modules of the commands.
COMMANDS = {
    "lint": "charms_reactive.tools._lint.command",
    "graph": "charms_reactive.tools._graph.command",
    "check-1.5": "charms_reactive.tools._moving.command",
}

# The beginnings of options with which no charm is loaded; of others a process is started in vain at most.
_LOADS_NOTHING = ("--no-l", "-h", "--he", "--expl", "--ru")


def main(words: List[str]) -> int:
    """Run one of the commands, with the framework or without it.

    Args:
        words: its name, and what follows that.

    Returns:
        The exit status.
    """
    # This process makes a tree of each file, keeps them all, and ends: there is nothing to collect.
    gc.disable()
    loads = not any(word.startswith(_LOADS_NOTHING) for word in words)
    if loads:
        from ._charm import child_process

        # While this process imports its tools and reads the charm, that one imports the desk.
        with contextlib.suppress(OSError):  # where none can be started, the command says so
            child_process.start_waiting("load")
    try:
        return int(importlib.import_module(COMMANDS[words[0]]).main(words[1:]))
    except BrokenPipeError:
        sys.stdout = None  # whoever read it has seen enough
        return 0
    finally:
        if loads:
            child_process.drop_waiting()
