"""A built charm on the desk: nothing is installed on the developer's machine, and its libraries are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List

import pytest

from charms_reactive.testing import Charm, Outcome, SimulatedUnit, State, Unit

#: As layer:basic starts every hook.
HOOK = """\
#!/usr/bin/env python3
import sys
sys.path.append("lib")

from charms.layer import basic
basic.bootstrap_charm_deps()

from charmhelpers.core import hookenv
hookenv.atstart(basic.init_config_states)
hookenv.atexit(basic.clear_config_states)

from charms.reactive import main
main()
"""

ACTION = """\
#!/usr/local/sbin/charm-env python3
from charms.layer.basic import activate_venv
activate_venv()

from charms import layer
from charmhelpers.core import hookenv
hookenv.action_set({"sells": layer.shop.sells(), "section": layer.options("shop")["till"]})
"""

#: A bootstrap of the same shape that tells what it did to the machine.
BASIC = """\
import os
import subprocess
import sys

from charms import layer


def bootstrap_charm_deps():
    with open(os.environ["MACHINE"], "a") as machine:
        machine.write("bootstrap %s\\n" % os.path.basename(sys.argv[0]))
    subprocess.check_call(["apt-get", "--assume-yes", "install", "python3-pip"])
    activate_venv()


def activate_venv():
    with open(os.environ["MACHINE"], "a") as machine:
        machine.write("activate\\n")
    python = os.path.abspath("../.venv/bin/python")
    os.execve(python, [python] + sys.argv, os.environ)


def init_config_states():
    from charms.reactive import toggle_flag
    toggle_flag("config.set.port", True)


def clear_config_states():
    from charms.reactive import clear_flag
    clear_flag("config.set.port")


def fail():
    raise RuntimeError("line %d" % sys._getframe().f_lineno)
"""

LAYER = """\
import sys
from importlib import import_module
from pathlib import Path


def import_layer_libs():
    for path in sorted(Path("lib/charms/layer").glob("*.py")):
        if path.stem not in ("__init__", "basic", "execd"):
            import_module("charms.layer." + path.stem)


class _Callable(sys.modules[__name__].__class__):
    def __call__(self, section=None):
        return self.get(section)


def patch_options_interface():
    from charms.layer import options
    options.__class__ = _Callable
"""

FILES: Dict[str, str] = {
    "metadata.yaml": "name: shop\n",
    "config.yaml": "options: {port: {type: int, default: 80}}\n",
    "actions.yaml": "audit: {}\n",
    "hooks/install": HOOK,
    "hooks/config-changed": HOOK,
    "hooks/upgrade-charm": HOOK,
    "actions/audit": ACTION,
    "bin/charm-env": '#!/bin/bash\nPYTHONPATH="$JUJU_CHARM_DIR/lib:$PYTHONPATH" exec "$@"\n',
    "bin/layer_option": "#!/bin/sh\necho option\n",
    "wheelhouse/pip-18.1.tar.gz": "",
    "lib/charms/layer/__init__.py": LAYER,
    "lib/charms/layer/basic.py": BASIC,
    "lib/charms/layer/options.py": "def get(section=None):\n    return {'till': section}\n",
    "lib/charms/layer/shop.py": "def sells():\n    return 'tea'\n",
    # Nothing here imports charms.layer.shop: that is the bootstrap's work.
    "reactive/shop.py": """\
import subprocess

from charms import layer
from charms.reactive import clear_flag, set_flag, when


@when("config.set.port")
def sell():
    set_flag("sells." + layer.shop.sells())
    set_flag("till." + layer.options("shop")["till"])
    set_flag("says." + subprocess.check_output(["layer_option"]).decode().strip())


@when("asked.to.fail")
def fail():
    layer.basic.fail()
""",
}

WANTED = {"sells.tea", "till.shop", "says.option"}


def write(directory: Path, files: Dict[str, str]) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)
    return directory


def content(directory: Path) -> Dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


@pytest.fixture
def charm(tmp_path: Path) -> Path:
    return write(tmp_path / "shop", FILES)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that has a line for everything that was done to the machine."""
    told = tmp_path / "machine"
    write(tmp_path / "shims", {"apt-get": '#!/bin/sh\necho "apt-get $*" >>"$MACHINE"\n'})
    monkeypatch.setenv("PATH", "%s:%s" % (tmp_path / "shims", os.environ["PATH"]))
    monkeypatch.setenv("MACHINE", str(told))
    return told


@pytest.fixture(
    params=[pytest.param(True, id="in-process"), pytest.param(False, id="as-process", marks=pytest.mark.long)]
)
def make(request: pytest.FixtureRequest, machine: Path) -> Callable[[Path], Unit]:
    """A unit of a charm, whose hooks run either way."""

    def make(charm: Path) -> Unit:
        return Unit(charm, in_process=request.param, environment={"MACHINE": str(machine)})

    return make


def told(outcome: Outcome) -> str:
    return "%s\n%s" % (outcome.stdout, outcome.stderr)


def test_a_hook_has_the_libraries_and_installs_nothing(
    charm: Path, machine: Path, make: Callable[[Path], Unit]
) -> None:
    unit = make(charm)
    for hook in ("install", "config-changed", "upgrade-charm"):
        then = unit.run(hook)
        assert then.succeeded, told(then)
        assert then.flags == WANTED
        assert not machine.exists(), machine.read_text()
        # What the desk does in the place of the bootstrap is no change that a hook has made.
        assert set(then.state.files) <= {".juju-persistent-config"}


def test_an_action_has_them_too(charm: Path, machine: Path, make: Callable[[Path], Unit]) -> None:
    """Also by the first line that actions of built charms have, which names a file of the bootstrap."""
    then = make(charm).run_action("audit")
    assert then.succeeded, told(then)
    assert then.action is not None
    assert then.action.results == {"sells": "tea", "section": "shop"}
    assert not machine.exists(), machine.read_text()


def test_a_hook_in_bash_that_starts_one_in_python(
    charm: Path, machine: Path, make: Callable[[Path], Unit]
) -> None:
    write(charm, {"dispatch": '#!/bin/bash\nexec python3 "hooks/$JUJU_HOOK_NAME"\n'})
    then = make(charm).run("install")
    assert then.succeeded, told(then)
    assert then.flags == WANTED
    assert not machine.exists(), machine.read_text()


def test_a_layer_of_old_has_no_such_functions(
    charm: Path, machine: Path, make: Callable[[Path], Unit]
) -> None:
    write(charm, {"lib/charms/layer/__init__.py": "def options(section):\n    return {'till': section}\n"})
    text = (charm / "reactive/shop.py").read_text()
    both = "import charms.layer.shop\nfrom charms import layer"
    (charm / "reactive/shop.py").write_text(text.replace("from charms import layer", both))
    (charm / "lib/charms/layer/options.py").unlink()
    then = make(charm).run("install")
    assert then.succeeded, told(then)
    assert then.flags == WANTED
    assert not machine.exists(), machine.read_text()


def test_lines_in_tracebacks_are_the_charms_own(
    charm: Path, machine: Path, make: Callable[[Path], Unit]
) -> None:
    line = 1 + BASIC.splitlines().index('    raise RuntimeError("line %d" % sys._getframe().f_lineno)')
    then = make(charm).run("install", State(flags=["asked.to.fail"]))
    assert not then.succeeded
    assert "RuntimeError: line %d" % line in then.stderr
    assert 'raise RuntimeError("line %d" % sys._getframe().f_lineno)' in then.stderr


def test_another_revision_is_treated_alike(charm: Path, machine: Path, tmp_path: Path) -> None:
    variables = {"MACHINE": str(machine)}
    for in_process in (True, False):
        unit = SimulatedUnit(
            charm, tmp_path / ("unit-%s" % in_process), in_process=in_process, environment=variables
        )
        unit.refresh(charm)
        ran = unit.run("upgrade-charm")
        assert ran.succeeded, ran.stderr
        assert not machine.exists(), machine.read_text()


@pytest.mark.parametrize("link", ["lib", "lib/charms", "lib/charms/layer", "lib/charms/layer/basic.py"])
def test_the_developers_files_stay_as_they_are(
    charm: Path, machine: Path, make: Callable[[Path], Unit], tmp_path: Path, link: str
) -> None:
    """Also where a part of the charm is a link to somewhere else."""
    elsewhere = tmp_path / "elsewhere"
    shutil.move(str(charm / link), str(elsewhere))
    (charm / link).symlink_to(elsewhere)
    before = content(charm), content(elsewhere)
    then = make(charm).run("install")
    assert then.succeeded, told(then)
    assert not machine.exists(), machine.read_text()
    assert before == (content(charm), content(elsewhere))


@pytest.mark.long
@pytest.mark.parametrize("options", [[], ["--processes"]])
def test_on_the_command_line(charm: Path, machine: Path, options: List[str]) -> None:
    command = [
        sys.executable,
        "-m",
        "charms_reactive.cli",
        "simulate",
        str(charm),
        "install",
        "action:audit",
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sells.tea" in done.stdout
    assert not machine.exists(), machine.read_text()


def test_a_charm_without_the_layer_is_copied_as_it_is(tmp_path: Path) -> None:
    directory = write(tmp_path / "own", {"metadata.yaml": "name: own\n", "lib/charms/layer/o.py": "x = 1\n"})
    Charm(directory).copy_to(tmp_path / "copy")
    assert (tmp_path / "copy/lib/charms/layer/o.py").read_text() == "x = 1\n"
    assert not (tmp_path / "copy/lib/charms/layer/basic.py").exists()
