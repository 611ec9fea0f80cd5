"""What has changed since a handler ran, and what it has run for: values, files and keys, each by its digest.

As with edges, asking writes nothing, and what is seen counts once the handler has succeeded.
"""

from __future__ import annotations

import json

from charms_reactive._errors.rare import HandlerUseError
from charms_reactive._juju import environment, settings
from charms_reactive._unit_state import unit_state
from charms_reactive._unit_state.rows import storable
from charms_reactive.helpers import any_hook

from .watched_files import file_hash, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Union

    from .watched_files import Filename

    #: What ``once_per`` takes: a key, or a function that finds it.
    Key = Union[str, int, Callable[[], Any]]

__all__ = ["ChangeWatch", "OncePer", "not_in_hook", "watch_of_words"]

_SEEN = "reactive.seen."
_ONCE = "reactive.once."


def _digest(value: Any, whose: str) -> str:
    """A digest of anything that JSON can hold.

    Raises:
        HandlerUseError: it cannot.
    """
    try:
        text = json.dumps(value, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise HandlerUseError("%s is to be something that JSON can hold: %s" % (whose, error)) from None
    import hashlib  # most hooks hash nothing

    return hashlib.sha256(text.encode()).hexdigest()[:32]


class ChangeWatch:
    """What one handler has seen of options, of what functions return, and of files.

    Args:
        handler: a name for the handler that stays the same when its charm is edited.
        options: names of options of the charm.
        functions: functions that return something that JSON can hold.
        files: names, paths or functions that return one.
    """

    def __init__(
        self,
        handler: str,
        options: Sequence[str],
        functions: Sequence[Callable[[], Any]],
        files: Sequence[Filename],
    ) -> None:
        self._row = storable(_SEEN + handler)
        self._options = tuple(options)
        self._functions = tuple(functions)
        self._files = tuple(files)
        self.watched = (self._options, self._functions, self._files)
        self._taken: Dict[str, Optional[str]] = {}

    def _now(self) -> Dict[str, Optional[str]]:
        """The digests of all as they are; ``None`` for what is not there."""
        now: Dict[str, Optional[str]] = {}
        if self._options:
            config = settings.config()
            for option in self._options:
                value = config.get(option)
                now["config " + option] = None if value is None else _digest(value, "option " + option)
        for number, function in enumerate(self._functions):
            name = getattr(function, "__qualname__", type(function).__qualname__)
            value = function()
            now["data %d" % number] = None if value is None else _digest(value, "what %s() returns" % name)
        for filename in self._files:
            name = name_of(filename)
            now["file " + name] = file_hash(name, "sha256")
        return now

    def is_new(self) -> bool:
        """Whether anything differs from what the handler has seen."""
        seen = unit_state.unit.get(self._row, {})
        return any(digest != seen.get(what) for what, digest in self._now().items())

    def take(self) -> None:
        """The handler sees it now."""
        self._taken = self._now()

    def remember(self) -> None:
        """Keep what the handler has seen, which has succeeded."""
        unit_state.unit.set(self._row, self._taken)

    def __str__(self) -> str:
        shown = ["config=%r" % option for option in self._options]
        shown += ["data=%s" % getattr(function, "__qualname__", "…") for function in self._functions]
        shown += ["file=%r" % (one if isinstance(one, str) else str(one)) for one in self._files]
        return "@when_changed(%s)" % ", ".join(shown)


class OncePer:
    """For which keys one handler has run.

    Args:
        handler: a name for the handler that stays the same when its charm is edited.
        key: a key, or a function that finds it; for ``None`` the handler does not run.
    """

    def __init__(self, handler: str, key: Key) -> None:
        self._row = storable(_ONCE + handler)
        self._key = key
        self.watched = (key,)
        self._taken: Optional[str] = None

    def _now(self) -> Optional[str]:
        key: Any = self._key() if callable(self._key) else self._key
        return None if key is None else _digest(key, "the key of @once_per")

    def is_new(self) -> bool:
        """Whether the handler has not run for the key."""
        now = self._now()
        return now is not None and now not in unit_state.unit.get(self._row, [])

    def take(self) -> None:
        """The handler runs for the key as it is now."""
        self._taken = self._now()

    def remember(self) -> None:
        """Keep that the handler has run, and succeeded."""
        done: List[str] = unit_state.unit.get(self._row, [])
        if self._taken is not None and self._taken not in done:
            unit_state.unit.set(self._row, [*done, self._taken])

    def __str__(self) -> str:
        key = getattr(self._key, "__qualname__", None) if callable(self._key) else repr(self._key)
        return "@once_per(%s)" % (key or "…")


def watch_of_words(test: str, handler: str, words: Sequence[str]) -> Union[ChangeWatch, OncePer]:
    """What a decorator of a bash script watches.

    Args:
        test: ``when_changed`` or ``once_per``.
        handler: as of the two classes.
        words: its arguments.

    Raises:
        ValueError: they make no sense.
    """
    if test == "once_per":
        if len(words) != 1:
            raise ValueError("@once_per takes one key")
        return OncePer(handler, words[0])
    named: Dict[str, List[str]] = {"config": [], "file": []}
    for word in words:
        what, _, name = word.partition("=")
        if what not in named or not name:
            raise ValueError("@when_changed takes config=NAME and file=PATH, and not %r" % word)
        named[what].append(name)
    return ChangeWatch(handler, named["config"], (), named["file"])


def not_in_hook(*patterns: str) -> bool:
    """Whether the hook matches none of the patterns; an action matches none."""
    return environment.hook_name() == "" or not any_hook(*patterns)
