"""The table of docs/status.md: the same statuses in each library, all of them run.

contextual-status and ops come from the package index, into an environment of their own. layer:status is on
none: a stand-in does what it is known for, and where ``CHARM_LAYERS_DIR`` has the layers basic, options and
status, the real one is run as well.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest

import operator_framework
from charms_reactive import status
from charms_reactive.testing import Charm, Unit

from .conftest import Held, Juju
from .test_layer_status import LAYER

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("blocked", "maintenance", "waiting", "active")

Case = List[Tuple[str, str]]

# Each two of the names, in both orders of time; then two of the same name.
CASES: Dict[str, Case] = {
    "%s before %s" % pair: [(pair[0], "the first"), (pair[1], "the second")]
    for pair in itertools.product(NAMES, repeat=2)
}


@pytest.fixture(scope="module")
def others() -> Dict[str, Any]:
    """What contextual-status and ops show in each case."""
    python = operator_framework.python()
    program = str(Path(__file__).with_name("compared.py"))
    done = subprocess.run([python, program, json.dumps(CASES)], capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    told: Dict[str, Any] = json.loads(done.stdout.decode().splitlines()[-1])
    return told


# -- layer:status -----------------------------------------------------------------------------------
HANDLER = """\
import os
from charmhelpers.core import hookenv
from charms.reactive import hook

@hook("update-status")
def %s():
    exec(os.environ["%s"])
"""


def layered(directory: Path, layers: Optional[str]) -> Unit:
    """A unit of a charm with two layers of its own, with layer:status or the stand-in for it."""
    files = {
        "layer.yaml": "includes: [early]\noptions: {status: {patch-hookenv: true}}\n",
        "reactive/early.py": HANDLER % ("early", "EARLY"),
        "reactive/late.py": HANDLER % ("late", "LATE"),
        "lib/layer_status.py": LAYER,
        "reactive/a_status.py": "import layer_status\n",
    }
    if layers is not None:
        del files["lib/layer_status.py"]
        for path in ("basic", "__init__"), ("options", "options"), ("status", "status"):
            name = "lib/charms/layer/%s.py" % path[1]
            files[name] = Path(layers, path[0], name).read_text()
        files["reactive/a_status.py"] = "from charms.layer import status\n\nstatus._initialize()\n"
    charm = Charm.of(directory / "source", metadata={"name": "late"}, files=files)
    return Unit(charm, engine="pure")


def of_layer(unit: Unit) -> Callable[..., str]:
    def show(case: Case, crash: bool = False) -> str:
        code = ["hookenv.status_set(%r, %r)" % one for one in case] + ["1 / 0"] * crash
        ran = unit.run(
            "update-status",
            environment={"EARLY": code[0], "LATE": "\n".join(code[1:])},
        )
        calls = [" ".join(call.arguments) for call in ran.tools if call.tool == "status-set"]
        if crash:
            assert not ran.succeeded
            return "failed; " + (calls[-1] if calls else "nothing was set")
        assert ran.succeeded, ran.error
        return calls[-1].replace(" ", ": ", 1)

    return show


LAYERS = [None, *filter(None, [os.environ.get("CHARM_LAYERS_DIR")])]


@pytest.fixture(scope="module", params=LAYERS, ids=["stand-in", "layer:status"][: len(LAYERS)])
def layer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    return of_layer(layered(tmp_path_factory.mktemp("layered"), request.param))


# -- ours --------------------------------------------------------------------------------------------
KINDS = {
    "active": status.ActiveStatus,
    "blocked": status.BlockedStatus,
    "maintenance": status.MaintenanceStatus,
    "waiting": status.WaitingStatus,
}


def of_ours(case: Case) -> str:
    held = Held()
    with status.context(held):
        for name, message in case:
            status.add(KINDS[name](message))
    return "%s: %s" % (held.status.name, held.status.message)


# -- the table ---------------------------------------------------------------------------------------
def table() -> Dict[str, Dict[str, str]]:
    """The cells of the manual: of each row, those of each library."""
    text = (ROOT / "docs/status.md").read_text(encoding="utf-8")
    lines = text.partition("\n| | contextual-status")[2].partition("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    names = ("contextual-status", "layer:status", "ops", "here")
    return {row[0]: dict(zip(names, row[1:])) for row in rows}


def order_of(show: Callable[[Case], str], names: str) -> None:
    """Of each two names that the cell has, the first is shown, whichever came first."""
    known = [name for name in names.split(", ") if name in NAMES]
    assert len(known) >= 2
    for better, worse in itertools.combinations(known, 2):
        for first, second in ((better, worse), (worse, better)):
            shown = show(CASES["%s before %s" % (first, second)])
            assert shown.partition(":")[0] == better, (first, second)


ALIKE = {"the first": "the first", "the later layer's": "the second"}


def test_the_order(others: Dict[str, Any], layer: Callable[..., str]) -> None:
    cells = table()["order"]
    for library in ("contextual-status", "ops"):
        told = {json.dumps(case): others[library][name] for name, case in CASES.items()}
        order_of(lambda case, told=told: str(told[json.dumps(case)]), cells[library])
    order_of(layer, cells["layer:status"])
    order_of(of_ours, cells["here"])
    for library in ("contextual-status", "here"):
        assert cells[library].endswith(", exit status")
    assert of_ours([]) == "active: Ready"


def test_two_alike(others: Dict[str, Any], layer: Callable[..., str]) -> None:
    cells = table()["of two alike"]
    ours, active = cells["here"].split("; of two Active ")
    for name in ("blocked", "waiting"):
        case = "%s before %s" % (name, name)
        for library in ("contextual-status", "ops"):
            assert others[library][case] == "%s: %s" % (name, ALIKE[cells[library]])
        assert layer(CASES[case]) == "%s: %s" % (name, ALIKE[cells["layer:status"]])
        assert of_ours(CASES[case]) == "%s: %s" % (name, ALIKE[ours])
    assert active == "the last"
    assert of_ours(CASES["active before active"]) == "active: the second"


def test_after_a_crash(others: Dict[str, Any], layer: Callable[..., str]) -> None:
    cells = table()["after a crash"]
    assert cells["contextual-status"] == "Active"
    assert others["contextual-status"]["crash"].startswith("active: ")
    assert cells["ops"] == cells["layer:status"] == "nothing is set"
    assert others["ops"]["crash"] == "failed; nothing was set"
    assert layer([("active", "All is well")], crash=True) == "failed; nothing was set"
    held = Held()

    def fail() -> None:
        status.add(status.ActiveStatus("All is well"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), status.context(held):
        fail()
    assert cells["here"] == "never Active"
    assert "active" not in [one.name for one in held.history]


def test_outside_a_context(others: Dict[str, Any], layer: Callable[..., str], juju: Juju) -> None:
    cells = table()["outside a context"]
    assert cells["contextual-status"] == "dropped, with a warning"
    assert others["contextual-status"]["outside"] == "unknown: "
    assert cells["ops"] == cells["layer:status"] == cells["here"] == "set"
    assert others["ops"]["outside"] == "blocked: outside"
    assert layer([("blocked", "outside")]) == "blocked: outside"
    status.add(status.BlockedStatus("outside"))
    assert juju.status == "blocked: outside"


def test_the_application(others: Dict[str, Any], juju: Juju) -> None:
    cells = table()["application"]
    assert cells == {"contextual-status": "no", "layer:status": "no", "ops": "yes", "here": "yes"}
    assert others["contextual-status"]["application"] == ["blocked", "unit", "waiting"]
    assert others["ops"]["application"] == "waiting: of the application"
    with status.application():
        status.add(status.WaitingStatus("of the application"), app=True)
    assert juju.application_status == "waiting: of the application"
