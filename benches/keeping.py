"""Records: kept, fetched, listed, saved, deleted and found; ours, plain sqlite3 with json, and peewee.

Each function is a workload of ``workloads.py``'s kind and imports only what its environment has. All of it
happens in one open transaction, as in a hook.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from time import process_time
from typing import Any, Callable, Dict, List

Times = List[float]

#: What is done to each record, in order; ``list`` reads all at once.
STEPS = "create", "get", "list", "save", "delete"


def _fields(number: int) -> Dict[str, Any]:
    return {"name": "node-%d" % number, "address": "10.0.0.%d" % number, "weight": number % 100, "up": True}


def _timed(steps: Dict[str, Callable[[], Any]], records: int, times: Dict[str, Times]) -> None:
    for name, step in steps.items():
        begin = process_time()
        found = step()
        times.setdefault(name, []).append((process_time() - begin) / records)
        if found is not None and found != records:
            raise RuntimeError("%s found %d records" % (name, found))


def keep_plain(records: int, repeat: int) -> Dict[str, Times]:
    """Rows with JSON, as one writes it by hand."""
    directory = tempfile.mkdtemp(prefix="reactive-bench-")
    conn = sqlite3.connect(os.path.join(directory, "plain.db"), isolation_level=None)
    conn.execute("CREATE TABLE kv (key TEXT PRIMARY KEY, data TEXT)")
    prefix = "reactive.records.Node."
    held: List[Dict[str, Any]] = []

    def create() -> None:
        for number in range(records):
            fields = _fields(number)
            row = (prefix + fields["name"], json.dumps(fields))
            conn.execute("INSERT INTO kv (key, data) VALUES (?, ?)", row)

    def get() -> int:
        held.clear()
        for number in range(records):
            key = "%snode-%d" % (prefix, number)
            row = conn.execute("SELECT data FROM kv WHERE key = ?", (key,)).fetchone()
            held.append(json.loads(row[0]))
        return len(held)

    def everything() -> int:
        bounds = (prefix, prefix[:-1] + "/")
        rows = conn.execute("SELECT key, data FROM kv WHERE key >= ? AND key < ? ORDER BY key", bounds)
        return len([json.loads(data) for _, data in rows])

    def save() -> None:
        for fields in held:
            fields["weight"] += 1
            row = (json.dumps(fields), prefix + fields["name"])
            conn.execute("UPDATE kv SET data = ? WHERE key = ?", row)

    def delete() -> None:
        for fields in held:
            conn.execute("DELETE FROM kv WHERE key = ?", (prefix + fields["name"],))

    times: Dict[str, Times] = {}
    try:
        for _ in range(repeat):
            conn.execute("BEGIN IMMEDIATE")
            _timed(dict(zip(STEPS, (create, get, everything, save, delete))), records, times)
            conn.execute("ROLLBACK")
    finally:
        conn.close()
        shutil.rmtree(directory)
    return times


def _in_unit_state(directory: str) -> None:
    os.environ.update(
        CHARM_DIR=directory,
        UNIT_STATE_DB=os.path.join(directory, "unit-state.db"),
        JUJU_UNIT_NAME="bench/0",
        JUJU_HOOK_NAME="config-changed",
    )


def keep_ours(records: int, repeat: int) -> Dict[str, Times]:
    """Records of the unit state."""
    directory = tempfile.mkdtemp(prefix="reactive-bench-")
    _in_unit_state(directory)
    from charmhelpers.core import unitdata

    from charms.reactive.records import Record

    class Node(Record, key="name"):
        name: str
        address: str = ""
        weight: int = 0
        up: bool = False

    held: List[Any] = []

    def create() -> None:
        for number in range(records):
            Node.create(**_fields(number))

    def get() -> int:
        held[:] = [Node.get("node-%d" % number) for number in range(records)]
        return len(held)

    def everything() -> int:
        return len(Node.all())

    def save() -> None:
        for node in held:
            node.weight += 1
            node.save()

    def delete() -> None:
        for node in held:
            node.delete()

    times: Dict[str, Times] = {}
    try:
        for _ in range(repeat):
            _timed(dict(zip(STEPS, (create, get, everything, save, delete))), records, times)
            unitdata.kv().conn.rollback()
    finally:
        unitdata.kv().close()
        shutil.rmtree(directory)
    return times


def _found(find: Callable[[], int], records: int, groups: int, repeat: int) -> Times:
    times: Dict[str, Times] = {}
    for _ in range(repeat + 1):
        _timed({"filter": lambda: find() * groups}, records, times)
    return [each * records for each in times["filter"][1:]]  # the first has the index made


def filter_ours(records: int, groups: int, repeat: int) -> Dict[str, Times]:
    """Finding those of one value, among as many groups, by an index and without."""
    directory = tempfile.mkdtemp(prefix="reactive-bench-")
    _in_unit_state(directory)
    from charmhelpers.core import unitdata

    from charms.reactive.records import Record

    class Node(Record, key="name", index="group"):
        name: str
        group: int

    class Plain(Record, key="name"):
        name: str
        group: int

    for kind in (Node, Plain):
        for number in range(records):
            kind.create(name="node-%d" % number, group=number % groups)
    times = {}
    for name, kind in (("indexed", Node), ("plain", Plain)):
        of_kind: Any = kind
        times[name] = _found(lambda it=of_kind: len(it.filter(group=7)), records, groups, repeat)
    unitdata.kv().close()
    shutil.rmtree(directory)
    return times


def filter_peewee(records: int, groups: int, repeat: int) -> Dict[str, Times]:
    """The same with peewee, in a database of its own."""
    import peewee

    directory = tempfile.mkdtemp(prefix="reactive-bench-")
    database = peewee.SqliteDatabase(os.path.join(directory, "peewee.db"))

    class Node(peewee.Model):
        name = peewee.CharField(primary_key=True)
        group = peewee.IntegerField(index=True)

    class Plain(peewee.Model):
        name = peewee.CharField(primary_key=True)
        group = peewee.IntegerField()

    times = {}
    with database.bind_ctx([Node, Plain]), database.atomic():
        database.create_tables([Node, Plain])
        for kind in (Node, Plain):
            rows = [{"name": "node-%d" % number, "group": number % groups} for number in range(records)]
            for start in range(0, records, 400):
                kind.insert_many(rows[start : start + 400]).execute()
        for name, kind in (("indexed", Node), ("plain", Plain)):
            times[name] = _found(
                lambda it=kind: len(list(it.select().where(it.group == 7))), records, groups, repeat
            )
    database.close()
    shutil.rmtree(directory)
    return times


def keep_peewee(records: int, repeat: int) -> Dict[str, Times]:
    """Peewee's models, in a database of their own."""
    import peewee

    directory = tempfile.mkdtemp(prefix="reactive-bench-")
    database = peewee.SqliteDatabase(os.path.join(directory, "peewee.db"))

    class Node(peewee.Model):
        name = peewee.CharField(primary_key=True)
        address = peewee.CharField(default="")
        weight = peewee.IntegerField(default=0)
        up = peewee.BooleanField(default=False)

    held: List[Any] = []

    def create() -> None:
        for number in range(records):
            Node.create(**_fields(number))

    def get() -> int:
        held[:] = [Node.get_by_id("node-%d" % number) for number in range(records)]
        return len(held)

    def everything() -> int:
        return len(list(Node.select().order_by(Node.name)))

    def save() -> None:
        for node in held:
            node.weight += 1
            node.save()

    def delete() -> None:
        for node in held:
            node.delete_instance()

    times: Dict[str, Times] = {}
    with database.bind_ctx([Node]):
        database.create_tables([Node])
        for _ in range(repeat):
            with database.atomic() as transaction:
                _timed(dict(zip(STEPS, (create, get, everything, save, delete))), records, times)
                transaction.rollback()
    database.close()
    shutil.rmtree(directory)
    return times


WORKLOADS = {
    "filter_ours": filter_ours,
    "filter_peewee": filter_peewee,
    "keep_ours": keep_ours,
    "keep_peewee": keep_peewee,
    "keep_plain": keep_plain,
}
