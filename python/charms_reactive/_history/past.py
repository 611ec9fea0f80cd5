"""The unit's memory, read: its last hooks, as ``_dispatch/memory.py`` has written them."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from charms_reactive._dispatch import memory
from charms_reactive._errors import ReactiveError
from charms_reactive._unit_state import hook_file, processes
from charms_reactive.testing.explain import Record

__all__ = ["Hook", "HistoryError", "Place", "read"]

#: The ways in which a hook ends, and that it has not.
SUCCEEDED, FAILED, KILLED, RUNNING, UNKNOWN = "succeeded", "failed", "killed", "running", "unknown"


class HistoryError(ReactiveError):
    """The unit's memory, its state or a snapshot cannot be read, or does not tell what was asked."""


@dataclass(frozen=True)
class Place:
    """Where the unit is whose memory is read.

    Attributes:
        charm_dir: its charm directory.
        state: the file of its unit state.
    """

    charm_dir: Path
    state: Path

    @classmethod
    def here(cls) -> Place:
        """The unit of this hook context, of ``CHARM_DIR``, or of the current directory."""
        return cls.of(Path(os.environ.get("CHARM_DIR") or "."), os.environ.get("UNIT_STATE_DB"))

    @classmethod
    def of(cls, charm_dir: Path, state: Optional[str] = None) -> Place:
        """The unit with this charm directory.

        Raises:
            HistoryError: it is none.
        """
        if not charm_dir.is_dir():
            raise HistoryError("there is no directory %s" % charm_dir)
        place = cls(charm_dir.absolute(), Path(state) if state else charm_dir.absolute() / ".unit-state.db")
        charm = any((charm_dir / name).is_file() for name in ("metadata.yaml", "charmcraft.yaml"))
        if not charm and not place.state.exists() and not place.file.exists():
            raise HistoryError(
                "%s is not the directory of a charm: set CHARM_DIR to that of the unit, for example "
                "/var/lib/juju/agents/unit-app-0/charm" % charm_dir.absolute()
            )
        return place

    @property
    def file(self) -> Path:
        """The file of the memory."""
        return Path(memory.file_of(str(self.state)))


@dataclass(frozen=True)
class Hook:
    """One hook that the unit remembers.

    Attributes:
        number: 1 for the last one, 2 for the one before it, and so on.
        name: of the hook or action.
        is_action: which of the two.
        at: when it began, in seconds since 1970.
        about: what Juju says it was about: ``relation``, ``unit``, ``storage``, …
        unit: the unit's name.
        end: how it ended: ``succeeded``, ``failed``, ``killed``, ``running``, or ``unknown``.
        inside: the handler that was invoked last.
        told: what it has told when it ended, as ``_dispatch/memory.py`` describes it; empty if nothing.
        given: the state in which it began (``state``) and its environment (``variables``), where the setting
            was ``full``; else empty.
        handlers: that were registered, each with phases, conditions and predicates; ``None`` if that is not
            known.
    """

    number: int
    name: str
    is_action: bool
    at: float
    about: Mapping[str, str]
    unit: str
    version: str
    engine: str
    end: str
    inside: str
    told: Mapping[str, Any] = field(repr=False)
    given: Mapping[str, Any] = field(repr=False)
    handlers: Optional[List[List[Any]]] = field(repr=False)

    @property
    def shown(self) -> str:
        """Its name, as commands take it."""
        return "action:" + self.name if self.is_action else self.name

    @property
    def took(self) -> Optional[float]:
        """Milliseconds from the beginning of its process to its end; ``None`` if it has told of none."""
        return self.told.get("took")

    @property
    def error(self) -> Optional[Mapping[str, Any]]:
        """How it has failed: ``type``, ``handler``, ``where``, ``undone``; of our own errors ``text``."""
        return self.told.get("error")

    @property
    def events(self) -> List[Tuple[Any, ...]]:
        """What happened in it, in order."""
        return [tuple(event) for event in self.told.get("events", ())]

    @property
    def cut(self) -> bool:
        """Whether it did more than is remembered of one hook."""
        return bool(self.told.get("cut") or self.told.get("omitted"))

    @property
    def ran(self) -> List[Tuple[str, float, float]]:
        """Id of each handler that ran, when it was invoked and how long it took, in milliseconds."""
        return [(id, began, took) for id, began, took in self.told.get("ran", ())]

    @property
    def tools(self) -> List[Tuple[str, float, float]]:
        """The same of each hook tool that was called."""
        return [(name, began, took) for name, began, took in self.told.get("tools", ())]

    @property
    def changes(self) -> List[Tuple[str, bool, str]]:
        """Each change of a flag in order: whether it was set, and by whom.

        Who it was is the id of a handler; ``the framework`` before any has run; a trigger in one of these, or
        a process that it has started; or ``another process``.
        """
        running, found = "the framework", []
        for event in self.events:
            if event[0] == "invoke":
                running = event[1]
            elif event[0] in ("set", "clear"):
                how = event[2] if len(event) > 2 else ""
                who = running
                if how == "trigger":
                    who = "a trigger, in %s" % running
                elif how == "child":
                    who = "a process of %s" % running
                elif how == "outside":
                    who = "another process"
                found.append((event[1], event[0] == "set", who))
        return found

    @property
    def record(self) -> Optional[Record]:
        """The hook as a record, which can tell why a handler ran; ``None`` if it has not told enough."""
        if self.handlers is None or "events" not in self.told or self.told.get("cut"):
            return None
        known = declared(self.handlers, self.told.get("heard", {}))
        return Record({"handlers": known, "events": self.told["events"]})


def declared(handlers: List[List[Any]], heard: Mapping[str, Any] = {}) -> List[Dict[str, Any]]:
    """The handlers of the memory as a record has them.

    Args:
        handlers: each with id, phases, conditions, predicates and edges; the last two may be missing.
        heard: by id, which edges it had heard of when the hook ended.
    """
    return [
        {
            "id": row[0],
            "phases": row[1],
            "conditions": row[2],
            "predicates": row[3] if len(row) > 3 else [],
            "edges": row[4] if len(row) > 4 else [],
            "heard": heard.get(row[0], []),
        }
        for row in handlers
    ]


def read(place: Place) -> List[Hook]:
    """The hooks that a unit remembers, oldest first; whatever cannot be read of the file is left out.

    Raises:
        HistoryError: there is no memory, or the file cannot be opened.
    """
    path = place.file
    try:
        fd = os.open(str(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise HistoryError(
            "%s: no hook has left anything there. A hook does if Juju runs it with this version of "
            "charms.reactive, unless the option reactive-history or CHARMS_REACTIVE_HISTORY is 0" % path
        ) from None
    except OSError as error:
        raise HistoryError("%s cannot be read: %s" % (path, error.strerror)) from None
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise HistoryError("%s is no regular file" % path)
        data = file.read()
    return _hooks(data, place)


def _hooks(data: bytes, place: Place) -> List[Hook]:
    begun: List[Dict[str, Any]] = []
    ended: Dict[str, Dict[str, Any]] = {}
    given: Dict[str, Dict[str, Any]] = {}
    tables: Dict[int, List[List[Any]]] = {}
    at = 0
    for line in data.split(b"\n"):
        found = _parsed(line)
        # Whose hook it is is a text; of another version, or damaged, it may be anything.
        if isinstance(found.get("begin"), str):
            begun.append(found)
        elif isinstance(found.get("end"), str):
            ended[found["end"]] = found
        elif isinstance(found.get("given"), str):
            given[found["given"]] = found
        elif "handlers" in found:
            tables[at] = found["handlers"]
        at += len(line) + 1
    hooks = []
    for number, line_of_begin in zip(range(len(begun), 0, -1), begun):
        told = ended.get(line_of_begin["begin"], {})
        try:
            hook = _hook(number, line_of_begin, told, tables, place)
            hooks.append(replace(hook, given=given.get(line_of_begin["begin"], {})))
        except (KeyError, TypeError, ValueError):
            continue  # of another version, or damaged
    return hooks


def _parsed(line: bytes) -> Dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}  # a disk was full, or a machine went down
    return found if isinstance(found, dict) else {}


def _hook(
    number: int,
    begin: Mapping[str, Any],
    told: Mapping[str, Any],
    tables: Mapping[int, List[List[Any]]],
    place: Place,
) -> Hook:
    return Hook(
        number=number,
        name=str(begin["hook"]),
        is_action=bool(begin.get("action")),
        at=float(begin["at"]),
        about=dict(begin.get("about", {})),
        unit=str(begin.get("unit", "")),
        version=str(begin.get("version", "")),
        engine=str(begin.get("engine", "")),
        end=_end(begin, told, place),
        inside=str(begin.get("in", "")).strip(),
        told=told,
        given={},
        handlers=tables.get(int(told.get("table", "0"))) if told else None,
    )


def _end(begin: Mapping[str, Any], told: Mapping[str, Any], place: Place) -> str:
    if told:
        return FAILED if told.get("error") else SUCCEEDED
    process = str(begin.get("process", ""))
    lives = hook_file.lives(process, str(place.state)) if process else None
    if lives is True or (lives is None and processes.lives_here(process)):
        return RUNNING  # one beside or inside of another is in no hook file
    if lives is False or (process and processes.is_gone(process)):
        return KILLED
    return UNKNOWN
