"""The unit's memory of its last hooks: a file beside the unit state, of which each hook writes its lines.

A hook appends one line when it begins and one when it has ended, well or not, so that one that was killed is
known by the first alone. Lines are JSON objects; ``charms_reactive._history.memory`` reads them.

================ ====================================================================================
``begin``        a name for the hook, which no other has; with ``hook``, ``action`` if it is one, ``at``
                 (seconds since 1970), ``about`` (what Juju says that it is about), ``unit``, ``version``,
                 ``engine``, ``process``, and ``in``, the handler that was invoked last, which is written over
``end``          that name; with ``took`` and ``spent`` (milliseconds), ``flags`` (how many were set),
                 ``events``, ``ran`` and ``tools`` (as in ``notes``, times in milliseconds), ``status``, and
                 ``error``, if it has failed
``given``        that name; with ``state``, as ``State.to_json`` has it, in which the hook began, and
                 ``variables``, what Juju told in its environment: with the setting ``full`` alone
``handlers``     the handlers of the charm with their conditions, written where they are not those of the
                 hook before
``"table"``      at the end of ``end`` lines: where in the file the line of the handlers begins; and
                 ``"hooks"``, how many hooks are in the file, from its beginning
================ ====================================================================================

The file has mode 0600 and is written to only if it is a regular file with one name. No hook fails for want of
it, and none waits for it. It is made shorter by a new file that takes its place, when it has twice as many
hooks as are kept, or comes near a megabyte. Where that cannot be done, nothing more is written.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from errno import EEXIST
from time import perf_counter, sleep, time

from charms_reactive._engine.choice import ALL, ANY, NONE, NOT_ALL
from charms_reactive._unit_state import unit_state
from charms_reactive._unit_state.rows import HISTORY_SUFFIX
from charms_reactive._version import __version__
from charms_reactive.handlers import PHASE_NAMES, Handler, hearing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from .notes import Notes

__all__ = ["KEPT", "KINDS", "LARGEST", "Memory", "file_of", "in_words", "shorten", "shortened"]

#: So many hooks are kept, unless the setting says another number.
KEPT = 50

#: The file never has more bytes than that.
LARGEST = 1 << 20

# A line of more than that tells less, and a table of handlers is left out.
_LONGEST_LINE = 100_000
_LONGEST_TABLE = 200_000
_LONGEST_GIVEN = 200_000

# From that size on the file is made shorter, so that it never comes to have more than it may.
_ENOUGH = LARGEST - _LONGEST_LINE - _LONGEST_TABLE - _LONGEST_GIVEN - 50_000

_HANDLER_ROOM = 160

_OPEN = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

#: Variables of Juju that say what a hook is about. None of them is a value.
_ABOUT = {
    "JUJU_RELATION_ID": "relation",
    "JUJU_REMOTE_UNIT": "unit",
    "JUJU_REMOTE_APP": "application",
    "JUJU_DEPARTING_UNIT": "departing",
    "JUJU_STORAGE_ID": "storage",
    "JUJU_SECRET_ID": "secret",
    "JUJU_WORKLOAD_NAME": "workload",
}

KINDS = {ALL: "all", ANY: "any", NONE: "none", NOT_ALL: "not_all"}

# What stands at the end of each line of an ended hook, so that the next one need not read the others.
_TAIL = ',"table":"%010d","hooks":"%05d"}\n'


def file_of(state: str) -> str:
    """The file of the memory of the unit whose state is in a file; empty for a state in memory."""
    return os.path.realpath(state) + HISTORY_SUFFIX if state and ":memory:" not in state else ""


class Memory:
    """What one hook writes.

    Args:
        notes: of the hook.

    Attributes:
        begun: it is known whether anything is to be written, and what.
    """

    def __init__(self, notes: Notes) -> None:
        self.begun = False
        self._keep = KEPT
        self._notes = notes
        self._at = time() - (perf_counter() - notes.began)
        self._name = ""
        self._path = ""
        self._slot = 0
        self._fd: Optional[int] = None

    @property
    def remembers(self) -> bool:
        """Whether this hook has said that it has begun, so that it can be looked up."""
        return self._fd is not None

    def begin(self, name: str, is_action: bool, keep: int, whole: bool) -> None:
        """Say that the hook has begun.

        Args:
            name: of the hook or action.
            is_action: which of the two.
            keep: how many hooks there are to be in the file; 0 for nothing.
            whole: write also what is needed to run the hook again, values among it.
        """
        self.begun = True
        self._keep = keep
        state = unit_state.unit._path()
        if not keep or unit_state.unit.stand_in is not None or not isinstance(state, str):
            return
        self._path = file_of(state)
        self._name = os.urandom(6).hex()
        line: Dict[str, Any] = {"begin": self._name, "hook": name, "at": round(self._at, 3)}
        if is_action:
            line["action"] = True
        get = os.environ.get
        about = {name: value for variable, name in _ABOUT.items() for value in (get(variable),) if value}
        if about:
            line["about"] = about
        line.update(
            unit=get("JUJU_UNIT_NAME", ""),
            version=__version__,
            engine="pure" if unit_state.unit.engine.__module__.endswith("pure") else "native",
            process=unit_state.unit.hook or "",
        )
        text = _dumps(line)[:-1] + ',"in":"'
        try:
            fd, size = self._append((text + " " * _HANDLER_ROOM + '"}\n').encode())
        except Exception:  # noqa: BLE001 -- no hook fails for want of a memory
            return
        self._slot = size + len(text)
        self._fd = fd
        self._notes.on_invoke = self._note_handler
        if whole:
            self._write_what_is_given(is_action)

    def _write_what_is_given(self, is_action: bool) -> None:
        """Write the state in which the hook begins, as far as the unit and Juju tell it."""
        from charms_reactive._juju import environment, hook_tools

        from . import unit_as_state  # only who wants to run hooks again

        try:
            rows = unit_state.unit._query("SELECT key, CAST(data AS TEXT) FROM kv")
            charm_dir = environment.hookenv.charm_dir() or ""
            state = unit_as_state.about_rows(rows, charm_dir, os.environ.get("JUJU_UNIT_NAME", ""))
            hook_tools.tell(None)  # these calls are none of the hook's
            told, missing = unit_as_state.about_juju()
            state.update(told)
            given = {"given": self._name, "variables": unit_as_state.variables(), "missing": missing}
            if is_action:
                given["parameters"] = unit_as_state.parameters()
            line = _dumps({**given, "state": state}) + "\n"
            if len(line) > _LONGEST_GIVEN:
                line = _dumps({**given, "too_long": len(line)}) + "\n"
            fd = self._open()
            try:
                _written(fd, line.encode())
            finally:
                os.close(fd)
        except Exception:  # noqa: BLE001 -- no hook fails for want of a memory
            pass
        finally:
            hook_tools.tell(self._notes)

    def _note_handler(self, id: str) -> None:
        """Say over the last one which handler is invoked now, for whoever finds that the hook was killed."""
        if self._fd is not None:
            shown = id[:_HANDLER_ROOM]
            if not (shown.isascii() and shown.isprintable()) or '"' in shown or "\\" in shown:
                shown = "".join(one if " " <= one <= "~" and one not in '"\\' else "?" for one in shown)
            try:
                os.pwrite(self._fd, shown.ljust(_HANDLER_ROOM).encode(), self._slot)
            except OSError:
                pass

    def _append(self, data: bytes) -> Tuple[int, int]:
        """Write at the end of the file; the open file, without ``O_APPEND``, and where the data begin.

        Raises:
            OSError: it cannot be written, or something else than a regular file has its name.
        """
        fd = self._open()
        try:
            size = os.fstat(fd).st_size
            if size > _ENOUGH:  # hooks that were killed have left it so
                os.close(fd)
                fd = -1
                shorten(self._path, self._keep)
                fd = self._open()
                size = os.fstat(fd).st_size
            if size and os.pread(fd, 1, size - 1) != b"\n":
                data = b"\n" + data  # the line before was not finished
            written = os.write(fd, data)
            end = os.lseek(fd, 0, os.SEEK_CUR)
            if written < len(data):
                raise OSError("the disk is full")
            fcntl.flock(fd, fcntl.LOCK_UN)
            fcntl.fcntl(fd, fcntl.F_SETFL, 0)
            return fd, end - len(data) + (data[:1] == b"\n")
        except BaseException:
            if fd >= 0:
                os.close(fd)
            raise

    def _open(self) -> int:
        """The file, made if it is not there, locked so that nobody puts another one in its place."""
        for _ in range(20):
            fd = os.open(self._path, _OPEN | os.O_CREAT, 0o600)
            try:
                _refuse_others(fd)
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(fd), os.stat(self._path)):
                    found, fd = fd, -1
                    return found
            except BlockingIOError:
                sleep(0.001)  # it is being made shorter
            finally:
                if fd >= 0:
                    os.close(fd)
        raise OSError(EEXIST, "it is locked")

    def end(self) -> None:
        """Say how the hook has ended, and see that the file does not grow for ever."""
        if self._fd is None:
            return
        os.close(self._fd)
        self._fd = None
        self._notes.on_invoke = None
        self._notes.enter("")
        try:
            table = _table()
            fd = self._open()
            try:
                place, hooks = self._place_of(fd, table)
                if place < 0:
                    if len(table) <= _LONGEST_TABLE:
                        place = _written(fd, table)
                    else:
                        place = 0
                _written(fd, self._line(place, hooks + 1))
                size = os.fstat(fd).st_size
            finally:
                os.close(fd)
            if hooks + 1 >= 2 * self._keep or size > _ENOUGH:
                shorten(self._path, self._keep)
        except Exception:  # noqa: BLE001 -- the hook has ended: nobody could do anything about it
            pass

    def _place_of(self, fd: int, table: bytes) -> Tuple[int, int]:
        """Where the table of handlers stands, -1 if the last hook had another; how many hooks there are."""
        size = os.fstat(fd).st_size
        data = os.pread(fd, 8192, max(0, size - 8192))
        found = data.rfind(b',"table":"')
        try:
            place, hooks = int(data[found + 10 : found + 20]), int(data[found + 31 : found + 36])
        except ValueError:
            # The first hook, a long line of one that was killed, or nothing that can be read.
            return -1, 0 if size < 8192 else 2 * self._keep
        # Those that were killed count as well; the last of them is this one.
        hooks += max(0, data.count(b'{"begin":"', found) - 1)
        if place and os.pread(fd, len(table), place) == table:
            return place, hooks
        return -1, hooks

    def _line(self, place: int, hooks: int) -> bytes:
        notes = self._notes
        line: Dict[str, Any] = {
            "end": self._name,
            "took": _ms(perf_counter() - notes.began),
            "spent": {part: _ms(seconds) for part, seconds in notes.spent.items()},
            "flags": notes.flags,
        }
        if notes.partly:
            line["partly"] = True
        if notes.omitted:
            line["omitted"] = notes.omitted
        line["events"] = notes.events
        line["ran"] = [[id, _ms(began), _ms(seconds)] for id, began, seconds in notes.ran]
        line["called"] = notes.called
        line["tools"] = [[name, _ms(began), _ms(seconds)] for name, began, seconds in notes.tools]
        if hearing:
            line["heard"] = _heard()
        if notes.status is not None:
            line["status"] = notes.status
        if notes.error is not None:
            line["error"] = notes.error
        text = _dumps(line)
        if len(text) > _LONGEST_LINE:
            line.update(events=[], tools=[], cut=True)
            line["ran"] = line["ran"][:200]
            text = _dumps(line)
        return (text[:-1] + _TAIL % (place, hooks)).encode()


_TAIL_LENGTH = len(_TAIL % (0, 0))

_dumps = json.JSONEncoder(separators=(",", ":")).encode


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _written(fd: int, data: bytes) -> int:
    """Where data begin that are written at the end of a file.

    Raises:
        OSError: the disk is full.
    """
    if os.write(fd, data) < len(data):
        raise OSError("the disk is full")
    return os.lseek(fd, 0, os.SEEK_CUR) - len(data)


def _refuse_others(fd: int) -> None:
    """Refuse what is no regular file of its own, and see that nobody else can read it.

    Raises:
        OSError: it is something else.
    """
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise FileExistsError(EEXIST, "something that is no regular file of its own has this name")
    if stat.S_IMODE(found.st_mode) != 0o600:
        os.fchmod(fd, 0o600)


def _table() -> bytes:
    """The line of the handlers that are registered now."""
    rows: List[List[Any]] = []
    for handler in Handler.get_handlers():
        row: List[Any] = [
            handler._action_id,
            [name for phase, name in PHASE_NAMES.items() if handler._phases & phase],
            [[KINDS[kind], flags] for kind, flags in handler._conditions],
        ]
        if handler._predicates or handler._edges:
            row.append([in_words(predicate) for predicate in handler._predicates])
        if handler._edges:
            row.append(handler._edges)
        rows.append(row)
    return (_dumps({"handlers": rows}) + "\n").encode()


def _heard() -> Dict[str, Any]:
    """What each handler of edges has heard of, when the hook ends; by its id."""
    heard = unit_state.unit.engine.heard
    return {one._action_id: heard(one._number) for one in hearing if one._number is not None}


def in_words(predicate: Any) -> str:
    """A predicate as a charm's author wrote it, as far as that can be told."""
    function: Any = getattr(predicate, "func", predicate)  # of a partial
    name = getattr(function, "__name__", type(predicate).__name__)
    arguments: Any = getattr(predicate, "args", ())
    if name == "any_hook":
        return "@hook(%s)" % ", ".join(map(repr, arguments))
    if name == "_is_action":
        return "@action(%s)" % ", ".join(map(repr, arguments))
    if name == "_is_hook":
        return "@%s" % arguments[0].replace("-", "_")
    if name == "_not_done_before":
        return "@only_once"
    if name == "not_in_hook":
        return "@unless_hook(%s)" % ", ".join(map(repr, arguments))
    if name == "is_new":
        return str(predicate.__self__)
    watched = getattr(getattr(predicate, "__self__", None), "_filenames", None)
    if watched is not None:
        shown = [name if isinstance(name, str) else getattr(name, "__name__", str(name)) for name in watched]
        return "@when_file_changed(%s)" % ", ".join(map(repr, shown))
    return "the predicate %s()" % getattr(function, "__qualname__", name)


# -- keeping it short -----------------------------------------------------------------------------------
def shorten(path: str, keep: int) -> None:
    """Put a file in its place that has no more than the last hooks, in half of the bytes that it may have.

    Raises:
        OSError: it cannot be done, or somebody else does it.
    """
    fd = os.open(path, _OPEN)
    try:
        _refuse_others(fd)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(fd), os.stat(path)):
            return
        data = os.pread(fd, os.fstat(fd).st_size, 0)
        new = path + ".new"
        try:
            os.unlink(new)  # of one that was killed
        except FileNotFoundError:
            pass
        to = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            left = shortened(data, keep, _ENOUGH // 2)
            if os.write(to, left) < len(left):
                raise OSError("the disk is full")
            os.replace(new, path)
        except BaseException:
            os.unlink(new)
            raise
        finally:
            os.close(to)
    finally:
        os.close(fd)


def shortened(data: bytes, keep: int, most: int) -> bytes:
    """The lines of the last hooks, with the tables of handlers that they name.

    Args:
        data: of the file.
        keep: how many hooks.
        most: how many bytes.
    """
    begins: List[bytes] = []
    ends: Dict[bytes, bytes] = {}
    given: Dict[bytes, bytes] = {}
    for line in data.splitlines(keepends=True):
        if line.startswith(b'{"begin":"') and line.endswith(b'"}\n'):
            begins.append(line)
        elif line.startswith(b'{"end":"') and line.endswith(b'"}\n'):
            ends[line[8:20]] = line
        elif line.startswith(b'{"given":"') and line.endswith(b"}\n"):
            given[line[10:22]] = line
    kept: List[bytes] = []  # from the last one back
    tables: Dict[int, bytes] = {}
    size = 0
    for line in reversed(begins[-keep:]):
        ended = ends.get(line[10:22], b"")
        place = int(ended[10 - _TAIL_LENGTH : 20 - _TAIL_LENGTH]) if ended else 0
        table = data[place : data.find(b"\n", place) + 1] if place and place not in tables else b""
        line += given.get(line[10:22], b"")
        if size + len(line) + len(ended) + len(table) > most:
            break
        size += len(line) + len(ended) + len(table)
        kept.append(line)
        if table:
            tables[place] = table
    out = bytearray()
    at: Dict[int, int] = {}
    for number, line in enumerate(reversed(kept), 1):
        ended = ends.get(line[10:22], b"")
        if ended:
            place = int(ended[10 - _TAIL_LENGTH : 20 - _TAIL_LENGTH])
            if place and place not in at:
                # Behind the first byte, so that none stands at 0, which means that there is none.
                if not out:
                    out += b"\n"
                at[place] = len(out)
                out += tables[place]
            ended = ended[:-_TAIL_LENGTH] + (_TAIL % (at.get(place, 0), number)).encode()
        out += line + ended
    return bytes(out)
