"""Factories of relations that other distributions register as entry points."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional

import pytest

import charms_reactive
from charms_reactive import _relations

PACKAGES = Path(charms_reactive.__file__).parent.parent
GROUP = "charms.reactive.relation_factory"

# As the one in the field does it: of no base class, and importing from a package that is half imported.
FACTORY = """
from charmhelpers.core import hookenv

class Factory:
    loaded = 0

    @classmethod
    def load(cls):
        from charms.reactive import is_flag_set, register_trigger, set_flag, toggle_flag
        import charms.reactive
        assert not hasattr(charms.reactive, "main"), "the package is not half imported"
        cls.loaded += 1
        register_trigger(when="a", set_flag="b")
        hookenv.atstart(cls.start)

    @classmethod
    def start(cls):
        pass

    @classmethod
    def from_name(cls, name):
        return ("made", name) if name == "db" else None

    @classmethod
    def from_flag(cls, flag):
        return ("made from", flag)
"""


def install(
    directory: Path, name: str = "some-factory", code: str = FACTORY, kind: str = ".dist-info", **files: str
) -> Path:
    """A fake distribution with one module and one entry point."""
    module = name.replace("-", "_")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / (module + ".py")).write_text(code)
    metadata = directory / ("%s-1.0%s" % (module, kind))
    metadata.mkdir()
    (metadata / ("PKG-INFO" if "egg" in kind else "METADATA")).write_text(
        "Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n" % name
    )
    entry = "[console_scripts]\nx = y:z\n\n[%s]\nfirst = %s:Factory\n" % (GROUP, module)
    (metadata / "entry_points.txt").write_text(files.get("entry_points", entry))
    return directory


def run(program: str, *path: Path, charm: Optional[Path] = None) -> subprocess.CompletedProcess[str]:
    environment: Dict[str, str] = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, [*path, PACKAGES])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CHARM_DIR": str(charm or "/nonexistent"),
        "UNIT_STATE_DB": ":memory:",
    }
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def output(program: str, *path: Path, charm: Optional[Path] = None) -> List[str]:
    done = run(program, *path, charm=charm)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", [".dist-info", ".egg-info"])
@pytest.mark.parametrize("first", ["charms.reactive", "charms_reactive", "charms.reactive.relations"])
def test_compat_3_1_a_factory_is_loaded_while_the_package_is_half_imported(
    tmp_path: Path, kind: str, first: str
) -> None:
    install(tmp_path, kind=kind)
    program = """
import %s
import charms.reactive, some_factory
from charms.reactive.relations import RelationFactory
print(RelationFactory._factories == [some_factory.Factory], some_factory.Factory.loaded)
charms.reactive.set_flag("a")
print(charms.reactive.is_flag_set("b"))
"""
    assert output(program % first, tmp_path) == ["True 1", "True"]


def test_compat_3_1_a_factory_is_asked_before_the_interface_layers(tmp_path: Path) -> None:
    install(tmp_path / "lib")
    charm = tmp_path / "charm"
    for interface, endpoint in (("mysql", "db"), ("redis", "cache")):
        folder = charm / "hooks" / "relations" / interface
        folder.mkdir(parents=True)
        (folder / "requires.py").write_text(
            "from charms.reactive import RelationBase\nclass %s(RelationBase): pass\n" % endpoint.title()
        )
    (charm / "metadata.yaml").write_text(
        "name: app\nrequires:\n  db: {interface: mysql}\n  cache: {interface: redis}\n"
    )
    program = """
from charms.reactive import endpoint_from_name, endpoint_from_flag
print(endpoint_from_name("db"))
print(endpoint_from_flag("db.ready"))
print(type(endpoint_from_name("cache")).__name__)
"""
    made = output(program, tmp_path / "lib", charm=charm)
    assert made == ["('made', 'db')", "('made from', 'db.ready')", "Cache"]


def test_compat_3_2_callbacks_of_a_factory_run_before_the_endpoints_start(tmp_path: Path) -> None:
    install(tmp_path)
    program = """
import charms.reactive
from charmhelpers.core import hookenv
print([getattr(callback, "__qualname__", "") for callback, _, _ in hookenv._atstart])
"""
    (names,) = output(program, tmp_path)
    order = [names.index(name) for name in ("_see_to_conversations", "Factory.start", "Endpoint._startup")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (FACTORY.replace("def load", "def unload"), "AttributeError"),
        ("import nowhere_to_be_found", "nowhere_to_be_found"),
        ("", "Factory"),
        (FACTORY.replace("cls.loaded += 1", "1 / 0"), "ZeroDivisionError: division by zero"),
    ],
)
def test_a_factory_that_fails_to_load_is_an_error_that_names_its_distribution(
    tmp_path: Path, code: str, reason: str
) -> None:
    install(tmp_path, "broken-thing", code)
    done = run("import charms.reactive", tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("charms_reactive.relations.RelationFactoryError: ")
    assert "broken_thing:Factory of the installed distribution broken-thing cannot be loaded" in last
    assert reason in last


def test_of_two_copies_of_a_distribution_the_importable_one_counts(tmp_path: Path) -> None:
    first, second = install(tmp_path / "first"), install(tmp_path / "second")
    install(tmp_path / "second", "Other-Factory")
    program = """
from charms.reactive.relations import RelationFactory
import sys
for factory in RelationFactory._factories: print(sys.modules[factory.__module__].__file__, factory.loaded)
"""
    assert output(program, first, second) == [
        "%s 1" % (first / "some_factory.py"),
        "%s 1" % (second / "Other_Factory.py"),
    ]


def test_spec20_no_factory_no_import_of_importlib_metadata(tmp_path: Path) -> None:
    install(tmp_path, entry_points="[console_scripts]\nx = y:z\n")
    program = "import sys, charms.reactive\n"
    program += "print('importlib.metadata' in sys.modules, 'pkg_resources' in sys.modules)"
    assert output(program, tmp_path) == ["False False"]


def test_what_is_no_directory_on_the_path_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive.zip"
    archive.write_bytes(b"")
    (tmp_path / "empty-1.dist-info").mkdir()
    (tmp_path / "file-1.egg-info").write_text(GROUP)
    lying = install(tmp_path / "lying", entry_points="# %s\n[other]\na = b:c\n" % GROUP)
    odd = [str(archive), "", str(tmp_path / "gone"), str(tmp_path), str(lying)]
    monkeypatch.setattr(sys, "path", odd + sys.path)
    monkeypatch.chdir(tmp_path)
    assert list(_relations.entry_points(GROUP)) == []


def test_looking_costs_next_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        metadata = tmp_path / ("dist%d-1.0.dist-info" % number)
        metadata.mkdir()
        (metadata / "METADATA").write_text("Name: dist%d\n" % number)
        if number % 3 == 0:
            (metadata / "entry_points.txt").write_text("[console_scripts]\nx = y:z\n")
        (tmp_path / ("dist%d" % number)).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    def measure() -> float:
        begin = time.perf_counter()
        assert list(_relations.entry_points(GROUP)) == []
        return time.perf_counter() - begin

    def read_all() -> float:
        """The yardstick: the files alone, in the plainest way."""
        begin = time.perf_counter()
        for name in os.listdir(str(tmp_path)):
            try:
                (tmp_path / name / "entry_points.txt").read_bytes()
            except OSError:
                pass
        return time.perf_counter() - begin

    assert min(measure() for _ in range(10)) < 2 * min(read_all() for _ in range(10))
