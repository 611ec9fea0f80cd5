"""A unit state that is not charmhelpers', but a mock or a store that unit tests of charms have put there.

It is asked for what 1.5.x asked of ``unitdata.kv()``, and nothing else: ``get``, ``set``, ``getrange``,
``unset``, ``unsetrange``, ``update`` and ``flush``. What it answers is the caller's to make sense of, as it
always was. There is no transaction, and nothing to undo.
"""

from __future__ import annotations

from charms_reactive._errors import UnitStateError

from .rows import CLEAR_TRIGGERS, FLAGS, REMOVED, SET_TRIGGERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Tuple

__all__ = ["StandIn"]


class StandIn:
    """The rows, and beside them the engine as far as its flags are asked for.

    It takes the engine's place for callers that ask about flags: those of a stand-in need not be strings.

    Args:
        storage: what ``unitdata.kv()`` has returned.
        engine: the engine, which knows the triggers.
    """

    def __init__(self, storage: Any, engine: Any) -> None:
        self.storage = storage
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    # -- flags, as the engine answers ----------------------------------------------------------
    def _names(self) -> Any:
        found = self.storage.getrange(FLAGS, strip=True) or {}
        try:
            return list(found.keys())
        except (AttributeError, TypeError):
            kind = type(self.storage)
            raise UnitStateError(
                None,
                "read",
                "a test has put a %s.%s in the place of unitdata.kv(), and its getrange(%r, strip=True) "
                "gives a %s and no mapping"
                % (kind.__module__, kind.__qualname__, FLAGS, type(found).__name__),
            ) from None

    def flags(self) -> List[Any]:
        """The flags that are set, sorted."""
        return sorted(self._names())

    def is_set(self, flag: Any) -> bool:
        """Whether a flag is set."""
        return flag in self._names()

    def all_set(self, flags: Iterable[Any]) -> bool:
        """Whether all of the flags are set."""
        names = self._names()
        return all(flag in names for flag in flags)

    def any_set(self, flags: Iterable[Any]) -> bool:
        """Whether any of the flags is set."""
        names = self._names()
        return any(flag in names for flag in flags)

    def load(self) -> None:
        """Tell the engine which flags are set."""
        self._engine.load([name for name in self._names() if isinstance(name, str)])

    def change(self, flag: Any, on: bool) -> List[Tuple[int, str, int]]:
        """What a change of a flag entails; a mock of a flag has no triggers."""
        if not isinstance(flag, str):
            return []
        self.load()
        effects: List[Tuple[int, str, int]] = self._engine.change(flag, on) or []
        return effects

    # -- rows ----------------------------------------------------------------------------------
    def get(self, key: str, default: Any) -> Any:
        return self.storage.get(key, default)

    def getrange(self, prefix: str) -> Any:
        return self.storage.getrange(prefix, strip=True) or {}

    def joined(self, prefix: str) -> str:
        found: Dict[str, Any] = dict(self.getrange(prefix))
        return "".join(str(found[key]) for key in sorted(found))

    def set(self, key: str, value: object) -> None:
        self.storage.set(key, value)

    def unset(self, key: str) -> None:
        self.storage.unset(key)

    def write_flag(self, flag: Any, on: bool, value: object) -> None:
        if on:
            self.storage.update({flag: value}, prefix=FLAGS)
        else:
            self.storage.unset("%s%s" % (FLAGS, flag))
            self.storage.set(REMOVED, True)

    def drop_triggers(self) -> None:
        for prefix in (SET_TRIGGERS, CLEAR_TRIGGERS):
            self.storage.unsetrange(prefix=prefix)

    def flush(self) -> None:
        self.storage.flush()
