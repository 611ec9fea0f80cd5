"""Stands in for layer:basic on a unit that has its environment: the same imports, questions and processes."""

import os
import re
import shutil
import sys
from distutils.version import LooseVersion
from glob import glob
from subprocess import CalledProcessError, check_output
from time import sleep  # noqa: F401 -- its bootstrap waits for the package manager

from charms.layer.execd import run_first
from pkg_resources import Requirement

from charms import layer


def bootstrap_charm_deps():
    run_first()
    series()
    os.environ["PATH"] += ":" + os.path.join(os.environ["JUJU_CHARM_DIR"], "bin")
    keep_charm_env()
    go_on_in_environment()


def series():
    found = {}
    if os.path.isfile("/etc/os-release"):
        with open("/etc/os-release") as file:
            for line in file:
                if not re.match(r"^\s*$", line):
                    name, value = line.split("=", 1)
                    found[name.strip()] = value.strip().replace('"', "")
    return found.get("ID", "unknown") + found.get("VERSION_ID", "")


def keep_charm_env():
    """Install the charm's charm-env if that of the machine is older, or if there is none."""
    from pkg_resources import parse_version

    there, ours = (os.path.join(path, "charm-env") for path in (os.environ["LAYERED_SBIN"], "bin"))
    versions = []
    for program in (there, ours):
        try:
            versions.append(parse_version(check_output([program, "--version"]).decode("utf8")))
        except (CalledProcessError, FileNotFoundError):
            versions.append(parse_version("0.0.0"))
    if versions[0] < versions[1]:
        shutil.copy2(ours, there)


def go_on_in_environment():
    from charms.layer import options

    programs = os.path.abspath("../.venv/bin")
    if options.get("basic", "use_venv") and ".venv" not in sys.executable:
        os.environ["PATH"] = programs + ":" + os.environ["PATH"]
        python = os.path.join(programs, "python")
        os.execve(python, [python, *sys.argv], os.environ)
    layer.let_options_be_called()
    layer.import_libraries()


def wheelhouse():
    """The versions of what is in the wheelhouse, and those of what is installed, as the bootstrap asks."""
    frozen = check_output([sys.executable, "-m", "pip", "freeze"]).decode().splitlines()
    installed = {}
    for line in frozen:
        try:
            requirement = Requirement.parse(line)
        except ValueError:
            continue
        for operator, version in requirement.specs:
            if operator == "==":
                installed[requirement.project_name] = LooseVersion(version)
    names = [os.path.basename(path).split("-")[:2] for path in glob("wheelhouse/*.whl")]
    return installed, {name: LooseVersion(version) for name, version in names}


def init_config_states():
    import yaml
    from charmhelpers.core import hookenv

    from charms.reactive import set_state, toggle_state

    config = hookenv.config()
    path = os.path.join(hookenv.charm_dir(), "config.yaml")
    declared = {}
    if os.path.exists(path):
        with open(path) as file:
            declared = yaml.safe_load(file).get("options", {})
    for name, option in declared.items():
        if config.changed(name):
            set_state("config.changed")
            set_state("config.changed.%s" % name)
        toggle_state("config.set.%s" % name, config.get(name))
        toggle_state("config.default.%s" % name, config.get(name) == option.get("default"))


def clear_config_states():
    from charmhelpers.core import hookenv, unitdata

    from charms.reactive import remove_state

    remove_state("config.changed")
    for name in hookenv.config():
        for kind in ("changed", "set", "default"):
            remove_state("config.%s.%s" % (kind, name))
    unitdata.kv().flush()
