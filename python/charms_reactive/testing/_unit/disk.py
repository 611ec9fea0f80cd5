"""What a unit keeps on disk: the files of its charm directory, and the rows of its unit state."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from charmhelpers.core import unitdata

from charms_reactive.testing.errors import CharmError

from .charm import Charm

FLAG_ROWS = "reactive.states."

# Not files of the charm: the unit state, which is read as rows, and what Python leaves behind.
_NOT_FILES = (".unit-state.db", "__pycache__")
_TABLES = ("hooks", "kv", "kv_revisions")


class CharmFiles:
    """The copy of a charm in which hooks run: brought to a state's files before one, and read after it.

    Args:
        charm: which is copied.
        directory: of the copy; made.
    """

    def __init__(self, charm: Charm, directory: Path) -> None:
        charm.copy_to(directory)
        self.directory = directory
        self._take(charm, self._look())

    def refresh(self, charm: Charm) -> None:
        """Unpack another revision of the charm as Juju does: what only the one before had is deleted."""
        fresh = self.directory.with_name(self.directory.name + ".new")
        charm.copy_to(fresh)
        names = [name for name, _ in _walk(str(fresh), "")]
        for name in set(self._pristine) - set(names):
            with contextlib.suppress(FileNotFoundError):
                (self.directory / name).unlink()
        for path in sorted(fresh.rglob("*")):
            target = self.directory / path.relative_to(fresh)
            if path.is_dir() and not path.is_symlink():
                target.mkdir(exist_ok=True)
            else:
                os.replace(path, target)
        shutil.rmtree(fresh)
        now = self._look()
        self._take(charm, {name: now[name] for name in names})

    def _take(self, charm: Charm, pristine: Dict[str, Tuple[int, int, int]]) -> None:
        """Take these files for the charm's own, as they are now."""
        self._source = charm.directory
        self._pristine = pristine
        self._kept = {
            # What a hook overwrites is taken from here: the original may have no such file, or may change.
            name: (self.directory / name).read_bytes()
            for name, (_, size, _) in pristine.items()
            if size <= 65536
        }

    def restore(self, files: Mapping[str, Optional[bytes]]) -> None:
        """Make the directory the charm's own, but for these files."""
        now = self._look()
        for name, stamp in self._pristine.items():
            if now.get(name) != stamp and name not in files:
                self._reset(name)
        for name in now:
            if name not in self._pristine and files.get(name) is None:
                self._path(name).unlink()
        for name, content in files.items():
            path = self._path(name)
            if content is None:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
            elif name not in now or now[name][1] != len(content) or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def changed(self) -> Dict[str, Optional[bytes]]:
        """The files that differ from the charm's own: path to content, ``None`` for one that is gone."""
        now = self._look()
        found: Dict[str, Optional[bytes]] = {name: None for name in self._pristine if name not in now}
        for name, stamp in now.items():
            if self._pristine.get(name) != stamp:
                content = (self.directory / name).read_bytes()
                if self._kept.get(name) != content:
                    found[name] = content
        return found

    def _reset(self, name: str) -> None:
        """Put one of the charm's own files back."""
        path = self.directory / name
        _, _, mode = self._pristine[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in self._kept:
            path.write_bytes(self._kept[name])
        else:
            shutil.copyfile(self._source / name, path)
        path.chmod(mode & 0o7777)
        found = path.stat()
        self._pristine[name] = (found.st_mtime_ns, found.st_size, found.st_mode)

    def _path(self, name: str) -> Path:
        """The place of a file that a state names.

        Raises:
            CharmError: it is not in the charm directory.
        """
        path = self.directory / name
        if os.path.isabs(name) or ".." in Path(name).parts:
            raise CharmError("the file %r of the state is not in the charm directory" % name)
        return path

    def _look(self) -> Dict[str, Tuple[int, int, int]]:
        """Every regular file: when it was written, its size and mode."""
        return dict(_walk(str(self.directory), ""))


def _walk(directory: str, prefix: str) -> Iterator[Tuple[str, Tuple[int, int, int]]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(_NOT_FILES):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, prefix + entry.name + "/")
            elif entry.is_file(follow_symlinks=False):
                found = entry.stat(follow_symlinks=False)
                yield prefix + entry.name, (found.st_mtime_ns, found.st_size, found.st_mode)


# -- the unit state ---------------------------------------------------------------------------------
_template: Optional[bytes] = None


def _empty_unit_state() -> bytes:
    """A unit state without rows, as charmhelpers makes it."""
    global _template
    if _template is None:
        storage = unitdata.Storage(":memory:")
        made = storage.conn.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        storage.close()
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "state")
            # Written by charmhelpers it would be waited for until it is on the disk: up to 20 ms.
            _fill(path, (), [statement for (statement,) in made])
            _template = path.read_bytes()
    return _template


def deployed(unit: str) -> str:
    """The charm directory that Juju would give a unit of this name.

    It stands in states for the directory that a unit happens to have here, since charms and the framework
    keep paths of their files in the unit state: a state means the same to every unit of the name.
    """
    return "/var/lib/juju/agents/unit-%s/charm" % unit.replace("/", "-")


def write_rows(
    path: Path,
    moved: Tuple[str, str],
    flags: Iterable[str],
    values: Mapping[str, Any],
    stored: Mapping[str, Any],
    tables: Iterable[str] = (),
) -> None:
    """Write a unit state with exactly these rows.

    Args:
        path: of the file; replaced.
        moved: a path in keys and values, and what is written for it.
        flags: that are set.
        values: of those flags that have one.
        stored: other rows by key, with their values before they become JSON.
        tables: SQL that makes and fills tables of the charm's own.
    """
    for leftover in ("-journal", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(str(path) + leftover)
    rows = [(FLAG_ROWS + flag, json.dumps(values.get(flag))) for flag in flags]
    rows += [(key, json.dumps(value)) for key, value in stored.items()]
    rows = [(key.replace(*moved), data.replace(*moved)) for key, data in rows]
    statements = tuple(tables)
    content = (tuple(rows), statements)
    data = _written.pop(content, None)
    if data is None:
        path.write_bytes(_empty_unit_state())
        _fill(path, rows, statements)
        data = path.read_bytes()
    else:
        path.write_bytes(data)
    path.chmod(0o600)
    if len(data) <= _LONGEST_KEPT:
        _written[content] = data  # the last, which goes last
        while len(_written) > _KEPT:
            del _written[next(iter(_written))]


#: Files of the unit states written last, by their content: suites run many hooks in few states.
_written: Dict[Tuple[Tuple[Tuple[str, str], ...], Tuple[str, ...]], bytes] = {}
_KEPT, _LONGEST_KEPT = 32, 1 << 17


def _fill(path: Path, rows: Sequence[Tuple[str, str]], statements: Sequence[str]) -> None:
    """Add rows to a unit state, and then do what the statements say; nothing is opened for nothing."""
    if not rows and not statements:
        return
    with contextlib.closing(sqlite3.connect(str(path))) as database:
        database.execute("PRAGMA synchronous = OFF")  # only this process's own test depends on it
        database.execute("PRAGMA journal_mode = OFF")
        if rows:  # else there may be no table yet
            database.executemany("INSERT INTO kv (key, data) VALUES (?, ?)", rows)
        for statement in statements:
            database.execute(statement)
        database.commit()


class Rows:
    """The rows of a unit state, read once.

    Args:
        path: of the file; there need not be one.
        moved: a path in keys and values, and what is read for it.

    Attributes:
        flags: that are set.
        values: of those flags that have one.
        stored: other rows by key.
        tables: SQL that makes and fills tables of the charm's own.
    """

    def __init__(self, path: Path, moved: Tuple[str, str]) -> None:
        self.flags: List[str] = []
        self.values: Dict[str, Any] = {}
        self.stored: Dict[str, Any] = {}
        self.tables: Tuple[str, ...] = ()
        if not path.exists():
            return
        with contextlib.closing(sqlite3.connect(str(path))) as database:
            known = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            if "kv" not in known:
                return
            for key, data in database.execute("SELECT key, data FROM kv ORDER BY key"):
                key, value = key.replace(*moved), json.loads(data.replace(*moved))
                if not key.startswith(FLAG_ROWS):
                    self.stored[key] = value
                    continue
                flag = key[len(FLAG_ROWS) :]
                self.flags.append(flag)
                if value is not None:
                    self.values[flag] = value
            own = {name for name in known if not name.startswith("sqlite_")} - set(_TABLES)
            if own:
                self.tables = tuple(_dumped(database, own))


def _dumped(database: sqlite3.Connection, names: Iterable[str]) -> Iterator[str]:
    """SQL for tables, and what belongs to them, of the charm's own."""
    wanted = set(names)
    statements = database.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    for name, table, sql in statements.fetchall():
        if name not in wanted or (table in _TABLES and name in _TABLES):
            continue
        yield sql
        if name != table:
            continue
        quoted = '"%s"' % name.replace('"', '""')
        rows = database.execute("SELECT * FROM %s" % quoted).fetchall()
        for row in rows:
            text = ", ".join(database.execute("SELECT quote(?)", (value,)).fetchone()[0] for value in row)
            yield "INSERT INTO %s VALUES (%s)" % (quoted, text)
