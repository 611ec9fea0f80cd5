"""The endpoint juju-info, which every application has: what is seen over it, and when ``relate`` means it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, Set

import pytest

from charms_reactive.testing import Charm, CharmError, Model

ASKS = """\
#!/bin/bash
juju-log "$(relation-get --format json - "$JUJU_REMOTE_UNIT")"
"""


def subordinate(tmp_path: Path, **requires: Any) -> Charm:
    metadata = {"name": "monitor", "subordinate": True, "requires": requires}
    return Charm.of(tmp_path / "monitor", metadata=metadata, files={"hooks/host-relation-joined": ASKS})


CONTAINER = {"interface": "juju-info", "scope": "container"}


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        ("3.6.0", {"egress-subnets", "ingress-address", "private-address"}),
        ("4.0.0", {"egress-subnets", "ingress-address"}),
    ],
)
def test_a_subordinate_sees_the_addresses_that_juju_publishes(
    new_model: Callable[..., Model], tmp_path: Path, version: str, keys: Set[str]
) -> None:
    model = new_model(juju_version=version)
    model.deploy(Charm.of(tmp_path / "web", metadata={"name": "web"}))
    model.deploy(subordinate(tmp_path, host=CONTAINER))
    model.relate("monitor", "web")
    settled = model.settle()
    assert not settled.errors
    [run] = [step.run for step in model.steps if step.name == "host-relation-joined"]
    seen = json.loads(run.log[0].message)
    assert set(seen) == keys
    assert seen["egress-subnets"] == seen["ingress-address"] + "/32"


def test_what_somebody_has_declared_goes_before_what_everybody_has(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    """As juju relate does it, where both would do."""
    model = new_model()
    provides = {"telemetry": {"interface": "scrape", "scope": "container"}}
    model.deploy(Charm.of(tmp_path / "web", metadata={"name": "web", "provides": provides}))
    model.deploy(subordinate(tmp_path, host=CONTAINER, scrape={"interface": "scrape", "scope": "container"}))
    assert str(model.relate("monitor", "web")) == "monitor:scrape web:telemetry"
    assert str(model.relate("monitor:host", "web")) == "monitor:host web:juju-info"


def test_one_that_is_declared_by_that_name_is_implicit_all_the_same(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    model = new_model()
    provides = {"juju-info": {"interface": "juju-info"}, "telemetry": {"interface": "scrape"}}
    model.deploy(Charm.of(tmp_path / "web", metadata={"name": "web", "provides": provides}))
    model.deploy(subordinate(tmp_path, host=CONTAINER, scrape={"interface": "scrape"}))
    assert str(model.relate("monitor", "web")) == "monitor:scrape web:telemetry"


def test_a_scope_that_needs_a_subordinate_is_not_meant_without_one(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    model = new_model()
    one: Dict[str, Any] = {"near": {"interface": "sql", "scope": "container"}, "far": {"interface": "sql"}}
    model.deploy(Charm.of(tmp_path / "web", metadata={"name": "web", "requires": one}))
    model.deploy(
        Charm.of(tmp_path / "db", metadata={"name": "db", "provides": {"sql": {"interface": "sql"}}})
    )
    assert str(model.relate("web", "db")) == "web:far db:sql"
    with pytest.raises(CharmError, match="have the scope container, which needs a subordinate"):
        model.relate("web:near", "db")


def test_two_that_were_declared_still_have_to_be_told_apart(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    model = new_model()
    provides = {"one": {"interface": "scrape"}, "two": {"interface": "scrape"}}
    model.deploy(Charm.of(tmp_path / "web", metadata={"name": "web", "provides": provides}))
    model.deploy(subordinate(tmp_path, host=CONTAINER, scrape={"interface": "scrape"}))
    with pytest.raises(
        CharmError, match="not clear what to relate: name one of monitor:scrape web:one; monitor"
    ):
        model.relate("monitor", "web")
