"""Tests of a charm, as a type checker sees them: what a state takes, and what it holds."""

from __future__ import annotations

from typing import Dict, FrozenSet, List, Mapping, Optional, Tuple, Union

from typing_extensions import assert_type

from charms_reactive.testing import Relation, Secret, State, Status, Storage, Unit

state = State(flags=["x"], relations=[Relation("db", "pg", {0: {"host": "10.0.0.7"}})])
assert_type(state.flags, FrozenSet[str])
assert_type(state.relations, Tuple[Relation, ...])
assert_type(state.relations[0].units, Mapping[str, Mapping[str, str]])
assert_type(state.files, Mapping[str, Optional[bytes]])

# Units by name or number, with their data or without.
Relation("db", units=[0, 1])
Relation("db", units=("pg/0", "pg/3"))
Relation("db", units={0, 1}, departing=range(2))
both: Dict[Union[int, str], Dict[str, str]] = {"pg/0": {}, 1: {"port": "80"}}
Relation("db", "pg", both)
by_name: Dict[str, Dict[str, str]] = {"pg/0": {}}
by_number: Dict[int, Dict[str, str]] = {0: {}}
Relation("db", units=by_name)
Relation("db", units=by_number)
Relation("db", units=[0, 1.5])  # type: ignore[list-item]
Relation("db", units={0: {"port": 80}})  # type: ignore[arg-type]
Relation("db", unit=[0])  # type: ignore[call-arg]

names: List[str] = ["a"]
State(flags=names)
State(flags={"legacy": ["conversation"], "plain": None})
State(flags=(name for name in names), opened_ports=["80/tcp"], tables=[])
State(files={"app.conf": "port = 80\n", "gone": None, "logo": b"\0"}, storages=[Storage("data")])
State(flag=["x"])  # type: ignore[call-arg]
State(flags=[1])  # type: ignore[list-item]
State(relations=["db"])  # type: ignore[list-item]
State(config=["port"])  # type: ignore[arg-type]
State(unit_status="active")  # type: ignore[arg-type]

Secret({"password": "x"}, owner="app/0", access=[("pg", "db:0")])
Secret(revisions={1: {"password": "x"}, 2: {"password": "y"}})
assert_type(Secret(revisions={"1": {}}).revisions, Mapping[str, Mapping[str, str]])

then = Unit(".").run("config-changed", state, relation=state.relations[0])
assert_type(then.state.unit_status, Status)
assert_type(then.flags, FrozenSet[str])
assert then.handlers == ["configure"]
then.state.leader = False  # type: ignore[misc]
