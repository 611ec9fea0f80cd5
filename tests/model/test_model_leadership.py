"""Who leads an application, what the others hear of it, and what happens when the leader is gone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable, Dict

import pytest

from charms_reactive.testing import Charm, CharmError, Model


def test_the_first_unit_leads_and_all_share_its_settings(model: Model) -> None:
    db = model.applications["db"]
    assert db.leader is db[0]
    assert db.leader_settings == {"chief": "db/0"}
    assert model.unit("db/leader").name == "db/0"
    assert model.unit("db/1").simulated.leader_settings == {"chief": "db/0"}


def test_another_unit_is_elected_when_the_lease_ends(model: Model) -> None:
    leader = model.lose_leader("db")
    assert leader.name == "db/1"
    settled = model.settle()
    assert settled.of("db/1") == ("leader-elected",)
    # Once for the election, and once more if it was told of that before the new leader wrote its settings.
    assert set(settled.of("db/0")) == {"leader-settings-changed"}
    assert model.applications["db"].leader_settings == {"chief": "db/1"}


def test_juju_4_has_no_leader_settings(new_model: Callable[..., Model], tmp_path: Path) -> None:
    model = new_model(juju_version="4.0")
    files = {"dispatch": '#!/bin/sh\nstatus-set active "$(is-leader)"\n'}
    model.deploy(Charm.of(tmp_path / "small", metadata={"name": "small"}, files=files), units=2)
    assert "leader-settings-changed" not in [step.name for step in model.settle()]
    model.lose_leader("small")
    assert model.settle().hooks == (("small/1", "leader-elected"),)
    model.lose_leader("small")
    assert model.settle().hooks == (("small/0", "leader-elected"),)


def test_the_leader_that_is_removed_leads_to_its_end(model: Model) -> None:
    model.applications["db"].remove_unit("db/0")
    settled = model.settle()
    names = [(step.unit, step.name) for step in settled]
    assert names.index(("db/0", "remove")) < names.index(("db/1", "leader-elected"))
    assert model.applications["db"].leader is model.unit("db/1")


def test_a_machine_that_is_lost_runs_no_more_hooks_and_no_processes(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    files = {
        "hooks/start": "#!/bin/sh\n%s -c 'import time; time.sleep(600)' >/dev/null 2>&1 &\n" % sys.executable
    }
    files["hooks/ring-relation-departed"] = "#!/bin/sh\nstatus-set active alone\n"
    model = new_model(check=False)
    metadata = {"name": "sleeper", "peers": {"ring": {"interface": "ring"}}}
    sleeper = model.deploy(Charm.of(tmp_path / "sleeper", metadata=metadata, files=files), units=2)
    model.settle()
    lost, other = sleeper.units
    assert len(lost.simulated.processes()) == 1
    lost.lose()
    assert lost.simulated.processes() == ()
    assert str(lost.status) == "unknown: agent lost, see 'juju show-status-log sleeper/0'"
    assert sleeper.leader is other
    model.update_status()
    assert not model.settle().of(lost)
    # To the others it is there until somebody removes it by force.
    assert other.status.message != "alone"
    lost.remove(force=True)
    assert model.settle().hooks == (("sleeper/1", "ring-relation-departed"),)
    assert other.status.message == "alone"
    assert list(model.close()) == ["sleeper/1"]


def test_there_has_to_be_another_unit(new_model: Callable[..., Model], charms: Dict[str, Charm]) -> None:
    model = new_model()
    web = model.deploy(charms["web"])
    with pytest.raises(CharmError, match="web has no other unit that could lead"):
        model.lose_leader("web")
    assert web.leader is web[0]
    model.deploy(charms["db"], units=0)
    with pytest.raises(CharmError, match="db has no leader"):
        model.unit("db/leader")
