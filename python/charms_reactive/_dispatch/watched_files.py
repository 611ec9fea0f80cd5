"""Changed files: what each handler has seen of the files it waits for.

1.5.x keeps one hash per file and updates it whenever anybody asks, so that of two handlers one
runs, and a question is as good as an answer. Here each handler has a row of its own for each file,
written when the handler is invoked; asking writes nothing. The shared row is still written, for
``any_file_changed`` and for 1.5.x.
"""

from __future__ import annotations

import os
import sys

from charms_reactive import handlers
from charms_reactive._unit_state import unit_state
from charms_reactive._unit_state.rows import storable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Sequence, Union

    Filename = Union[str, "os.PathLike[str]", Callable[[], Any]]


SHARED = "reactive.files_changed."
_SEEN = unit_state.FILES_SEEN


def file_hash(path: str, hash_type: str = "md5") -> Optional[str]:
    """The hash of a file's content in hexadecimal; ``None`` if there is no such file.

    Args:
        path: the file.
        hash_type: any algorithm of ``hashlib``.
    """
    asked: Any = getattr(sys.modules.get("charmhelpers.core.host"), "file_hash", None)
    if asked is not None and getattr(asked, "__module__", None) != "charmhelpers.core.host":
        answer: Optional[str] = asked(path, hash_type=hash_type)
        return answer  # of what a test has put in the place of charmhelpers' own, which 1.5.x asks
    if not os.path.exists(path):
        return None
    import hashlib  # most hooks hash nothing

    digest = hashlib.new(hash_type)
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def name_of(filename: Filename) -> str:
    """A file's name, from a name, a path or a function that returns one."""
    return str(filename()) if callable(filename) else str(filename)


class FileWatch:
    """What one handler has seen of its files.

    Args:
        handler: name of the handler that stays the same when lines are added above it.
        filenames: names, paths or functions that return one.
        hash_type: any algorithm of ``hashlib``.
    """

    def __init__(self, handler: str, filenames: Sequence[Filename], hash_type: str = "md5") -> None:
        self._handler = handler
        self._filenames = self.watched = tuple(filenames)
        self._hash_type = hash_type
        handlers.file_watches.append(self)

    def _key(self, name: str) -> str:
        return storable("%s%s:%s" % (_SEEN, self._handler, name))

    def _names(self) -> List[str]:
        return [name_of(filename) for filename in self._filenames]

    def take_baseline(self) -> None:
        """Start from what the shared row says, where this handler has seen nothing yet."""
        for filename in self._filenames:
            if callable(filename):
                continue  # its name may not be known before the handlers run
            self._baseline(str(filename))

    def _baseline(self, name: str) -> Any:
        unit = unit_state.unit
        missing = object()
        seen = unit.get(self._key(name), missing)
        if seen is missing:
            seen = unit.get(storable(SHARED + name))
            unit.set(self._key(name), seen)
        return seen

    def changed(self) -> bool:
        """Whether a file differs from what the handler has seen."""
        return any(file_hash(name, self._hash_type) != self._baseline(name) for name in self._names())

    def consume(self) -> None:
        """The handler sees the files now."""
        for name in self._names():
            current = file_hash(name, self._hash_type)
            unit_state.unit.set(self._key(name), current)
            unit_state.unit.set(storable(SHARED + name), current)
