"""What a hook of the base layer imports in the charm's environment, module by module."""

from __future__ import annotations

from pathlib import Path
from typing import Set

import pytest

from .layered import LayeredUnit
from .support import Unit
from .test_what_a_hook_imports import ALWAYS, CHARMHELPERS, ENGINES, SAY, compare, lists, loaded, modules

#: What the layers import of the standard library, and of YAML, which is nothing to us.
LIBRARY = "import enum, errno, glob, os, pathlib, re, shutil, subprocess, time, yaml\n"

#: Of the charm's layers.
LAYERS = "charms.layer charms.layer.basic charms.layer.execd charms.layer.options charms.layer.status"

#: What the first hooks of a charm with an endpoint come to.
SEEN = "charms_reactive._errors.rare charms_reactive._juju.relation_data charms_reactive._relations.seen_data"

#: What a layer and charmhelpers ask of setuptools at every hook, to compare the versions of two files and
#: of Juju: with the real ones it is 500 modules more.
SETUPTOOLS = "distutils distutils.version pkg_resources setuptools"


@pytest.fixture
def layered(engine_name: str, tmp_path: Path) -> LayeredUnit:
    return LayeredUnit(tmp_path, engine_name)


def before(unit: LayeredUnit, more: str = "") -> Set[str]:
    """What is loaded when nothing of ours, of the layers or of setuptools is."""
    done = unit.execute([unit.python, "-c", LIBRARY + more + CHARMHELPERS + SAY])
    assert done.status == 0, done.stderr
    return loaded(unit)


def run(unit: LayeredUnit, hook: str = "update-status", **variables: str) -> Set[str]:
    """What a hook has loaded; the hook file is the charm's own, and tells it as its last line."""
    file = unit.directory / "hooks" / hook
    if SAY not in file.read_text():
        file.write_text(file.read_text() + SAY)
    done = unit.run_layered(hook, **variables)
    assert done.status == 0, done.stderr + unit.log_text()
    assert any(call.startswith("status-set active") for call in unit.calls()), unit.calls()
    return loaded(unit)


def check(what: str, unit: Unit, found: Set[str], baseline: Set[str], more: str, without: str = "") -> None:
    always = " ".join(modules(ALWAYS) - modules(without))
    compare(what, found, baseline, lists(always, LAYERS, more, ENGINES[unit.engine_name]))


#: And what a layer asks for names of files, with all that it imports itself.
INSPECT = "import inspect\n"

#: What answers instead, beyond what every hook has.
LIGHT = "charms_reactive_start._stand_ins"


def test_a_layered_hook(layered: LayeredUnit) -> None:
    baseline = before(layered)
    run(layered)
    check("a layered hook", layered, run(layered), baseline, lists(LIGHT, SEEN))


def test_a_layered_hook_that_is_not_to_be_light(layered: LayeredUnit) -> None:
    """As it was before."""
    baseline = before(layered, INSPECT)
    run(layered, CHARMS_REACTIVE_LIGHT_START="0")
    found = run(layered, CHARMS_REACTIVE_LIGHT_START="0")
    check("the switch", layered, found, baseline, lists(SETUPTOOLS, SEEN), "charms_reactive_start._frames")
