"""Several applications: deployed, related, configured, with data that flow between their units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from charms_reactive.testing import Charm, CharmError, Model

pytestmark = pytest.mark.long


def said(model: Model, unit: str, word: str) -> List[str]:
    """The lines with a word that a unit has logged, in order."""
    lines = [entry.message for step in model.unit(unit).steps for entry in step.run.log]
    return [line for line in lines if word in line]


@pytest.mark.parametrize("in_process", [True, False], ids=["in process", "in processes"])
def test_a_model_settles_and_says_what_ran(
    new_model: Callable[..., Model], charms: Dict[str, Charm], in_process: bool
) -> None:
    model = new_model(in_process=in_process)
    model.deploy(charms["db"])
    model.deploy(charms["web"])
    model.relate("web", "db")
    settled = model.settle()
    assert settled.of("web/0")[:7] == (
        "install", "db-relation-created", "leader-elected", "config-changed", "start",
        "db-relation-joined", "db-relation-changed",
    )  # fmt: skip
    created = [hook for hook in settled.of("db/0") if hook.endswith("created")]
    assert sorted(created) == ["clients-relation-created", "ring-relation-created"]
    assert settled.hooks == tuple((step.unit, step.name) for step in model.steps)
    assert not settled.errors
    assert str(settled).startswith("%d hooks ran\n  %s install\n" % (len(settled), settled[0].unit))
    assert len(model.settle()) == 0
    assert said(model, "web/0", "sees")[-1] == "db:1 sees [('db/0', 'db/0')]"
    assert said(model, "db/0", "sees")[-1] == "clients:1 sees [('web/0', 'web/0')]"


def test_each_side_calls_a_relation_by_its_own_endpoint_and_one_number(model: Model) -> None:
    [relation] = [one for one in model.relations if not one.peer]
    assert (relation.id_for("web"), relation.id_for("db")) == ("db:1", "clients:1")
    assert model.unit("web/0").relation_data("db", "db/1")["name"] == "db/1"
    assert model.unit("web/0").relation_data("db:1", "db") == {"chief": "db/0"}


def test_data_of_a_hook_that_failed_are_never_seen(
    new_model: Callable[..., Model], charms: Dict[str, Charm]
) -> None:
    model = new_model()
    web, _ = model.deploy(charms["web"]), model.deploy(charms["db"])
    model.relate("web", "db")
    web[0].fail_next("db-relation-created", when="after")
    settled = model.settle()
    assert list(settled.errors) == ["web/0"]
    assert "name" not in model.unit("web/0").relation_data("db")
    assert said(model, "db/0", "clients:1 sees")[-1] == "clients:1 sees [('web/0', '')]"
    model.resolve("web/0")
    model.settle()
    assert said(model, "db/0", "clients:1 sees")[-1] == "clients:1 sees [('web/0', 'web/0')]"


def test_configuration_that_changes_twice_is_one_hook_for_each_unit(model: Model) -> None:
    web = model.applications["web"]
    web.configure(colour="red")
    web.configure(colour="green")
    assert model.pending == {"web/0": ("config-changed",), "web/1": ("config-changed",)}
    assert sorted(model.settle().hooks) == [("web/0", "config-changed"), ("web/1", "config-changed")]
    assert said(model, "web/1", "colour")[-1] == "colour is green"
    web.configure(colour="green")
    assert not model.settle()
    web.configure(colour=None)
    model.settle()
    assert said(model, "web/0", "colour")[-1] == "colour is blue"


def test_a_unit_that_is_added_is_told_of_all_there_is_and_all_are_told_of_it(model: Model) -> None:
    unit = model.applications["db"].add_unit()
    settled = model.settle()
    assert unit.name == "db/2"
    assert (
        said(model, "db/2", "clients:1 sees")[-1] == "clients:1 sees [('web/0', 'web/0'), ('web/1', 'web/1')]"
    )
    for other in ("web/0", "web/1"):
        assert settled.of(other)[:2] == ("db-relation-joined", "db-relation-changed")
    assert settled.of("db/0")[:2] == ("ring-relation-joined", "ring-relation-changed")


def test_an_application_is_walked_unit_by_unit(model: Model) -> None:
    web = model.applications["web"]
    web.add_unit()
    web[0].remove()
    model.settle()
    # By number, of which there need not be a 0; without __iter__ Python would count and fail at the end.
    assert [unit.name for unit in web] == ["web/1", "web/2"]
    assert web[2] is list(web)[-1]


def test_one_hook_at_a_time(model: Model) -> None:
    model.update_status("db/1", "web/0")
    first, second, third = model.step(), model.step(), model.step()
    assert first is not None
    assert second is not None
    assert {first.unit, second.unit} == {"db/1", "web/0"}
    assert third is None
    model.update_status("db/1")
    assert model.step("web/0") is None
    assert str(model.step("db/1")) == "db/1 update-status"


def test_an_action_runs_between_hooks(model: Model) -> None:
    assert model.unit("db/0").run_action("probe").succeeded
    with pytest.raises(CharmError, match="no action 'prob'"):
        model.unit("db/0").run_action("prob")
    fresh = model.applications["db"].add_unit()
    with pytest.raises(CharmError, match="db/2 runs no action: it is not installed"):
        fresh.run_action("probe")


def test_hooks_that_the_charm_does_not_have_are_passed_over(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    start = {"hooks/start": "#!/bin/sh\nstatus-set active up\n"}
    model = new_model(check=False)
    model.deploy(Charm.of(tmp_path / "small", metadata={"name": "small"}, files=start))
    assert model.pending == {"small/0": ("start",)}
    assert model.settle().hooks == (("small/0", "start"),)
    assert str(model.unit("small/0").status) == "active: up"


def test_another_revision_of_the_charm(model: Model, charms: Dict[str, Charm], tmp_path: Path) -> None:
    files = {"dispatch": '#!/bin/sh\nstatus-set active "new $JUJU_HOOK_NAME"\n'}
    metadata = {**charms["web"].metadata, "peers": {"among": {"interface": "among"}}}
    newer = Charm.of(
        tmp_path / "newer", metadata=metadata, config={"colour": "black", "size": 1}, files=files
    )
    model.applications["web"].refresh(newer)
    assert model.settle().of("web/0")[:3] == ("upgrade-charm", "config-changed", "among-relation-created")
    assert model.unit("web/1").status.message == "new among-relation-changed"
    assert model.applications["web"].config == {"colour": "black", "size": 1}
    with pytest.raises(CharmError, match="web runs the charm web, not db"):
        model.applications["web"].refresh(charms["db"])


def test_storage(new_model: Callable[..., Model], charms: Dict[str, Charm]) -> None:
    model = new_model()
    db = model.deploy(charms["db"], storage={"disk": 2})
    assert model.settle().of("db/0")[:3] == ("disk-storage-attached", "disk-storage-attached", "install")
    assert db.attach_storage(0, "disk") == "disk/2"
    assert model.settle().hooks == (("db/0", "disk-storage-attached"),)
    with pytest.raises(CharmError, match="charm db has 1 to 3 of storage disk, not 4"):
        db.attach_storage(0, "disk")
    db.detach_storage("disk/1")
    assert model.settle().hooks == (("db/0", "disk-storage-detaching"),)
    assert said(model, "db/0", "storage-det") == ["disk-storage-detaching disk/1"]
    with pytest.raises(CharmError, match="db has no storage disk/1; it has disk/0, disk/2"):
        db.detach_storage("disk/1")


def test_a_secret_that_one_application_grants_to_another(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    owner = """\
        #!/bin/bash
        case $JUJU_HOOK_NAME in
        db-relation-created)
            id=$(secret-add --label key token=first)
            secret-grant "$id" -r "$JUJU_RELATION_ID"
            relation-set --app "id=$id";;
        update-status)
            secret-set "$(relation-get -r "$(relation-ids db)" --app id "$JUJU_UNIT_NAME")" token=second;;
        esac
        """
    reader = """\
        #!/bin/bash
        id=$(relation-get --app id 2>/dev/null)
        case $JUJU_HOOK_NAME in
        db-relation-changed) [ -z "$id" ] || status-set active "$(secret-get "$id" token)";;
        secret-changed) status-set active "$(secret-get "$JUJU_SECRET_ID" --refresh token)";;
        esac
        """
    metadata: Dict[str, Any] = {"name": "owner", "provides": {"db": {"interface": "sql"}}}
    model = new_model(check=False)
    model.deploy(Charm.of(tmp_path / "owner", metadata=metadata, files={"dispatch": owner}))
    metadata = {"name": "reader", "requires": {"db": {"interface": "sql"}}}
    model.deploy(Charm.of(tmp_path / "reader", metadata=metadata, files={"dispatch": reader}))
    model.relate("owner", "reader")
    settled = model.settle()
    assert not settled.errors, settled
    assert model.unit("reader/0").status.message == "first"
    model.update_status("owner/0")
    assert model.settle().hooks == (("owner/0", "update-status"), ("reader/0", "secret-changed"))
    assert model.unit("reader/0").status.message == "second"


@pytest.mark.parametrize(
    ("how", "hooks"),
    [
        ("juju-reboot", ("update-status", "start")),
        ("[ -e done ] || { touch done; juju-reboot --now; }", ("update-status", "update-status", "start")),
    ],
)
def test_a_unit_that_reboots_starts_again(
    new_model: Callable[..., Model], tmp_path: Path, how: str, hooks: Any
) -> None:
    files = {
        "hooks/start": "#!/bin/sh\nsleep 600 >/dev/null 2>&1 &\n",
        "hooks/update-status": "#!/bin/sh\n%s\n" % how,
    }
    model = new_model(check=False)
    unit = model.deploy(Charm.of(tmp_path / "small", metadata={"name": "small"}, files=files))[0]
    model.settle()
    [before] = unit.simulated.processes()
    model.update_status()
    assert model.settle().of(unit) == hooks
    [after] = unit.simulated.processes()
    assert after != before


def test_a_subordinate_has_a_unit_beside_each_unit_it_is_related_to(
    model: Model, charms: Dict[str, Charm]
) -> None:
    beside = model.deploy(charms["beside"])
    assert not model.settle()
    model.relate("beside", "db")
    model.settle()
    assert {unit.name: unit.principal.name for unit in beside.units if unit.principal} == {
        "beside/0": "db/0",
        "beside/1": "db/1",
    }
    # Each sees the unit on its own machine only.
    for name, unit in (("beside/0", "db/0"), ("beside/1", "db/1")):
        assert said(model, name, "sees")[-1] == "host:2 sees [(%r, %r)]" % (unit, unit)
    model.applications["db"].add_unit()
    model.settle()
    assert len(beside.units) == 3
    model.applications["db"].remove_unit(0)
    settled = model.settle()
    assert settled.of("beside/0")[-2:] == ("stop", "remove")
    assert [unit.name for unit in beside.units] == ["beside/1", "beside/2"]
    model.remove_relation("beside", "db")
    model.settle()
    assert beside.units == []


def test_a_subordinate_of_any_charm(model: Model, tmp_path: Path) -> None:
    requires = {"host": {"interface": "juju-info", "scope": "container"}}
    metadata = {"name": "monitor", "subordinate": True, "requires": requires}
    files = {"hooks/host-relation-joined": '#!/bin/sh\nstatus-set active "on $JUJU_PRINCIPAL_UNIT"\n'}
    monitor = model.deploy(Charm.of(tmp_path / "monitor", metadata=metadata, files=files))
    model.relate("monitor", "web")
    # The principal runs no hook for what it has not declared.
    joined = {("monitor/0", "host-relation-joined"), ("monitor/1", "host-relation-joined")}
    assert set(model.settle().hooks) == joined
    assert {unit.status.message for unit in monitor.units} == {"on web/0", "on web/1"}
    model.remove_application("web")
    model.settle()
    assert monitor.units == []
    assert "web" not in model.applications


def test_the_model_as_text_and_as_json(model: Model) -> None:
    model.unit("web/1").fail_next("update-status", message="out of paper")
    model.update_status("web/1")
    model.settle()
    lines = [" ".join(line.split()) for line in str(model).splitlines()]
    assert "db/0* active idle after clients-relation-changed" in "\n".join(lines)
    assert 'web/1 error failed hook failed: "update-status"' in lines
    assert "db:clients web:db sql regular" in lines
    document = json.loads(json.dumps(model.to_json()))
    unit = document["applications"]["web"]["units"]["web/1"]
    assert unit["failed"] == {"hook": "update-status", "error": "RuntimeError: out of paper"}
    assert document["relations"][1]["data"]["db/0"]["name"] == "db/0"
    assert document["relations"][1]["endpoints"] == ["web:db", "db:clients"]
    assert document["relations"][1]["interface"] == "sql"
    assert len(document["hooks"]) == len(model.steps)


def ring() -> None:
    """A charm whose leader tells its peers something in the name of the application."""
    from charmhelpers.core import hookenv

    from charms.reactive import hook

    @hook("ring-relation-joined")
    def tell() -> None:
        if hookenv.is_leader():
            hookenv.relation_set(hookenv.relation_id(), {"word": "here"}, app=True)


def test_what_the_leader_writes_for_its_application_is_news_to_the_others_alone(
    new_model: Callable[..., Model], tmp_path: Path
) -> None:
    charm = Charm.of(tmp_path / "app", ring, metadata={"name": "app", "peers": {"ring": "ring"}})
    model = new_model()
    app = model.deploy(charm, units=3)
    model.settle()
    heard = [
        step.unit for step in model.steps if step.name == "ring-relation-changed" and step.hook.unit is None
    ]
    (leader,) = [unit.name for unit in app.units if unit.leader]
    assert sorted(heard) == sorted({unit.name for unit in app.units} - {leader})


REFUSED = {
    "it is there": (lambda model, charms: model.deploy(charms["db"]), "there is an application db already"),
    "no option": (
        lambda model, charms: model.deploy(charms["db"], "other", config={"color": "red"}),
        "the charm has no option 'color'",
    ),
    "no resource": (
        lambda model, charms: model.deploy(charms["db"], "other", resources={"image": "/x"}),
        "charm db has no resource 'image'; it has none",
    ),
    "no storage": (
        lambda model, charms: model.deploy(charms["web"], "other", storage={"disk": 1}),
        "charm web has no storage 'disk'; it has none",
    ),
    "units of a subordinate": (
        lambda model, charms: model.deploy(charms["beside"], units=2),
        "beside is a subordinate: it gets its units when it is related",
    ),
    "related already": (
        lambda model, charms: model.relate("db:clients", "web:db"),
        "web:db and db:clients are related already",
    ),
    "no such application": (
        lambda model, charms: model.relate("webb", "db"),
        "there is no application 'webb'",
    ),
    "no such endpoint": (
        lambda model, charms: model.relate("web:data", "db"),
        "web has no endpoint 'data'; it has db",
    ),
    "peers": (lambda model, charms: model.relate("db:ring", "web"), "db:ring is an endpoint for peers"),
    "roles": (
        lambda model, charms: (model.deploy(charms["db"], "pg"), model.relate("pg", "db")),
        "pg:clients and db:clients both are in 'provides'; one has to require what the other provides",
    ),
    "with itself": (
        lambda model, charms: model.relate("db:clients", "db"),
        "an application cannot be related to itself, but by its peer relations",
    ),
    "no such relation": (
        lambda model, charms: model.remove_relation("web", "web"),
        "there is no relation between web and web; there is: db:ring; web:db db:clients",
    ),
    "no such unit": (
        lambda model, charms: model.unit("db/7"),
        "there is no unit db/7; there is db/0, db/1, web/0",
    ),
    "a type": (
        lambda model, charms: model.applications["db"].configure(colour=3),
        "option 'colour' is of type string, which 3 is not",
    ),
    "not in error": (lambda model, charms: model.resolve("db/0"), "unit db/0 is not in an error state"),
    "no such moment": (
        lambda model, charms: model.unit("db/0").fail_next("stop", when="during"),
        "not 'during'",
    ),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_juju_refuses_is_refused(model: Model, charms: Dict[str, Charm], name: str) -> None:
    attempt, reason = REFUSED[name]
    with pytest.raises(CharmError) as refused:
        attempt(model, charms)
    assert reason in str(refused.value)
    assert not model.settle().errors


def test_interfaces_have_to_be_the_same(
    new_model: Callable[..., Model], charms: Dict[str, Charm], tmp_path: Path
) -> None:
    model = new_model()
    model.deploy(charms["db"])
    metadata = {"name": "cache", "requires": {"store": {"interface": "redis"}}}
    model.deploy(Charm.of(tmp_path / "cache", metadata=metadata))
    with pytest.raises(CharmError, match="cache:store has the interface 'redis' and db:clients has 'sql'"):
        model.relate("cache", "db")


def test_endpoints_have_to_be_named_where_several_could_be_meant(
    new_model: Callable[..., Model], charms: Dict[str, Charm], tmp_path: Path
) -> None:
    model = new_model()
    model.deploy(charms["db"])
    metadata = {"name": "two", "requires": {"one": {"interface": "sql"}, "other": {"interface": "sql"}}}
    model.deploy(Charm.of(tmp_path / "two", metadata=metadata))
    with pytest.raises(CharmError, match="name one of two:one db:clients; two:other db:clients"):
        model.relate("two", "db")
    assert str(model.relate("two:other", "db")) == "two:other db:clients"


def test_the_directory_has_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="is not empty"):
        Model(tmp_path)


def test_a_temporary_directory_goes_with_the_model(charms: Dict[str, Charm]) -> None:
    with Model() as model:
        model.deploy(charms["web"])
        assert (model.directory / "web-0" / "charm" / "metadata.yaml").exists()
    assert not model.directory.exists()
