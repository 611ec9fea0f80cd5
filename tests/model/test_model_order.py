"""The seed decides the order of hooks, and nothing else: what a charm makes of them has to be the same."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

import pytest

from charms_reactive.testing import Charm, Model

pytestmark = pytest.mark.once


def life(model: Model, charms: Dict[str, Charm]) -> List[Tuple[str, str]]:
    """A life with a bit of everything; the hooks that ran."""
    model.deploy(charms["db"], units=3)
    model.deploy(charms["web"], units=2)
    model.relate("web", "db")
    for _ in range(10):
        model.step()
    model.applications["web"].configure(colour="red")
    model.unit("db/1").fail_next("ring-relation-joined")
    settled = model.settle()
    assert list(settled.errors) == ["db/1"]
    model.resolve("db/1")
    model.settle()
    model.unit("db/0").remove()
    model.unit("web/0").lose()
    model.settle()
    return [(step.unit, str(step)) for step in model.steps]


def outcome(model: Model) -> Dict[str, Any]:
    """What is there in the end, but for who leads and the last hook, which are the seed's."""
    document = model.to_json()
    for application in document["applications"].values():
        del application["leader"], application["leader-settings"], application["status"]
        for unit in application["units"].values():
            del unit["leader"], unit["status"]
    for relation in document["relations"]:
        for data in relation["data"].values():
            data.pop("chief", None)
    for name in ("hooks", "seed", "uuid"):
        del document[name]
    return document


def test_the_same_seed_is_the_same_order(new_model: Callable[..., Model], charms: Dict[str, Charm]) -> None:
    first, second = new_model(seed=7), new_model(seed=7)
    assert life(first, charms) == life(second, charms)
    assert first.to_json() == second.to_json()


def test_both_speeds_are_the_same_model(new_model: Callable[..., Model], charms: Dict[str, Charm]) -> None:
    models = []
    for in_process in (True, False):
        model = new_model(seed=3, in_process=in_process)
        model.deploy(charms["db"])
        model.deploy(charms["web"])
        model.relate("web", "db")
        model.settle()
        model.unit("db/0").fail_next("update-status", when="killed")
        model.update_status()
        model.settle()
        model.resolve("db/0")
        model.settle()
        models.append(model)
    quick, real = models
    assert [(step.unit, step.name) for step in quick.steps] == [(step.unit, step.name) for step in real.steps]
    for one, other in zip(quick.steps, real.steps):
        assert [entry.message for entry in one.run.log] == [entry.message for entry in other.run.log]
    documents = [model.to_json() for model in models]
    for document in documents:
        del document["hooks"]  # Here a kill is an exit status, there a signal.
    assert documents[0] == documents[1]


def test_twenty_seeds_are_many_orders_and_one_outcome(
    new_model: Callable[..., Model], charms: Dict[str, Charm]
) -> None:
    orders, outcomes = set(), []
    for seed in range(20):
        model = new_model(seed=seed, check=False)
        orders.add(tuple(life(model, charms)))
        found = outcome(model)
        if found not in outcomes:
            outcomes.append(found)
        model.close()
    assert len(orders) == 20
    assert len(outcomes) == 1
    [found] = outcomes
    assert list(found["applications"]["db"]["units"]) == ["db/1", "db/2"]
