"""A model with two charms that say what they see: the one offers a database, the other uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import pytest

from charms_reactive.testing import Charm, Model

#: Publishes its name wherever it is, and as leader the application's; logs what every hook is told.
DISPATCH = """\
#!/usr/bin/env python3
import os
import subprocess

environment = os.environ
hook, unit = environment["JUJU_HOOK_NAME"], environment["JUJU_UNIT_NAME"]


def tool(*words):
    return subprocess.check_output(words, universal_newlines=True).strip()


def leader():
    return tool("is-leader") == "True"


def names(relation):
    found = {}
    for member in tool("relation-list", "-r", relation).split():
        found[member] = tool("relation-get", "-r", relation, "name", member)
    return found


if hook:
    about = [environment.get("JUJU_REMOTE_UNIT") or environment.get("JUJU_REMOTE_APP", "")]
    about += [environment.get("JUJU_DEPARTING_UNIT", ""), environment.get("JUJU_STORAGE_ID", "")]
    tool("juju-log", " ".join(part for part in [hook, *about] if part))
relation = environment.get("JUJU_RELATION_ID")
if hook.endswith("-relation-created"):
    tool("relation-set", "name=" + unit)
    if leader():
        tool("relation-set", "--app", "chief=" + unit)
if hook == "leader-elected":
    tool("leader-set", "chief=" + unit)
if relation and hook.endswith(("-joined", "-changed", "-departed")):
    tool("juju-log", "%s sees %r" % (relation, sorted(names(relation).items())))
if hook == "config-changed":
    tool("juju-log", "colour is " + tool("config-get", "colour"))
tool("status-set", "active", "after " + hook)
"""

DATABASE = {
    "name": "db",
    "provides": {"clients": {"interface": "sql"}},
    "peers": {"ring": {"interface": "ring"}},
    "storage": {"disk": {"type": "filesystem", "multiple": {"range": "1-3"}}},
}
WEB = {"name": "web", "requires": {"db": {"interface": "sql"}}}
BESIDE = {
    "name": "beside",
    "subordinate": True,
    "requires": {"host": {"interface": "sql", "scope": "container"}},
}


@pytest.fixture
def charms(tmp_path: Path) -> Dict[str, Charm]:
    """The charms by name."""
    colour = {"colour": "blue"}
    return {
        metadata["name"]: Charm.of(
            tmp_path / str(metadata["name"]),
            metadata=metadata,
            config=colour,
            actions={"probe": {}},
            files={"dispatch": DISPATCH},
        )
        for metadata in (DATABASE, WEB, BESIDE)  # type: Dict[str, Any]
    }


@pytest.fixture
def new_model() -> Iterator[Callable[..., Model]]:
    """Makes models, whose every hook is checked to be one that Juju could run; closes them afterwards."""
    models = []

    def make(**options: Any) -> Model:
        models.append(Model(**{"check": True, **options}))
        return models[-1]

    yield make
    for model in models:
        model.close()


@pytest.fixture
def model(new_model: Callable[..., Model], charms: Dict[str, Charm]) -> Model:
    """Two databases and two of web, related and settled."""
    model = new_model(seed=1)
    model.deploy(charms["db"], units=2)
    model.deploy(charms["web"], units=2)
    model.relate("web", "db")
    assert not model.settle().errors
    return model
