"""Holds facts of Juju against both kinds of side: in memory, and in a directory with executables."""

from __future__ import annotations

import copy
import json
import shlex
from pathlib import Path
from typing import Any, Callable, List

import pytest
from facts import Executables, InMemory, Row, a_juju, found

from charms_reactive.testing import hooktools


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the executables."""
    home = tmp_path_factory.mktemp("hooktools") / "juju"
    hooktools.install(home, hooktools.new_juju())
    return home


@pytest.fixture(params=["in memory", "executables"])
def check(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Holds one row against one kind of side."""

    def run(row: Row) -> None:
        juju = a_juju(row.given)
        way: Any
        if request.param == "in memory":
            way = InMemory(juju)
        else:
            way = Executables(request.getfixturevalue("directory"), juju)
        for line in row.after:
            status, _, said = way.ask(line, "", row.environ)
            assert status == 0, said
        prepared = copy.deepcopy(way.side.read())
        error = "ERROR %s\n" % row.err if row.status else row.err
        assert way.ask(row.line, row.stdin, row.environ) == (row.status, row.out, error)
        after = way.side.read()
        if row.status:
            assert after == prepared, "it was refused, and changed something"
        assert {path: found(after, path) for path in row.at_once} == row.at_once
        for succeeded, expected in ((True, row.kept), (False, row.lost)):
            settled = json.loads(json.dumps(after))
            hooktools.settle(settled, succeeded)
            assert settled["pending"] == hooktools.new_juju()["pending"]
            assert {path: found(settled, path) for path in expected} == expected
        lines: List[Any] = [shlex.split(line) for line in [*row.after, row.line]]
        assert [line[2:] for line in way.side.calls if len(line) == 4] == [[a[0], a[1:]] for a in lines]
        assert [line[2] for line in way.side.calls if len(line) == 3] == [row.status] * bool(row.status)

    return run
