"""What goes: relations, units and applications, with the hooks that see them off."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from charms_reactive.testing import Charm, CharmError, Model, ModelUnit


def told(unit: ModelUnit) -> List[str]:
    """What a unit's departed hooks said they were about: the remote unit, and the one that goes."""
    logged = [entry.message for step in unit.steps for entry in step.run.log]
    return [line for line in logged if "-departed " in line]


def test_a_relation_is_departed_and_broken_on_both_sides(model: Model) -> None:
    model.remove_relation("db", "web")
    settled = model.settle()
    for unit, endpoint in (("web/0", "db"), ("web/1", "db"), ("db/0", "clients"), ("db/1", "clients")):
        departed, broken = ("%s-relation-%s" % (endpoint, event) for event in ("departed", "broken"))
        assert settled.of(unit) == (departed, departed, broken)
    assert told(model.unit("web/0"))[0] == "db-relation-departed db/0 db/0"
    assert [str(relation) for relation in model.relations] == ["db:ring"]
    with pytest.raises(CharmError, match="a relation among peers, which lasts as long as"):
        model.remove_relation(model.relations[0])
    # It can be made again, with another number.
    assert model.relate("db", "web").number == 2
    assert "joined" in str(model.settle())


def test_a_unit_departs_from_both_sides_stops_and_is_removed(model: Model) -> None:
    unit = model.unit("web/1")
    unit.remove()
    settled = model.settle()
    assert settled.of("web/1") == (
        "db-relation-departed", "db-relation-departed", "db-relation-broken", "stop", "remove",
    )  # fmt: skip
    assert told(unit)[-2:] == ["db-relation-departed db/0 web/1", "db-relation-departed db/1 web/1"]
    assert settled.of("db/0") == ("clients-relation-departed",)
    assert told(model.unit("db/0"))[-1] == "clients-relation-departed web/1 web/1"
    assert settled.of("web/0") == ()
    assert model.applications["web"].add_unit().name == "web/2"  # A number is never used again.


def test_the_data_of_a_unit_that_departs_can_be_read_and_it_is_listed_no_more(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    look = """\
        #!/bin/bash
        case $JUJU_HOOK_NAME in
        ring-relation-created) relation-set "name=$JUJU_UNIT_NAME";;
        ring-relation-departed)
            juju-log "[$(relation-list)] $(relation-get name "$JUJU_REMOTE_UNIT") $JUJU_DEPARTING_UNIT";;
        esac
        """
    metadata: Dict[str, Any] = {"name": "look", "peers": {"ring": {"interface": "ring"}}}
    model = new_model()
    model.deploy(Charm.of(tmp_path / "look", metadata=metadata, files={"dispatch": look}), units=2)
    model.settle()
    gone = model.unit("look/1")
    gone.remove()
    settled = model.settle()
    assert settled.of("look/1") == ("ring-relation-departed", "stop", "remove")
    for unit, text in ((gone, "[] look/0 look/1"), (model.unit("look/0"), "[] look/1 look/1")):
        assert [entry.message for step in unit.steps for entry in step.run.log] == [text]


def test_a_unit_that_was_never_installed_just_goes(
    new_model: Callable[..., Model], charms: Dict[str, Charm]
) -> None:
    model = new_model()
    web = model.deploy(charms["web"], units=2)
    web.remove_unit(1)
    assert [unit.name for unit in web.units] == ["web/0"]
    assert "web/1" not in [step.unit for step in model.settle()]


def test_a_unit_that_is_removed_by_force_runs_nothing(model: Model) -> None:
    model.unit("db/0").remove(force=True)
    settled = model.settle()
    assert settled.of("db/0") == ()
    assert settled.of("web/0") == ("db-relation-departed",)
    assert settled.of("db/1").count("leader-elected") == 1


def test_an_application_goes_with_its_relations_and_units(model: Model) -> None:
    model.applications["db"].remove()
    with pytest.raises(CharmError, match="db is being removed"):
        model.applications["db"].add_unit()
    settled = model.settle()
    assert settled.of("db/0")[-2:] == ("stop", "remove")
    assert list(model.applications) == ["web"]
    assert model.relations == ()
    assert "clients-relation-departed web/0 db/0" in [
        entry.message for step in model.steps if step.unit == "db/0" for entry in step.run.log
    ]
    model.remove_application("web")
    model.settle()
    assert model.units == ()


def test_a_lost_unit_of_an_application_that_goes_is_removed_by_force(model: Model) -> None:
    model.unit("db/0").lose()
    model.remove_application("db")
    assert "db/0" not in [unit.name for unit in model.units]  # nobody runs its hooks
    settled = model.settle()
    assert settled.of("db/0") == ()
    assert settled.of("db/1")[-2:] == ("stop", "remove")
    assert list(model.applications) == ["web"]


def test_a_relation_that_is_not_the_one(model: Model) -> None:
    web = model.applications["web"]
    assert str(web.relation("db")) == str(web.relation(web.relations[0]))
    with pytest.raises(CharmError, match="web has no relation cache; it has db:"):
        web.relation("cache")


def test_what_a_charm_leaves_running_is_told_and_ended(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    sleep = "#!/bin/sh\n%s -c 'import time; time.sleep(600)' >/dev/null 2>&1 &\n" % sys.executable
    model = new_model(check=False)
    model.deploy(
        Charm.of(tmp_path / "sleeper", metadata={"name": "sleeper"}, files={"hooks/start": sleep}), units=2
    )
    model.settle()
    unit = model.unit("sleeper/0")
    running = unit.simulated.processes()
    assert len(running) == 1
    unit.remove()
    model.settle()
    assert model.left_running == {"sleeper/0": running}
    assert unit.simulated.processes() == ()
    assert list(model.close()) == ["sleeper/1"]
    assert model.close() == {}
