"""``inspect`` for layer:status and charmhelpers.

The one asks in every hook which layers are on the stack, the other for the source of what is deprecated when
it is called. ``inspect.stack()`` reads the source of each frame and looks at every module to find it, and
importing ``inspect`` takes the parser and the disassembler: 10 ms and more for a few names of files. What
else is asked of this module is answered by the real one, which is imported then.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, List, Optional

__all__ = ["FrameInfo", "stack"]


class FrameInfo(tuple):  # type: ignore[type-arg]
    """One frame, as ``inspect.FrameInfo``; its lines of source are read when they are asked for by name."""

    __slots__ = ()

    frame = property(lambda self: self[0])
    filename = property(lambda self: self[1])
    lineno = property(lambda self: self[2])
    function = property(lambda self: self[3])

    code_context = property(lambda self: self._read("code_context"))
    index = property(lambda self: self._read("index"))

    def __getattr__(self, name: str) -> Any:
        return self._read(name)

    def _read(self, name: str) -> Any:
        import inspect

        return getattr(inspect.getframeinfo(self[0], 1), name)


def stack(context: int = 1) -> List[Any]:  # noqa: ARG001 -- as inspect has it
    """The frames of whoever calls, the innermost first, without the lines of source around them."""
    found: List[Any] = []
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        found.append(FrameInfo((frame, code.co_filename, frame.f_lineno, code.co_name, None, None)))
        frame = frame.f_back
    return found


def __getattr__(name: str) -> Any:
    import inspect

    return getattr(inspect, name)
