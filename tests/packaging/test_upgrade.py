"""An upgrade in the middle of a charm's life, and back: in one environment, between two hooks.

tests/state/test_interop.py has hooks of 1.5.3 and ours take turns on one unit state. Here it is pip that
takes the one distribution away and puts the other in its place, as it does on a unit whose charm is
upgraded: the same interpreter, ``site-packages`` and ``bin``, and the namespace ``charms`` with what others
have installed in it.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import venv
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest

from charms_reactive.testing import SimulatedUnit
from engines import engine_names
from reference import reference
from state.charm import read_rows

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]

APP = """
from charmhelpers.core import hookenv
from charms import neighbour
from charms.layer import mine
from charms.reactive import (
    clear_flag, data_changed, endpoint_from_flag, hook, is_flag_set, only_once, register_trigger, set_flag,
    when, when_file_changed, when_not,
)

try:
    from charms.reactive.records import Record
except ImportError:  # there are none in 1.5.3
    Record = None
else:

    class Visit(Record, key="hook"):
        hook: str
        count: int = 0


register_trigger(when="work.wanted", set_flag="work.open")


def tell(what):
    with open("told", "a") as file:
        file.write(what + "\\n")


@when_not("installed")
def install():
    tell("install")
    set_flag("installed", {"by": "install"})


@only_once
def once():
    tell("once")


@when("installed")
@when_file_changed("watched")
def watched():
    tell("watched")


@hook("update-status")
def beat():
    tell("beat " + neighbour.NAME + mine.NAME)
    if data_changed("settings", {"port": hookenv.config("port")}):
        tell("data changed")
    set_flag("work.wanted")
    if Record is not None:
        visits = Visit.filter(hook="update-status") or [Visit.create(hook="update-status")]
        visits[0].count += 1
        visits[0].save()
        tell("visit %d" % visits[0].count)


@when("work.open")
def work():
    tell("work")
    clear_flag("work.open")
    clear_flag("work.wanted")


@when("config.changed.port")
def port():
    tell("port changed")


@when("endpoint.db.changed.host")
def db():
    tell("db " + endpoint_from_flag("endpoint.db.joined").relations[0].joined_units.received["host"])
    clear_flag("endpoint.db.changed.host")


@when("old.there")
def old(relation):
    for conversation in sorted(relation.conversations(), key=lambda one: one.scope):
        tell("old %s %s" % (conversation.scope, conversation.get_local("since")))
"""

SHELL = """\
#!/bin/bash
source charms.reactive.sh

@when_not 'shell.done'
function configure() {
    echo 'shell configure' >>told
    charms.reactive set_flag shell.done
}

reactive_handler_main
"""

END = """
import os, signal
from charms.reactive import hook, is_flag_set, set_flag

@hook("start")
def end():
    assert is_flag_set("half.way")
    if os.environ.get("END") == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
"""

BEFORE_END = """\
#!/bin/bash
source charms.reactive.sh

@hook 'start'
function half_way() {
    echo 'half way' >>told
    charms.reactive set_flag half.way
    charms.reactive clear_flag installed
}

reactive_handler_main
"""

ENDPOINT = """
from charms.reactive import Endpoint

class Requires(Endpoint):
    pass
"""

OLD = """
from charmhelpers.core import hookenv
from charms.reactive import RelationBase, hook, scopes

class Requires(RelationBase):
    scope = scopes.UNIT

    @hook("{requires:old}-relation-joined")
    def joined(self):
        self.conversation().set_local("since", hookenv.hook_name())
        self.conversation().set_state("{relation_name}.there")

    @hook("{requires:old}-relation-departed")
    def departed(self):
        self.conversation().remove_state("{relation_name}.there")
"""

OLD_TOLD = "old thing/0 old-relation-joined"

NAMESPACE = "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"

#: What is killed, and what it has changed by then.
ENDING = {"reactive/y.sh": BEFORE_END, "reactive/z.py": END}

FILES = {
    "metadata.yaml": "name: app\nrequires:\n  db: {interface: sql}\n  old: {interface: old}\n",
    "config.yaml": "options:\n  port: {type: int, default: 80}\n",
    "dispatch": "#!/usr/bin/env python3\nimport sys\nsys.path.append('lib')\n"
    "from charms.reactive import main\nmain()\n",
    "watched": "first",
    "reactive/app.py": APP,
    "reactive/b.sh": SHELL,
    "hooks/relations/sql/requires.py": ENDPOINT,
    "hooks/relations/old/requires.py": OLD,
    "lib/charms/__init__.py": NAMESPACE,
    "lib/charms/layer/__init__.py": "",
    "lib/charms/layer/mine.py": "NAME = ' and mine'\n",
}


# -- environments --------------------------------------------------------------------------------------
class Site:
    """A unit's environment: what 1.5.3 needs, a neighbour in the namespace, and one of the wheels."""

    def __init__(self, directory: Path, wheels: Dict[str, Path]) -> None:
        venv.create(str(directory), symlinks=True)
        self.bin = directory / "bin"
        self.python = self.bin / "python3"
        (self.site,) = (directory / "lib").glob("python3*/site-packages")
        (theirs,) = (reference().bin.parent / "lib").glob("python3*/site-packages")
        for entry in theirs.iterdir():
            if entry.is_dir() and not entry.name.startswith(("charms", "pip")):
                shutil.copytree(str(entry), str(self.site / entry.name))
            elif entry.suffix == ".pth":  # by which setuptools brings distutils back
                shutil.copy(str(entry), str(self.site))
        # As charms.unit_test is: one module, which leaves the package to others.
        self.neighbour = self.site / "charms" / "neighbour.py"
        self.neighbour.parent.mkdir()
        self.neighbour.write_text("NAME = 'neighbour'\n")
        self._wheels = wheels

    def pip(self, *arguments: str) -> str:
        """The tests' own pip at work in this environment."""
        quiet = ["--disable-pip-version-check", "--python", str(self.python)]
        done = subprocess.run(
            [sys.executable, "-m", "pip", *quiet, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        said = done.stdout.decode()
        assert done.returncode == 0, said
        return said

    def install_over(self, which: str) -> None:
        """Put it over what is there, which stays, as layer:basic does without an environment of its own."""
        self.pip("install", "--upgrade", "--ignore-installed", "--no-deps", str(self._wheels[which]))

    def install(self, which: str) -> None:
        """Put ``1.5.3``, ``native`` or ``pure`` in the place of what is there."""
        version = "1.5.3" if which == "1.5.3" else "1.6.0"
        links = str(self._wheels[which].parent)
        options = ["--no-index", "--find-links", links]
        # Of the same version pip would leave the one that is there.
        options += ["--force-reinstall", "--no-deps"] if self.version() == version else []
        self.pip("install", *options, "charms.reactive==" + version)
        assert self.version() == version

    def version(self) -> str:
        """The version that is installed; nothing if there is none."""
        found = list(self.site.glob("charms*reactive-*.dist-info"))
        assert len(found) < 2, found
        return found[0].name.split("-")[1][: -len(".dist")] if found else ""

    def recorded(self) -> Set[Path]:
        """The files that the installed distribution says are its own."""
        (info,) = self.site.glob("charms*reactive-*.dist-info")
        with open(str(info / "RECORD"), newline="") as file:
            return {Path(os.path.normpath(str(self.site / row[0]))) for row in csv.reader(file)}

    def there(self) -> Set[Path]:
        """The files that could be of either version, whatever any RECORD says."""
        found = set(self.bin.glob("charms.reactive*"))
        for top in self.site.iterdir():
            if top.name.replace(".", "_").startswith(("charms_reactive", "pytest_charms_reactive")):
                found |= {path for path in [top, *top.rglob("*")] if path.is_file()}
        inside = set(self.neighbour.parent.rglob("*"))
        empty = {path for path in inside if path.is_dir() and not any(path.iterdir())}
        assert not empty, "left behind: %s" % sorted(map(str, empty))
        return found | {path for path in inside if path.is_file()} - {self.neighbour}

    def check(self, which: str) -> None:
        """Nothing of the other one is left."""
        assert self.there() == self.recorded()
        command = (self.bin / "charms.reactive").read_bytes()
        assert command.startswith(b"\x7fELF") == (which == "native")
        assert (self.bin / "charms.reactive-python").exists() == (which != "1.5.3")
        assert os.access(str(self.bin / "charms.reactive.sh"), os.X_OK)


@pytest.fixture(scope="module")
def wheels(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """A wheel of each, in a directory of its own: of 1.5.3 from the index, of ours from this tree."""
    made: Dict[str, Path] = {}
    reference()  # which has had it built, so that pip has it in its cache
    directory = tmp_path_factory.mktemp("1.5.3")
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "wheel",
        "--no-deps",
        "--use-pep517",
    ]
    subprocess.run([*command, "--wheel-dir", str(directory), "charms.reactive==1.5.3"], check=True)
    (made["1.5.3"],) = directory.glob("*.whl")
    with pytest.MonkeyPatch.context() as patches:
        patches.syspath_prepend(str(ROOT / "packaging"))  # as pip does with the backend's path
        backend = importlib.import_module("build_backend")
        # maturin is a program beside this interpreter.
        patches.setenv("PATH", "%s:%s" % (Path(sys.executable).parent, os.environ["PATH"]))
        for engine in engine_names(pytestconfig):
            directory = tmp_path_factory.mktemp(engine)
            build = {"native": "rust", "pure": "pure"}[engine]
            made[engine] = directory / backend.build_wheel(str(directory), {"build": build})
    return made


@pytest.fixture
def site(tmp_path: Path, wheels: Dict[str, Path]) -> Site:
    return Site(tmp_path / "site", wheels)


class Life:
    """A unit of the charm, from hook to hook."""

    def __init__(self, directory: Path, site: Site, **more: str) -> None:
        charm = directory / "app"
        for name, text in {**FILES, **more}.items():
            path = charm / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
            path.chmod(0o755 if name == "dispatch" or name.endswith(".sh") else 0o644)
        environment = {
            "PYTHONPATH": "",  # what is installed, and nothing of this tree
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": "%s:/usr/local/bin:/usr/bin:/bin" % site.bin,
        }
        self.unit = SimulatedUnit(charm, directory / "unit", python=site.python, environment=environment)
        # 1.5.3 logs every line by itself, and the simulated tool is an interpreter that starts.
        self.log = directory / "log"
        self.log.touch()
        tool = self.unit.juju_dir / "bin" / "juju-log"
        tool.unlink()
        tool.write_text("#!/bin/sh\nprintf '%%s\\n' \"$*\" >>%s\n" % shlex.quote(str(self.log)))
        tool.chmod(0o755)
        self.old = self.db = ""

    def begin(self) -> List[str]:
        """Install the charm, and relate it; what the handlers of ``install`` have told."""
        told = self.hook("install")
        self.old = self.unit.add_relation("old", "thing", {"thing/0": {}})
        assert self.relation(self.old, "joined", "thing/0") == [OLD_TOLD]
        self.db = self.unit.add_relation("db", "mysql", {"mysql/0": {"host": "one"}})
        return told

    def told(self, ran: Any, status: int = 0) -> List[str]:
        """What the handlers of a hook have told, sorted: 1.5.3 has no order of files."""
        assert ran.exit_status == status, ran.stderr + self.log.read_text()
        path = self.unit.charm_dir / "told"
        found = sorted(path.read_text().splitlines()) if path.exists() else []
        path.write_text("")
        return found

    def hook(self, name: str) -> List[str]:
        return self.told(self.unit.run(name))

    def relation(self, relation: str, event: str, unit: str) -> List[str]:
        return self.told(self.unit.run_relation(relation, event, unit))

    def database(self, host: str) -> List[str]:
        """The database says that it is at this host."""
        self.unit.set_relation_data(self.db, "mysql/0", {"host": host})
        return self.relation(self.db, "changed", "mysql/0")

    def write(self, path: str, text: str) -> None:
        (self.unit.charm_dir / path).write_text(text)

    def rows(self) -> Dict[str, Any]:
        return {key: json.loads(data) for key, data in read_rows(self.unit.charm_dir).items()}

    def flags(self) -> List[str]:
        return sorted(key[16:] for key in self.rows() if key.startswith("reactive.states."))


# -- lives ---------------------------------------------------------------------------------------------
def test_from_1_5_3_and_back_and_here_again(site: Site, wheels: Dict[str, Path], tmp_path: Path) -> None:
    first, second = ("native", "pure") if "native" in wheels else ("pure", "pure")
    site.install("1.5.3")
    site.check("1.5.3")
    life = Life(tmp_path, site)
    assert life.begin() == ["install", "once", "shell configure"]
    assert life.database("one") == ["db one", OLD_TOLD]
    beat = ["beat neighbour and mine", OLD_TOLD, "work"]
    assert life.hook("update-status") == sorted(["data changed", *beat])
    flags = ["endpoint.db.changed", "endpoint.db.joined", "installed", "old.there", "shell.done"]
    assert life.flags() == flags
    rows = life.rows()

    site.install(first)
    site.check(first)
    assert "No broken requirements" in site.pip("check")
    assert life.rows() == rows
    life.unit.set_config(port=81)
    life.write("watched", "second")
    assert life.hook("config-changed") == [OLD_TOLD, "port changed", "watched"]
    assert life.database("two") == ["db two", OLD_TOLD]
    assert life.hook("update-status") == sorted(["data changed", "visit 1", *beat])
    assert life.flags() == flags
    now = life.rows()
    lasting = {key: value for key, value in rows.items() if key.startswith(LASTING)}
    assert len(lasting) == 9
    assert {key: now.get(key) for key in lasting} == lasting

    site.install("1.5.3")
    site.check("1.5.3")
    assert "No broken requirements" in site.pip("check")
    assert life.hook("update-status") == beat
    assert life.database("three") == ["db three", OLD_TOLD]
    assert life.flags() == flags

    site.install(second)
    site.check(second)
    assert life.database("three") == [OLD_TOLD]
    assert life.hook("update-status") == sorted(["visit 2", *beat])
    assert life.relation(life.old, "departed", "thing/0") == []
    assert life.flags() == [flag for flag in flags if flag != "old.there"]

    site.pip("uninstall", "--yes", "charms.reactive")
    assert site.there() == set()
    subprocess.run([str(site.python), "-c", "import charms.neighbour"], check=True)


#: What the first hooks have left, and no later hook of this charm changes.
LASTING = ("reactive.invoked.", "reactive.conversations.", "reactive.states.")


def test_one_over_the_other_is_the_one_that_was_installed_last(
    site: Site, wheels: Dict[str, Path], tmp_path: Path
) -> None:
    """``use_venv: false``: pip removes nothing, and what the other version has and this one has not stays."""
    life = Life(tmp_path, site)
    ask = "import charms.reactive as it, charms.reactive.patterns.request_response as sub\n"
    ask += "print(getattr(it, 'engine_name', lambda: '1.5.3')(), it.__file__.split('/')[-2], sub.__name__)"
    environment = {"PATH": "/usr/bin:/bin", "CHARM_DIR": str(life.unit.charm_dir)}
    others = [which for which in ("native", "pure") if which in wheels]
    for which in ["1.5.3", *others, "1.5.3", *reversed(others), "1.5.3"]:
        site.install_over(which)
        command = [str(site.python), "-c", ask]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        package = "reactive" if which == "1.5.3" else "charms_reactive"
        module = ("charms.reactive" if which == "1.5.3" else package) + ".patterns.request_response"
        assert done.stdout.decode().split() == [which, package, module]
        told = life.hook("update-status")
        assert "beat neighbour and mine" in told
        # The charm that asks for records, and does without where there are none, finds ours only in ours.
        assert any(line.startswith("visit") for line in told) == (which != "1.5.3")


def test_what_a_killed_hook_has_changed_is_undone_by_the_version_after_it(
    site: Site, wheels: Dict[str, Path], tmp_path: Path
) -> None:
    """A new release, with the other engine, finds the undo row of the one that it has replaced."""
    first, second = ("native", "pure") if "native" in wheels else ("pure", "pure")
    site.install(first)
    life = Life(tmp_path, site, **ENDING)
    # Config is new, which 1.5.3 leaves to layer:basic, and so is the file, which it swallows.
    assert life.begin() == ["install", "once", "port changed", "shell configure", "watched"]
    flags = life.flags()
    life.unit.environment["END"] = "kill"
    assert life.told(life.unit.run("start"), -signal.SIGKILL) == ["half way"]
    killed = life.flags()
    assert "half.way" in killed
    assert "installed" not in killed

    site.install(second)
    site.check(second)
    del life.unit.environment["END"]
    assert life.hook("update-status") == sorted(
        ["beat neighbour and mine", "data changed", "db one", OLD_TOLD, "visit 1", "work"]
    )
    assert life.flags() == sorted([*flags, "endpoint.db.changed", "endpoint.db.joined"])
    assert life.rows()["reactive.states.installed"] == {"by": "install"}
    assert not [key for key in life.rows() if key.startswith("reactive.dispatch.")]
