"""The simulated Juju side of one unit: in this process, or in a directory that executables share."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, ContextManager, Dict, List, Optional, Type, Union

    #: What a side holds; see ``new_juju``.
    Juju = Dict[str, Any]


class Side:
    """What the hook tools of one unit ask, change and record; the interface of both kinds.

    Attributes:
        context: the id of the hook that runs now, which its processes have in ``JUJU_CONTEXT_ID``; empty
            between hooks, when tools are refused; ``None`` if any id will do.
    """

    if TYPE_CHECKING:

        @property
        def context(self) -> Optional[str]: ...

        @context.setter
        def context(self, context: Optional[str]) -> None: ...

    def read(self) -> Juju:
        """What is there now; not to be changed."""
        raise NotImplementedError

    def change(self) -> ContextManager[Juju]:
        """What is there, for a change, which is kept if the block ends well.

        A block refuses what it has to refuse before it changes anything: a :class:`MemorySide` has no copy to
        return to.
        """
        raise NotImplementedError

    def record(self, line: List[Any]) -> None:
        """Add to the record of calls.

        Args:
            line: ``[seconds since the epoch, process id, tool, [argument, ...]]`` for a call, and
                ``[seconds, process id, exit status]`` after one that was refused.
        """
        raise NotImplementedError


class MemorySide(Side):
    """The Juju side of a unit whose hooks run in this process.

    Args:
        juju: what it holds, as ``new_juju`` makes it. It is used as it is, not copied.
        context: see :class:`Side`.

    Attributes:
        juju: what it holds.
        calls: the lines that were recorded.
    """

    def __init__(self, juju: Juju, context: Optional[str] = None) -> None:
        self.juju = juju
        self.calls: List[List[Any]] = []
        self.context = context

    def read(self) -> Juju:
        return self.juju

    def change(self) -> ContextManager[Juju]:
        return self

    def record(self, line: List[Any]) -> None:
        self.calls.append(line)

    def __enter__(self) -> Juju:
        return self.juju

    def __exit__(self, *failure: object) -> None:
        pass


class FileSide(Side):
    """The Juju side of a unit whose hook tools are executables.

    Args:
        directory: which holds

            ==============  =======================================================================
            ``juju.json``   what ``new_juju`` has made; replaced whole, under a lock
            ``lock``        that lock
            ``context``     the id of the hook that runs now
            ``calls``       the record: one line of JSON for each
            ==============  =======================================================================
    """

    def __init__(self, directory: Union[str, os.PathLike[str]]) -> None:
        self.directory = os.fspath(directory)

    @property
    def context(self) -> Optional[str]:
        """See :class:`Side`; can be set."""
        with open(os.path.join(self.directory, "context"), encoding="utf-8") as file:
            return file.read()

    @context.setter
    def context(self, context: Optional[str]) -> None:
        with open(os.path.join(self.directory, "context"), "w", encoding="utf-8") as file:
            file.write(context or "")

    def read(self) -> Juju:
        import json

        with open(os.path.join(self.directory, "juju.json"), encoding="utf-8") as file:
            juju: Juju = json.load(file)
        return juju

    def write(self, juju: Juju) -> None:
        """Replace everything; whoever may not be alone takes :meth:`change`."""
        import json

        path = os.path.join(self.directory, "juju.json")
        # Not json.dump(), which never uses the C encoder.
        text = json.dumps(juju, indent=1, sort_keys=True)
        with open(path + ".new", "w", encoding="utf-8") as new:
            new.write(text)
        os.replace(path + ".new", path)

    def change(self) -> ContextManager[Juju]:
        return _Change(self)

    def record(self, line: List[Any]) -> None:
        # In one write, so that lines of processes never mix.
        calls = os.open(
            os.path.join(self.directory, "calls"),
            os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC,
            0o600,
        )
        try:
            os.write(calls, _as_json(line))
        finally:
            os.close(calls)

    @property
    def calls(self) -> List[List[Any]]:
        """The lines that were recorded; an empty list can be set."""
        import json

        try:
            with open(os.path.join(self.directory, "calls"), encoding="ascii") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []

    @calls.setter
    def calls(self, lines: List[List[Any]]) -> None:
        with open(os.path.join(self.directory, "calls"), "wb") as file:
            file.write(b"".join([_as_json(line) for line in lines]))


def _as_json(line: List[Any]) -> bytes:
    """A line of the record, without the time that importing json takes."""
    try:
        from _json import encode_basestring_ascii as quoted
    except ImportError:
        from json import dumps as quoted
    parts = []
    for field in line:
        if isinstance(field, (list, tuple)):
            parts.append("[%s]" % ",".join([quoted(word) for word in field]))
        else:
            parts.append(quoted(field) if isinstance(field, str) else repr(field))
    return ("[%s]\n" % ",".join(parts)).encode("ascii")


class _Change:
    """The Juju side in a directory, held for a change: locked, and replaced when the block ends well."""

    def __init__(self, side: FileSide) -> None:
        self.side = side

    def __enter__(self) -> Juju:
        import fcntl

        path = os.path.join(self.side.directory, "lock")
        self.lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX)
            self.juju = self.side.read()
        except BaseException:
            os.close(self.lock)
            raise
        return self.juju

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        try:
            if kind is None:
                self.side.write(self.juju)
        finally:
            os.close(self.lock)
