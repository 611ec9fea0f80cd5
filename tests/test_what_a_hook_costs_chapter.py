"""The chapter on what a hook costs: the hook file and the change that it shows, and its session."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List

import pytest

from documents import ROOT, reading, same
from framework.layered import LayeredUnit
from framework.support import Unit

EXAMPLE = ROOT / "examples" / "light-hooks"
HOOK_FILE = EXAMPLE / "hooks" / "hook.template"


@pytest.fixture
def change() -> ModuleType:
    spec = importlib.util.spec_from_file_location("change_layer_basic", EXAMPLE / "change_layer_basic.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page(tmp_path: Path, change: ModuleType) -> None:
    with reading("docs/what-a-hook-costs.md") as page:
        template, at_once, versions = [block for block in page.blocks if block.language in ("sh", "text")]
        assert template.text == HOOK_FILE.read_text()
        assert at_once.text == change.AT_ONCE
        assert versions.text == "\n\n".join([change.VERSIONS, *change.FUNCTIONS.values()])
        for block in (template, at_once, versions):
            page.tried(block)
        unit = Unit(tmp_path, "pure")
        for block in page.blocks:
            if block.file in ("metadata.yaml", "reactive/app.py"):
                page.write(block, unit.directory)
        [session] = page.of("console")
        (hook, nothing), (explain, shown) = session.commands
        assert (hook, nothing.strip()) == ("CHARMS_REACTIVE_RECORD=/tmp/hook.json ./hooks/update-status", "")
        record = str(unit.said / "hook.json")
        assert unit.run(env={"CHARMS_REACTIVE_RECORD": record}).status == 0
        printed = unit.command(*explain.replace("/tmp/hook.json", record).split()[1:])
        assert same(shown, printed.stdout), printed
        page.tried(session)


# -- the hook file -------------------------------------------------------------------------------------------
class Started(LayeredUnit):
    """A unit whose hooks start with our hook file; what the system's Python is asked for is noted."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "pure")
        for hook in ("install", "update-status", "upgrade-charm", "post-series-upgrade"):
            shutil.copy(str(HOOK_FILE), str(self.directory / "hooks" / hook))
        self.noted = directory / "noted"
        self.tool("python3", '#!/bin/sh\necho "$@" >>"%s"\nexec "%s" "$@"\n' % (self.noted, self.python))
        self.bootstrapped = self.directory / "wheelhouse" / ".bootstrapped"
        self.bootstrapped.parent.mkdir()
        self.bootstrapped.touch()

    def start(self, hook: str) -> List[str]:
        """Run a hook by its file; what the system's Python was started with."""
        self.noted.write_text("")
        done = self.execute([str(self.directory / "hooks" / hook)], {"JUJU_HOOK_NAME": hook})
        assert done.status == 0, done.stderr
        return self.noted.read_text().splitlines()


@pytest.fixture
def started(tmp_path: Path) -> Started:
    return Started(tmp_path)


def test_a_hook_goes_to_the_environment_at_once(started: Started) -> None:
    started.write(
        "reactive/where.py",
        "import os, sys\nopen('where', 'w').write(sys.executable + ' ' + os.environ['PATH'])\n",
    )
    assert started.start("update-status") == []
    executable, path = (started.directory / "where").read_text().split()
    assert Path(executable) == Path(started.python)
    assert path.split(":")[0] == str(started.environment / "bin")
    assert any(call.startswith("status-set active") for call in started.calls())


@pytest.mark.parametrize("hook", ["upgrade-charm", "post-series-upgrade"])
def test_an_upgrade_goes_by_the_systems_python(started: Started, hook: str) -> None:
    file = str(started.directory / "hooks" / hook)
    assert started.start(hook) == [file]


def test_so_does_a_hook_before_the_bootstrap_and_one_without_an_environment(started: Started) -> None:
    file = str(started.directory / "hooks" / "update-status")
    started.bootstrapped.unlink()
    assert started.start("update-status") == [file]
    started.bootstrapped.touch()
    moved = started.environment.with_name("moved.venv")
    started.environment.rename(moved)
    started.tool("python3", '#!/bin/sh\necho "$@" >>"%s"\n' % started.noted)
    assert started.start("update-status") == [file]


# -- the change of layer:basic ------------------------------------------------------------------------------
#: What there is of the functions that the change is about, in a file of ours.
BASIC = '''\
import os
import re
import shutil
import sys
from distutils.version import LooseVersion
from pkg_resources import Requirement
from subprocess import CalledProcessError, check_output


def bootstrap_charm_deps():
    """Called by every hook."""
    return install_or_update_charm_env()


def _load_installed_versions(pip):
    return Requirement.parse(pip)


def kept():
    return LooseVersion("1")


def install_or_update_charm_env():
    from pkg_resources import parse_version

    return parse_version("1")


def reload_interpreter(python):
    os.execve(python, [python] + list(sys.argv), os.environ)
'''


def test_the_change(change: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = change.changed(BASIC)
    assert "pkg_resources" not in text
    assert "distutils" not in text
    names: Dict[str, Any] = {}
    exec(compile(text, "basic.py", "exec"), names)
    said = b"wget==3.2\n# no\n-e git+ssh://host/x\nzope.interface==4.3.2\na @ file:///b\n"
    names["check_output"] = lambda command: said
    installed = names["_load_installed_versions"]("pip")
    assert {name: str(version) for name, version in installed.items()} == {
        "wget": "3.2",
        "zope.interface": "4.3.2",
    }
    version = names["kept"]().__class__
    assert version("62.1.0.tar.gz") > version("59.6.0")
    assert version("10") > version("9")
    assert not version("1.0") > version("1.0")
    # As every hook calls it: in an environment that is there, other hooks than upgrades go on.
    (tmp_path / "charm" / "wheelhouse").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "charm")
    gone_on: List[str] = []
    names["reload_interpreter"] = gone_on.append
    names["install_or_update_charm_env"] = lambda: None
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    python = tmp_path / ".venv" / "bin" / "python"
    for hook, expected in (
        ("update-status", [str(python)]),
        ("upgrade-charm", []),
        ("post-series-upgrade", []),
    ):
        for there in (False, True):
            if there:
                python.parent.mkdir(parents=True, exist_ok=True)
                python.touch()
                (tmp_path / "charm/wheelhouse/.bootstrapped").touch()
            monkeypatch.setattr(sys, "argv", ["hooks/" + hook])
            gone_on.clear()
            names["bootstrap_charm_deps"]()
            assert gone_on == (expected if there or python.exists() else [])
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(sys, "argv", ["hooks/update-status"])
    gone_on.clear()
    names["bootstrap_charm_deps"]()
    assert gone_on == [], "it is in the environment"


def test_versions_of_charm_env_after_the_change(change: ModuleType, tmp_path: Path) -> None:
    names: Dict[str, Any] = {}
    exec(compile(change.changed(BASIC), "basic.py", "exec"), names)
    copied: List[Any] = []

    class Shutil:
        copy2 = staticmethod(lambda *paths: copied.append(paths))

    names["shutil"] = Shutil

    def answer(versions: Dict[str, str]) -> None:
        def check_output(command: List[str]) -> bytes:
            if command[0] not in versions:
                raise FileNotFoundError(command[0])
            return versions[command[0]].encode()

        names["check_output"] = check_output
        copied.clear()
        names["install_or_update_charm_env"]()

    both = ("bin/charm-env", "/usr/local/sbin/")
    answer({"bin/charm-env": "1.0.0\n"})
    assert copied == [both]
    answer({"bin/charm-env": "1.10.0\n", "/usr/local/sbin/charm-env": "1.9.0\n"})
    assert copied == [both]
    answer({"bin/charm-env": "1.0.0\n", "/usr/local/sbin/charm-env": "1.0.0\n"})
    assert copied == []


def test_a_file_that_is_changed_or_another_is_left(change: ModuleType, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "basic.py"
    for text in (change.changed(BASIC), "import os\n"):
        path.write_text(text)
        assert change.main([str(path)]) == 1
        assert "this is not layer:basic's basic.py, or it is changed" in capsys.readouterr().err
        assert path.read_text() == text
    path.write_text(BASIC)
    assert change.main([str(path)]) == 0
    assert path.read_text() == change.changed(BASIC)
    assert change.main([]) == 2
