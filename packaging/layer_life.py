"""The whole life of units of charms of layer:basic: ``make layer-life``.

    layer_life.py                  every life on the CPythons at hand; prints a table
    layer_life.py --only 3.12      only those with this in their name
    layer_life.py --record         also write packaging/LAYER-LIFE.md; lives that were not run keep their row

charm-tools build the charm from the layers themselves, which are no part of this repository:
CHARM_LAYERS_DIR is to hold directories basic, options and status, CHARM_INTERFACES_DIR one http. The unit's
bootstrap is layer:basic's own; only the system's package managers are stubbed. It takes Linux, root and
overlay file systems, and exits with 1 if any life failed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Sequence

from install_matrix import pythons
from life.charm import Builder, layers_at_hand
from life.machine import Machine, MachineError
from life.unit import Unit
from matrix.supplies import Supplies
from matrix.transcript import Failure
from matrix.ways import Python

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "life"
PAGE = ROOT / "packaging" / "LAYER-LIFE.md"

#: What Juju runs on a unit from its first day on, an action among it.
YOUNG = ("install", "leader-elected", "config-changed", "start", "website-relation-joined")
OLD = ("website-relation-changed", "config-changed", "update-status", "report", "update-status")
ACTIONS = ("report",)

FLAGS = {"endpoint.website.joined", "layered.installed", "website.available"}

#: The last setuptools with pkg_resources, the newest, and what charm-tools make of layer:basic's pins.
LAST, NEWEST, OWN = "81.0.0", "newest", "its own"

HEAD = """\
# The lives of units of layer:basic, as last recorded

`make layer-life` builds a charm with charm-tools from layer:basic, layer:options, layer:status and
interface:http, and runs its hooks and an action as Juju does, from the first bootstrap on, by layer:basic's
own code. A life is what the unit has of charms.reactive, one upgrade-charm after the other and a
post-series-upgrade at the end; each makes the environment anew. "loaded" is what the last action finds of
distutils, pkg_resources and setuptools in its process. [layer_life.py](layer_life.py) says how to run it.

"""

TABLE = ("| Python | setuptools | options | life | loaded | result | seconds | on |", "|" + " --- |" * 8)


class Life(NamedTuple):
    """One unit's life.

    Attributes:
        minor: of Python, such as "3.10".
        setuptools: the release in the wheelhouse, in place of that of layer:basic's pins.
        options: of layer:basic.
        begins: what is installed first: "1.5.3", "native", "pure" or "sdist".
        upgrades: what it is upgraded to, one after the other.
        changed: whether the hook file and layer:basic are changed as examples/light-hooks has it.
        fails: what 1.5.3 says at its first hook, where it is known not to start.
    """

    minor: str
    setuptools: str
    options: Dict[str, bool]
    begins: str
    upgrades: Sequence[str] = ()
    changed: bool = False
    fails: str = ""

    @property
    def name(self) -> str:
        options = ", ".join("%s: %s" % item for item in self.options.items()).lower() or "as it is"
        options += "; examples/light-hooks" if self.changed else ""
        return "%s | %s | %s | %s" % (
            self.minor,
            self.setuptools,
            options,
            " > ".join([self.begins, *self.upgrades]),
        )


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    layers = layers_at_hand()
    if layers is None:
        print("error: CHARM_LAYERS_DIR and CHARM_INTERFACES_DIR do not hold the layers", file=sys.stderr)
        return 1
    builder = Builder(options.cache, layers)
    supplies = Supplies(options.cache)
    found = {python.minor: python for python in pythons()}
    try:
        supplies.build()
        lives = plan(found)
        rows: Dict[str, str] = {}
        for life in lives:
            if options.only in life.name:
                rows[life.name] = live(life, builder, supplies, found[life.minor])
                if options.record:  # each at once: all of them take half an hour
                    record(lives, {life.name: rows[life.name]})
    except (Failure, MachineError) as failure:
        print("error: %s" % failure, file=sys.stderr)
        return 1
    print("\n" + "\n".join([*TABLE, *rows.values()]))
    return 1 if any("FAILED" in row for row in rows.values()) else 0


def record(lives: Sequence[Life], rows: Mapping[str, str]) -> None:
    """Write rows into the page, in the order of the plan; other lives of the plan keep theirs."""
    there = PAGE.read_text().splitlines() if PAGE.exists() else []
    known = {
        name: row
        for row in there
        for name in [life.name for life in lives]
        if row.startswith("| %s | " % name)
    }
    known.update(rows)
    lines = [*TABLE, *(known[life.name] for life in lives if life.name in known)]
    PAGE.write_text(HEAD + "\n".join(lines) + "\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="only lives with this in their name")
    parser.add_argument("--record", action="store_true", help="write the table into the repository")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIRECTORY", help="where all is kept")
    return parser.parse_args(arguments)


def plan(found: Dict[str, Python]) -> List[Life]:
    """The lives: on Python 3.10, on 3.12, and on the newest."""
    lives: List[Life] = []
    for minor in sorted(
        {"3.10", "3.12", *list(found)[-1:]} & set(found), key=lambda it: int(it.split(".")[1])
    ):
        # setuptools 59 does not run from Python 3.12 on.
        oldest = "59.8.0" if minor == "3.10" else "68.2.2"
        venv, system = {"use_venv": False}, {"include_system_packages": True}
        # Of 3.13 the machine's own setuptools is 78, and lies here where pip installs to: an older release
        # over it would be a mixture of both, from which Debian's dist-packages keep a real machine.
        beside = oldest if minor in ("3.10", "3.12") else LAST
        lives += [
            Life(minor, oldest, {}, "1.5.3", ("native", "1.5.3", "pure")),
            Life(minor, LAST, {}, "1.5.3", ("native", "1.5.3")),
            # pip is told to leave there what was installed, the native engine too.
            Life(minor, beside, venv, "1.5.3", ("native", "1.5.3", "native")),
            Life(minor, oldest, system, "1.5.3", ("pure", "1.5.3")),
            Life(minor, oldest, {}, "native", ("1.5.3", "pure"), changed=True),
            Life(minor, NEWEST, {}, "1.5.3", fails="No module named 'pkg_resources'"),
            Life(minor, NEWEST, {}, "native", ("pure",)),
            Life(minor, NEWEST, venv, "native", ("native",)),
            Life(minor, NEWEST, system, "pure", ("native",)),
            Life(minor, NEWEST, venv, "pure", ("pure",), changed=True),
        ]
        # From 3.12 on charm-tools can make no wheelhouse of sdists of layer:basic's pins: that of pbr imports
        # pkg_resources, which the newest setuptools, with which pip builds it, has not.
        if minor == "3.10":
            lives.append(Life(minor, OWN, {}, "sdist", ("sdist",)))
    return lives


def live(life: Life, builder: Builder, supplies: Supplies, python: Python) -> str:
    """One life; its row of the table."""
    began = time.monotonic()
    directory = builder.directory / "lives" / str(abs(hash(life.name)))
    loaded = "-"
    try:
        loaded = _live(life, builder, supplies, python, directory)
        result = "ok: 1.5.3 does not start, as known" if life.fails else "ok"
    except MachineError as error:
        result = "FAILED: " + _last_line(str(error))
        print("%s\n%s" % (life.name, error), file=sys.stderr)
    finally:
        shutil.rmtree(str(directory), ignore_errors=True)
    took = time.monotonic() - began
    row = "| %s | %s | %s | %.0f | %s |" % (life.name, loaded, result, took, time.strftime("%Y-%m-%d"))
    print(row, flush=True)
    return row


def _live(life: Life, builder: Builder, supplies: Supplies, python: Python, directory: Path) -> str:
    shutil.rmtree(str(directory), ignore_errors=True)
    sdists = life.begins == "sdist"
    charm = builder.charm(python.path, life.minor, ["charms.reactive==1.5.3"], sdists)
    more = setuptools(life, supplies, python)
    below = builder.machine(python.path, life.minor)
    machine = Machine(directory / "machine", python.path, below.release, below)
    if life.changed:
        charm = change(charm, directory / "changed")
    unit = Unit(machine, directory, charm)
    unit.deploy(charm, more + wheels(life.begins, supplies), life.options)
    if life.fails:
        try:
            unit.run("install")
        except MachineError as error:
            if life.fails in str(error):
                return "-"
            raise
        raise MachineError("1.5.3 starts with %s" % life.setuptools)
    hooks = list(YOUNG + OLD)
    said = run(unit, hooks, life.begins)
    for version in life.upgrades:
        unit.deploy(charm, more + wheels(version, supplies), life.options)
        said = run(unit, ["upgrade-charm", *OLD], version)
    said = run(unit, ["post-series-upgrade", *OLD], [life.begins, *life.upgrades][-1])
    if not any("apt-get" in line and "install" in line for line in machine.packages()):
        raise MachineError("the bootstrap asked for no packages of the system: it did not run")
    return said


def change(charm: Path, target: Path) -> Path:
    """A copy of a built charm with our hook file, for every hook, and with layer:basic changed."""
    example = ROOT / "examples" / "light-hooks"
    shutil.copytree(str(charm), str(target))
    basic = target / "lib" / "charms" / "layer" / "basic.py"
    done = subprocess.run(
        [sys.executable, str(example / "change_layer_basic.py"), str(basic)], capture_output=True, check=False
    )
    if done.returncode:
        raise MachineError(done.stderr.decode())
    template = (target / "hooks" / "hook.template").read_bytes()
    for hook in (target / "hooks").iterdir():
        if hook.is_file() and hook.read_bytes() == template:
            mode = hook.stat().st_mode
            hook.write_bytes((example / "hooks" / "hook.template").read_bytes())
            hook.chmod(mode)
    return target


def run(unit: Unit, hooks: Sequence[str], version: str) -> str:
    """Run hooks and actions, and look at what they leave; what the last action found loaded."""
    loaded = ""
    for hook in hooks:
        if hook in ACTIONS:
            said = dict(
                line.split(" ", 1)[1].partition("=")[::2]
                for line in unit.run(hook, entry="actions/" + hook)
                if line.startswith("action-set ")
            )
            wanted = {"sdist": "pure"}.get(version, version)
            if said.get("engine") != wanted or not set(said.get("flags", "").split()) >= FLAGS:
                raise MachineError("with %s, the action says %r" % (version, said))
            loaded = said["loaded"]
        else:
            said_to_tools = unit.run(hook)
            if hook == "update-status" and "status-set active ready" not in said_to_tools:
                raise MachineError("with %s, update-status sets no status: %r" % (version, said_to_tools))
            if hook == "upgrade-charm" and "layered.upgraded" not in unit.flags():
                raise MachineError("with %s, upgrade-charm runs no handler" % version)
    return loaded


def setuptools(life: Life, supplies: Supplies, python: Python) -> List[Path]:
    """The wheel of it that the wheelhouse gets; none where that has its own."""
    if life.setuptools == OWN:
        return []
    if life.setuptools == NEWEST:
        return [supplies.newest_setuptools(python.path, python.minor)]
    return [supplies.release(python.path, python.minor, "setuptools==" + life.setuptools)]


def wheels(version: str, supplies: Supplies) -> List[Path]:
    """What takes the place of charms.reactive 1.5.3 in the wheelhouse; nothing for 1.5.3 itself."""
    if version == "1.5.3":
        return []
    return [supplies.sdist() if version == "sdist" else supplies.wheel(version)]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160].replace("|", "\\|") if lines else "nothing was said"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
