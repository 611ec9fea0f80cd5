"""The hook tools of a simulated unit: what Juju's tools answer, from a description of the Juju side.

A hook of a simulated unit finds an executable for every tool on its ``PATH``, as a hook of a real unit does;
each is this package, copied into the unit's ``juju/lib`` and started under the tool's name. A hook that runs
in the test's own interpreter is answered by the same code, without a process, through :func:`call`.

Interface:

- :class:`Side` is the simulated Juju side of one unit: :class:`MemorySide` within this process,
  :class:`FileSide` in a directory, for executables.
- :func:`new_juju`, :func:`new_relation` and :func:`new_secret` make what a side holds. Their documentation is
  the description of every key.
- :func:`call` is one call of a tool. :func:`settle` is what Juju does after the hook: what was buffered takes
  effect, or is forgotten.
- :func:`tools_of` are the tools that a version of Juju has; :data:`TOOLS` are all there are here.
- :func:`install` writes a directory with executables for a :class:`FileSide`; :func:`main` is what they run.

The module of a tool is imported when that tool is called: a hook spawns dozens of these processes, so
start-up is what counts, and ``juju-log``, the most frequent tool, needs no more than an append to a file. For
the same reason the names of this package are found when they are first asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from .command import TOOLS, RefusedError, UsageError, call, describe, log_entry, tools_of
    from .installation import install
    from .juju_side import new_juju, new_relation, new_secret, update
    from .program import main
    from .settling import settle
    from .side import FileSide, MemorySide, Side

_HOMES = {
    "FileSide": "side",
    "MemorySide": "side",
    "RefusedError": "command",
    "Side": "side",
    "TOOLS": "command",
    "UsageError": "command",
    "call": "command",
    "describe": "command",
    "install": "installation",
    "log_entry": "command",
    "main": "program",
    "new_juju": "juju_side",
    "new_relation": "juju_side",
    "new_secret": "juju_side",
    "settle": "settling",
    "tools_of": "command",
    "update": "juju_side",
}

__all__ = [
    "FileSide",
    "MemorySide",
    "RefusedError",
    "Side",
    "TOOLS",
    "UsageError",
    "call",
    "describe",
    "install",
    "log_entry",
    "main",
    "new_juju",
    "new_relation",
    "new_secret",
    "settle",
    "tools_of",
    "update",
]


def __getattr__(name: str) -> object:
    """One of the names above, from the module that has it."""
    if name not in _HOMES:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    found: object = getattr(__import__(__name__ + "." + _HOMES[name], fromlist=[name]), name)
    globals()[name] = found
    return found
