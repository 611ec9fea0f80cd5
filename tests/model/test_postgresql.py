"""Three applications of three units each around a real PostgreSQL: served, failed over, torn down."""

from __future__ import annotations

import glob
import os
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Iterator, List

import pytest
from building import build

from charms_reactive.testing import Model, ModelUnit

pytestmark = pytest.mark.once

WITHOUT = "PostgreSQL is not installed on this machine (Debian: apt-get install postgresql)"
SECONDS = 60


@pytest.fixture
def postgresql() -> None:
    """There is a PostgreSQL server to run; without one the test fails in CI, and elsewhere says so."""
    if glob.glob("/usr/lib/postgresql/*/bin/initdb") and shutil.which("psql"):
        return
    if os.environ.get("CI"):
        pytest.fail(WITHOUT, pytrace=False)
    pytest.skip(WITHOUT)


@pytest.fixture
def model(postgresql: None, tmp_path: Path) -> Iterator[Model]:
    """The three applications, related; nothing has run yet."""
    with Model(seed=1, check=True) as model:
        for name in ("database", "web", "balancer"):
            model.deploy(build(name, tmp_path), units=3)
        model.relate("web", "database")
        model.relate("balancer", "web")
        yield model


def page(unit: ModelUnit) -> str:
    """What a balancer serves."""
    [port] = unit.simulated.ports
    with urllib.request.urlopen("http://127.0.0.1:%s/" % port.partition("/")[0], timeout=20) as answer:
        text: str = answer.read().decode()
        return text


def processes(directory: Path) -> List[str]:
    """Everything on this machine that has to do with a directory: by environment, place or command line."""
    found = []
    mark = os.fsencode(directory)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            texts = [(entry / name).read_bytes() for name in ("environ", "cmdline")]
            texts.append(os.fsencode(os.readlink(entry / "cwd")))
        except OSError:
            continue  # Gone meanwhile.
        if any(mark in text for text in texts) and int(entry.name) != os.getpid():
            found.append("%s %s" % (entry.name, texts[1].replace(b"\0", b" ").decode(errors="replace")))
    return found


def test_three_applications_serve_a_page_lose_their_leader_and_go(
    model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    database, web = model.applications["database"], model.applications["web"]
    balancers = model.applications["balancer"].units

    settled = model.settle()
    assert not settled.errors, settled
    assert {str(unit.status) for unit in database.units} == {
        "active: primary",
        "active: standby of database/0",
    }
    assert {str(unit.status) for unit in balancers} == {"active: 3 servers"}
    hooks = len(settled)

    # A page whose text nobody has but the database.
    text = "It's %s." % os.urandom(8).hex()
    assert "nothing yet" in page(balancers[0])
    assert database.leader is not None
    assert database.leader.run_action("write", {"text": text}).succeeded
    served = [page(balancers[number % 3]) for number in range(9)]
    assert all(text in one for one in served)
    assert len({one.splitlines()[-1] for one in served}) > 1, "all pages came from one web server"

    # The leader's machine is lost: a standby that has replicated the text takes over.
    lost = database.leader
    standby = next(unit for unit in database.units if unit is not lost)
    assert (
        standby.run_action("write", {"text": "no"}).action.failure == "only the leader's server takes changes"
    )
    lost.lose()
    with pytest.raises(urllib.error.HTTPError, match="500") as refused:
        page(balancers[0])
    refused.value.close()  # The answer is a file, and CPython 3.14 warns of those that nobody closed.
    settled = model.settle()
    assert not settled.errors, settled
    assert database.leader is not lost
    assert str(database.leader.status) == "active: primary"
    assert all(text in page(unit) for unit in balancers)
    assert database.leader.run_action("write", {"text": text + " Still."}).succeeded
    assert all(text + " Still." in page(unit) for unit in balancers)
    lost.remove(force=True)

    # A hook fails on the way; the other units go on, and the page is served all the time.
    web[0].fail_next("config-changed", when="after", message="out of paper")
    web.configure(title="Another title")
    settled = model.settle()
    assert list(settled.errors) == ["web/0"]
    assert settled.errors["web/0"].run.error == "RuntimeError: out of paper"
    assert all(text in page(unit) for unit in balancers)
    model.resolve("web/0")
    assert model.settle().of("web/0")[0] == "config-changed"
    assert all(page(unit).startswith("Another title\n") for unit in balancers for _ in range(3))

    # Torn down by the charms themselves, to the last process.
    assert len(processes(model.directory)) > 8
    for name in ("balancer", "web", "database"):
        model.remove_application(name)
    assert not model.settle().errors
    assert model.applications == {}
    assert model.left_running == {}
    assert processes(model.directory) == []
    took = time.monotonic() - began
    with capsys.disabled():
        print(" %d hooks to settle, %d in all, %.1f s " % (hooks, len(model.steps), took), end="")
    assert took < SECONDS
