"""The comparison itself: that it finds every kind of difference, and excuses none that is not announced.

``make compat`` runs it on all charms; here it judges observations that are made up, and that 1.5.3 need
not be installed for.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "compat"), str(TESTS / "charms")]

import scenario  # noqa: E402
from scenario import Observation  # noqa: E402

import run  # noqa: E402

SEEN = Observation(
    label="3 db-relation-changed pg/0",
    told=('["a"]', '["b"]'),
    handlers=("reactive/x.py:1:a", "reactive/x.py:9:b"),
    rows={
        "reactive.states.x": None,
        "reactive.states.db.ready": {"relation": "db"},
        "reactive.data_changed.k": "1",
    },
    data={("db:0", "app/0"): {"k": "v"}},
    status={"unit": "active", "application": "unknown"},
    other={"ports": ()},
    tools={"relation-get": 2},
    members={"db:0": ("pg/0",)},
)


def with_row(key: str, value: Any = "1") -> Observation:
    return dataclasses.replace(SEEN, rows={**SEEN.rows, key: value})


def without_row(key: str) -> Observation:
    return dataclasses.replace(SEEN, rows={name: row for name, row in SEEN.rows.items() if name != key})


def judged(here: Observation, there: Observation, announced: List[Dict[str, Any]]) -> run.Result:
    """What the comparison makes of one hook."""
    result = run.Result("charm")
    result.differences, result.compared = run.differing(here, there)
    for difference in result.differences:
        difference.area = run.area_of_row(difference, here)
    run.explain(result, {"differs": announced}, [here.label])
    return result


def whats(here: Observation, there: Observation) -> List[str]:
    return [difference.what for difference in judged(here, there, []).unexplained]


def test_the_same_is_the_same() -> None:
    result = judged(SEEN, dataclasses.replace(SEEN), [])
    assert result.good
    assert result.compared == len(run.facts(SEEN))


@pytest.mark.parametrize(
    ("there", "what"),
    [
        (with_row("reactive.states.y", None), ["flag y"]),
        (without_row("reactive.states.x"), ["flag x"]),
        (with_row("reactive.states.db.ready", {"relation": "other"}), ["flag db.ready"]),
        (with_row("reactive.data_changed.k", "2"), ["row reactive.data_changed.k"]),
        (with_row("charm.own", 1), ["row charm.own"]),
        (dataclasses.replace(SEEN, data={("db:0", "app/0"): {}}), ["data db:0 app/0 k"]),
        (dataclasses.replace(SEEN, data={("db:0", "app/0"): {"k": "w"}}), ["data db:0 app/0 k"]),
        (dataclasses.replace(SEEN, status={"unit": "blocked", "application": "unknown"}), ["unit status"]),
        (dataclasses.replace(SEEN, other={"ports": ("80/tcp",)}), ["ports"]),
        (dataclasses.replace(SEEN, told=SEEN.told[::-1]), ["told order"]),
        (dataclasses.replace(SEEN, told=SEEN.told[:1]), ['told ["b"]']),
        (dataclasses.replace(SEEN, told=SEEN.told + SEEN.told[:1]), ['told ["a"]', "told order"]),
        (dataclasses.replace(SEEN, handlers=SEEN.handlers[::-1]), ["handler order"]),
        (dataclasses.replace(SEEN, handlers=SEEN.handlers[:1]), ["handler reactive/x.py:9:b"]),
        (dataclasses.replace(SEEN, tools={"relation-get": 1}), ["tool relation-get"]),
        (dataclasses.replace(SEEN, tools={}), ["tool relation-get"]),
    ],
)
def test_a_difference_that_nobody_announced_fails(there: Observation, what: List[str]) -> None:
    assert whats(SEEN, there) == what
    assert not judged(SEEN, there, []).good


def test_fewer_processes_are_no_difference() -> None:
    assert whats(SEEN, dataclasses.replace(SEEN, tools={"relation-get": 3, "juju-log": 7})) == []


@pytest.mark.parametrize(
    ("key", "area"),
    [
        ("reactive.automatic.config", "automatic flags"),
        ("reactive.conversations_joined.db.global", "conversations"),
        ("reactive.files_seen.reactive.x.f:path", "when_file_changed"),
        ("reactive.data_changed.endpoint.db.db:0.pg.key.with.dots", "relation data"),
        ("reactive.data_changed.endpoint.db.db:0.pg/0.key", None),
        ("reactive.dispatch.phase", None),
        ("reactive.states.more", None),
    ],
)
def test_rows_that_are_ours_alone(key: str, area: Any) -> None:
    result = judged(with_row(key), SEEN, [])
    assert [difference.area for difference in result.differences] == [area]


@pytest.mark.parametrize(
    ("key", "area"),
    [
        ("reactive.dispatch.phase", run.SCRATCH),
        ("reactive.data_changed.endpoint.db.db:0.pg/1.key", "relation data"),
        ("reactive.data_changed.endpoint.db.db:9.pg/0.key", "relation data"),
        ("reactive.data_changed.endpoint.db.db:0.pg/0.key", None),
        ("reactive.automatic.config", None),
    ],
)
def test_rows_that_only_1_5_3_has(key: str, area: Any) -> None:
    result = judged(SEEN, with_row(key), [])
    assert [difference.area for difference in result.differences] == [area]


def announcement(**changes: Any) -> Dict[str, Any]:
    return {"area": "conversations", "because": "it is better", "at": ["3 *"], "what": ["flag y"], **changes}


def test_an_announced_difference_is_listed_by_its_area() -> None:
    result = judged(SEEN, with_row("reactive.states.y", None), [announcement()])
    assert result.good
    assert [(each.what, each.area) for each in result.explained] == [("flag y", "conversations")]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"what": ["flag y", "flag z"]}, "announced, and does not differ: flag z"),
        ({"at": ["3 *", "4 *"]}, "announced for a hook that there is not: 4 *"),
        ({"area": "taste"}, "announced for no area of the contract, or without a reason: taste"),
        ({"because": ""}, "announced for no area of the contract, or without a reason: conversations"),
    ],
)
def test_an_announcement_that_is_wrong_fails(changes: Dict[str, Any], problem: str) -> None:
    result = judged(SEEN, with_row("reactive.states.y", None), [announcement(**changes)])
    assert not result.good
    assert any(found.startswith(problem) for found in result.problems)


def test_an_announcement_excuses_nothing_else() -> None:
    there = dataclasses.replace(with_row("reactive.states.y", None), told=())
    result = judged(SEEN, there, [announcement()])
    assert [difference.what for difference in result.unexplained] == ['told ["a"]', 'told ["b"]']


def test_an_unexplained_difference_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    run.report([judged(SEEN, with_row("reactive.states.y", None), [])], verbose=False)
    assert "UNEXPLAINED  charm: 3 db-relation-changed pg/0: flag y: here has none, 1.5.3 'set'" in (
        capsys.readouterr().out
    )


def test_every_scenario_announces_by_areas_that_there_are() -> None:
    for charm in scenario.charms():
        for area, at, what, because in run.announced(scenario.load(charm)):
            assert area in run.AREAS, charm.name
            assert at
            assert what
            assert because, charm.name


def test_a_charm_that_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run.main(["no-such-charm"])
    assert ended.value.code == 2
    assert "no charm no-such-charm; there is automatic" in capsys.readouterr().err
