"""The build backend: what it puts into wheels and sdists, and when it builds which."""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib
import importlib.machinery
import importlib.util
import io
import json
import os
import re
import shutil
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from types import ModuleType
from typing import Dict

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
WHEEL = "charms_reactive-1.6.0-py3-none-any.whl"
TEXTS = ("README.md", "THIRD-PARTY-LICENSES.md")
INFO = "charms_reactive-1.6.0.dist-info/"
DATA = "charms_reactive-1.6.0.data/scripts/"
HELPER = DATA + "charms.reactive.sh"


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The backend of a copy of the source tree that has been built in, at ``backend.ROOT``."""
    monkeypatch.delenv("CHARMS_REACTIVE_BUILD", raising=False)
    copy = tmp_path / "tree"
    unwanted = shutil.ignore_patterns("__pycache__", "*.so")
    copy.mkdir()
    for name in (".cargo", "crates", "packaging", "python", "wheel-data"):
        shutil.copytree(str(ROOT / name), str(copy / name), ignore=unwanted)
    for name in ("Cargo.lock", "Cargo.toml", "LICENSE", "Makefile", "pyproject.toml", *TEXTS):
        shutil.copy(str(ROOT / name), str(copy / name))
    (copy / "python/charms_reactive/_engine/_native.abi3.so").write_bytes(b"left by another build")
    cache = copy / "python/charms_reactive/__pycache__"
    cache.mkdir()
    (cache / "flags.cpython-311.pyc").write_bytes(b"")

    monkeypatch.syspath_prepend(str(copy / "packaging"))  # as installers do, for the modules beside it
    for name in ("crates", "sbom"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    spec = importlib.util.spec_from_file_location("backend_under_test", copy / "packaging/build_backend.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert copy == module.ROOT
    return module


@pytest.fixture
def wheel(backend: ModuleType, tmp_path: Path) -> zipfile.ZipFile:
    assert backend.build_wheel(str(tmp_path), {"build": "pure"}) == WHEEL
    return zipfile.ZipFile(str(tmp_path / WHEEL))


def metadata_of(wheel: zipfile.ZipFile) -> Message:
    return BytesParser().parsebytes(wheel.read(INFO + "METADATA"))


def commands(directory: Path, scripts: Dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make these shell scripts the only commands on PATH."""
    directory.mkdir()
    for name, body in scripts.items():
        (directory / name).write_text("#!/bin/sh\n" + body)
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))


# The pure wheel


def test_the_wheel_holds_both_packages_and_nothing_compiled(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    expected = {
        path.relative_to(ROOT / "python").as_posix()
        for path in (ROOT / "python").rglob("*")
        if path.suffix in (".py", ".pyi") or path.name == "py.typed"
    }
    assert {
        "charms/__init__.py",
        "charms/reactive/__init__.py",
        "charms_reactive/__init__.py",
        "charms_reactive/_engine/_native.pyi",
        "charms_reactive/py.typed",
    } <= expected
    assert expected <= names
    assert not [name for name in names if name.endswith((".so", ".pyc"))]


def test_the_bash_helper_is_installed_as_a_program(wheel: zipfile.ZipFile) -> None:
    entry = wheel.getinfo(HELPER)
    assert entry.external_attr >> 16 == 0o100755
    assert wheel.read(HELPER).startswith(b"#!")


def test_the_bash_helper_is_executable_in_the_tree() -> None:
    """The native wheel's builder copies the mode of the file."""
    assert os.access(str(ROOT / "wheel-data/scripts/charms.reactive.sh"), os.X_OK)


def test_the_command_of_a_pure_wheel_is_the_script_of_python_under_both_names(wheel: zipfile.ZipFile) -> None:
    bodies = {wheel.read(DATA + name) for name in ("charms.reactive", "charms.reactive-python")}
    assert bodies == {(ROOT / "wheel-data/scripts/charms.reactive-python").read_bytes()}
    assert bodies.pop().startswith(b"#!python\n")  # the line that installers replace by their own interpreter
    assert wheel.getinfo(DATA + "charms.reactive").external_attr >> 16 == 0o100755


def test_pytests_plugin_is_the_only_entry_point(wheel: zipfile.ZipFile) -> None:
    """pip leaves a script out that has the name of an entry point, so the command must be none."""
    text = wheel.read(INFO + "entry_points.txt").decode()
    assert text == "[pytest11]\npytest_charms_reactive = pytest_charms_reactive\n"
    assert "pytest_charms_reactive/__init__.py" in wheel.namelist()


def test_the_licence_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    assert wheel.read(INFO + "licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert b"Version 2.0, January 2004" in wheel.read(INFO + "licenses/LICENSE")


def test_the_wheel_is_for_any_platform(wheel: zipfile.ZipFile) -> None:
    message = BytesParser().parsebytes(wheel.read(INFO + "WHEEL"))
    assert (message["Root-Is-Purelib"], message["Tag"]) == ("true", "py3-none-any")


def test_the_record_names_every_file_with_its_hash(wheel: zipfile.ZipFile) -> None:
    recorded = {}
    for line in wheel.read(INFO + "RECORD").decode().splitlines():
        name, digest, size = line.rsplit(",", 2)
        recorded[name] = (digest, size)
    assert recorded.pop(INFO + "RECORD") == ("", "")
    assert set(recorded) == set(wheel.namelist()) - {INFO + "RECORD"}
    for name, (digest, size) in recorded.items():
        body = wheel.read(name)
        sha = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
        assert (digest, size) == ("sha256=" + sha, str(len(body)))


def test_the_same_sources_give_the_same_bytes(backend: ModuleType, tmp_path: Path) -> None:
    built = []
    for name in ("one", "two"):
        out = tmp_path / name
        out.mkdir()
        backend.build_wheel(str(out), {"build": "pure"})
        backend.build_sdist(str(out))
        built.append([path.read_bytes() for path in sorted(out.iterdir())])
    assert len(built[0]) == 2
    assert built[0] == built[1]


# Metadata


def test_the_metadata_says_what_pyproject_says(wheel: zipfile.ZipFile) -> None:
    metadata = metadata_of(wheel)
    assert metadata["Name"] == "charms.reactive"
    assert metadata["Version"] == "1.6.0"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE", "THIRD-PARTY-LICENSES.md"]
    assert metadata["Requires-Python"] == ">=3.8"
    assert metadata["Description-Content-Type"] == "text/markdown; charset=UTF-8"
    assert metadata.get_payload(decode=True).decode("utf-8") == (ROOT / "README.md").read_text(
        encoding="utf-8"
    )
    assert set(metadata.get_all("Provides-Extra", [])) == {
        "bench",
        "dev",
        "docs",
        "graph",
        "otel",
        "release",
        "test",
    }


def test_at_run_time_only_charmhelpers_and_yaml_are_required(wheel: zipfile.ZipFile) -> None:
    required = [line for line in metadata_of(wheel).get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(re.split(r"[<>=]", line)[0] for line in required) == ["PyYAML", "charmhelpers"]


@pytest.mark.parametrize(
    ("requirement", "line"),
    [
        ("a>=1", 'a>=1; extra == "x"'),
        ('a; python_version < "3.9"', 'a; (python_version < "3.9") and extra == "x"'),
    ],
)
def test_requirements_of_an_extra_are_marked(backend: ModuleType, requirement: str, line: str) -> None:
    assert backend._in_extra(requirement, "x") == line


def test_metadata_can_be_had_without_a_build(
    backend: ModuleType, wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    assert backend.prepare_metadata_for_build_wheel(str(tmp_path)) + "/" == INFO
    for name in ("METADATA", "licenses/LICENSE", "licenses/THIRD-PARTY-LICENSES.md"):
        assert (tmp_path / INFO / name).read_bytes() == wheel.read(INFO + name)


def test_the_versions_agree() -> None:
    places = {
        "pyproject.toml": r'^version = "(.+)"$',
        "Cargo.toml": r'^version = "(.+)"$',
        "python/charms_reactive/_version.py": r'^__version__ = "(.+)"$',
    }
    found = {name: re.findall(rule, (ROOT / name).read_text(), re.M) for name, rule in places.items()}
    assert found == {name: ["1.6.0"] for name in places}


def test_one_range_of_maturin_is_asked_for_everywhere(backend: ModuleType) -> None:
    assert backend.MATURIN in backend.Project().extras["dev"]


# pyproject.toml without a TOML parser


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the parser to compare with came with CPython 3.11")
def test_our_reader_reads_our_pyproject_as_toml(backend: ModuleType) -> None:
    tomllib = importlib.import_module("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tables = backend.read_project(ROOT / "pyproject.toml")
    assert tables.pop("project.optional-dependencies") == project.pop("optional-dependencies")
    assert tables.pop("project.entry-points.pytest11") == project.pop("entry-points")["pytest11"]
    assert tables == {"project": project}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('license = { text = "x" }', "the value of license cannot be read"),
        ('keywords = [\n  "a",', "the value of keywords cannot be read"),
        ("keywords = [1]", r"pyproject.toml:2: keywords must be a string or a list of strings"),
        ("nonsense", r"pyproject.toml:2: no `key = value`: nonsense"),
        ("", r"\[project\] has no name"),
    ],
)
def test_what_our_reader_cannot_read_is_named(
    backend: ModuleType, tmp_path: Path, line: str, complaint: str
) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\n%s\n[tool.other]\nx = { y = 1 }\n" % line)
    with pytest.raises(SystemExit, match=complaint):
        backend.read_project(path)


# Which wheel is built


def test_auto_builds_pure_where_there_is_no_cargo(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands(tmp_path / "bin", {}, monkeypatch)
    assert backend.build_wheel(str(tmp_path)) == WHEEL
    assert re.search(
        r"building the pure Python package: (no cargo|the native engine needs)", capsys.readouterr().out
    )


def test_auto_asks_the_index_for_nothing_and_rust_asks_for_maturin(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backend.get_requires_for_build_wheel() == []
    assert backend.get_requires_for_build_sdist() == []
    assert backend.get_requires_for_build_wheel({"build": "rust"}) == [backend.MATURIN]
    monkeypatch.setenv("CHARMS_REACTIVE_BUILD", "rust")
    assert backend.get_requires_for_build_editable() == [backend.MATURIN]
    assert backend.get_requires_for_build_editable({"build": "pure"}) == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="below CPython 3.10 the Rust build is not tried")
def test_auto_builds_pure_where_there_is_cargo_and_no_maturin(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands(tmp_path / "bin", {"cargo": "exit 0"}, monkeypatch)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert backend.build_wheel(str(tmp_path)) == WHEEL
    assert "building the pure Python package: no maturin on PATH" in capsys.readouterr().out


def test_rust_without_cargo_is_an_error(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands(tmp_path / "bin", {}, monkeypatch)
    with pytest.raises(
        SystemExit, match=r"cannot build the native engine: (no cargo|the native engine needs)"
    ):
        backend.build_wheel(str(tmp_path), {"build": "rust"})


@pytest.mark.skipif(sys.version_info < (3, 10), reason="below CPython 3.10 the Rust build is not tried")
def test_a_failing_rust_build_is_an_error_under_rust_and_pure_under_auto(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backend, "_stage", lambda glibc, environment: True)
    commands(tmp_path / "bin", {"cargo": "exit 0", "maturin": "echo no; exit 1"}, monkeypatch)
    monkeypatch.setattr(backend, "_maturin", lambda: [str(tmp_path / "bin/maturin")])
    with pytest.raises(SystemExit, match="cannot build the native engine: the Rust build failed"):
        backend.build_wheel(str(tmp_path), {"build": "rust"})
    assert backend.build_wheel(str(tmp_path)) == WHEEL
    assert "the Rust build failed" in capsys.readouterr().out


def test_the_maturin_of_the_environment_goes_before_the_one_on_path(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip installs it into a directory of its own for a build, which is not that of the interpreter."""
    commands(tmp_path / "bin", {"maturin": ""}, monkeypatch)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert backend._maturin() == [str(tmp_path / "bin/maturin")]
    package = tmp_path / "overlay/lib/python3.12/site-packages/maturin/__init__.py"
    package.parent.mkdir(parents=True)
    package.write_text("")
    found = importlib.machinery.ModuleSpec("maturin", None, origin=str(package))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    assert backend._maturin() == [sys.executable, "-m", "maturin"]
    program = tmp_path / "overlay/bin/maturin"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert backend._maturin() == [str(program)]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="below CPython 3.10 the Rust build is not tried")
def test_a_rust_build_hands_over_the_wheel_that_maturin_made(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "_stage", lambda glibc, environment: True)
    made = "made/charms_reactive-1.6.0-cp310-abi3-linux_x86_64.whl"
    script = 'mkdir made && echo "$*" >%s && echo building && echo %s' % (made, made)
    commands(
        tmp_path / "bin", {"cargo": "exit 0", "maturin": "PATH=%s\n%s" % (os.defpath, script)}, monkeypatch
    )
    monkeypatch.setattr(backend, "_maturin", lambda: [str(tmp_path / "bin/maturin")])
    name = backend.build_wheel(str(tmp_path), {"build": "rust"})
    assert name == "charms_reactive-1.6.0-cp310-abi3-linux_x86_64.whl"
    assert (tmp_path / name).read_text().startswith("pep517 build-wheel ")


@pytest.mark.skipif(sys.version_info < (3, 10), reason="below CPython 3.10 the Rust build is not tried")
def test_of_two_rust_builds_of_one_tree_the_second_waits(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What maturin takes has one place; workers of pytest, and `make wheels` beside them, build at once."""
    monkeypatch.setattr(backend, "_stage", lambda glibc, environment: True)
    script = "PATH=%s\nmkdir busy || exit 1; sleep 0.3; echo x >made.whl; rmdir busy; echo made.whl"
    commands(tmp_path / "bin", {"cargo": "exit 0", "maturin": script % os.defpath}, monkeypatch)
    monkeypatch.setattr(backend, "_maturin", lambda: [str(tmp_path / "bin/maturin")])
    places = [tmp_path / name for name in ("one", "two", "three")]
    for place in places:
        place.mkdir()
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda place: backend.build_wheel(str(place), {"build": "rust"}), places))
    assert made == ["made.whl"] * 3
    assert [[path.name for path in place.iterdir()] for place in places] == [["made.whl"]] * 3


@pytest.mark.skipif(sys.version_info < (3, 10), reason="below CPython 3.10 the Rust build is not tried")
def test_a_native_wheel_gets_the_program_beside_the_scripts(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cargo tells where it put the program; a fake one does here, so that nothing is compiled."""
    program = tmp_path / "charms-reactive"
    program.write_bytes(b"\x7fELF program")
    message = json.dumps({"reason": "compiler-artifact", "executable": str(program)})
    commands(tmp_path / "bin", {"cargo": "echo '%s'" % message}, monkeypatch)
    monkeypatch.setattr(backend.sbom, "add_compiled", lambda bill, root, clang: None)
    stale = backend.STAGED_DATA / "scripts/stale"
    stale.parent.mkdir(parents=True)
    stale.write_text("left by another build")
    assert backend._stage("", dict(os.environ))
    staged = {path.name: path.read_bytes() for path in (backend.STAGED_DATA / "scripts").iterdir()}
    assert staged.pop("charms.reactive") == b"\x7fELF program"
    assert staged == {path.name: path.read_bytes() for path in (ROOT / "wheel-data/scripts").iterdir()}


@pytest.mark.skipif(sys.version_info < (3, 10), reason="below CPython 3.10 the Rust build is not tried")
def test_without_its_program_there_is_no_native_wheel(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands(tmp_path / "bin", {"cargo": "exit 101"}, monkeypatch)
    monkeypatch.setattr(backend, "_maturin", lambda: ["true"])
    with pytest.raises(SystemExit, match="cannot build the native engine: the Rust build failed"):
        backend.build_wheel(str(tmp_path), {"build": "rust"})


def test_maturin_takes_from_where_the_backend_puts_it(backend: ModuleType) -> None:
    """So that a wheel which maturin builds by itself fails, and lacks neither the command nor the bill."""
    pyproject = (ROOT / "pyproject.toml").read_text()
    [data] = re.findall(r'^data = "(.+?)"', pyproject, re.M)
    assert backend.ROOT / data == backend.STAGED_DATA
    [bill] = re.findall(r'^include = \["(.+?)"\]', pyproject, re.M)
    assert backend.ROOT / bill == backend.STAGED_SBOM


@pytest.mark.skipif(sys.version_info < (3, 10), reason="below CPython 3.10 the Rust build is not tried")
def test_for_another_glibc_zig_links_both_files(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands are fakes that write down how they are called."""
    program = tmp_path / "charms-reactive"
    program.write_bytes(b"\x7fELF program")
    message = json.dumps({"reason": "compiler-artifact", "executable": str(program)})
    note = 'echo "$0 $* date=$SOURCE_DATE_EPOCH" >>%s\n' % (tmp_path / "calls")
    fakes = {
        "cargo": note + "echo '%s'" % message,
        "rustc": "echo 'host: x86_64-unknown-linux-gnu'",
        "maturin": note + "echo x >made.whl; echo made.whl",
    }
    commands(tmp_path / "bin", fakes, monkeypatch)
    monkeypatch.setattr(backend, "_maturin", lambda: [str(tmp_path / "bin/maturin")])
    monkeypatch.setattr(backend, "_clang_of_zig", lambda: "22.1.8")
    monkeypatch.setattr(backend.sbom, "add_compiled", lambda bill, root, clang: None)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    backend.build_wheel(str(tmp_path), {"build": "rust", "glibc": "2.17"})
    cargo, maturin = (tmp_path / "calls").read_text().splitlines()
    assert " zigbuild --release --locked --package reactive-command " in cargo
    assert " --target x86_64-unknown-linux-gnu.2.17 " in cargo
    assert " --zig --compatibility manylinux_2_17 " in maturin
    assert maturin.endswith(" date=315532800")


def test_without_zig_there_is_no_wheel_for_another_glibc(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands(tmp_path / "bin", {"python": "echo No module named ziglang; exit 1"}, monkeypatch)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
    assert not backend._stage("2.17", dict(os.environ))
    assert "needs zig: pip install cargo-zigbuild" in capsys.readouterr().out


def test_a_glibc_is_a_version(backend: ModuleType) -> None:
    assert backend._glibc({"glibc": "2.28"}) == "2.28"
    assert backend._glibc(None) == ""
    with pytest.raises(
        SystemExit, match=r"the setting glibc must be a version such as 2\.17, not 'manylinux'"
    ):
        backend._glibc({"glibc": "manylinux"})


def test_another_choice_is_an_error(backend: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="must be auto, rust or pure, not 'fast'"):
        backend.build_wheel(str(tmp_path), {"build": "fast"})


# Editable


def test_an_editable_pure_install_leaves_no_native_engine_behind(
    backend: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = backend.ROOT / "python/charms_reactive/_engine/_native.abi3.so"
    assert stale.exists()
    name = backend.build_editable(str(tmp_path), {"build": "pure"})
    assert not stale.exists()
    assert "deleting python/charms_reactive/_engine/_native.abi3.so" in capsys.readouterr().out
    wheel = zipfile.ZipFile(str(tmp_path / name))
    [path] = [entry for entry in wheel.namelist() if entry.endswith(".pth")]
    assert wheel.read(path).decode() == "%s\n" % (backend.ROOT / "python")
    assert not [entry for entry in wheel.namelist() if entry.endswith(".py")]
    assert HELPER in wheel.namelist()


# The sdist


def unpack(archive: Path, where: Path) -> Path:
    """Unpack an archive of ours; the tree that was in it."""
    with tarfile.open(str(archive)) as members:
        for member in members.getmembers():
            target = where / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            stream = members.extractfile(member)
            assert stream is not None
            target.write_bytes(stream.read())
            target.chmod(member.mode)
    return where / "charms_reactive-1.6.0"


def built_from(
    backend: ModuleType, tree: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> zipfile.ZipFile:
    """The pure wheel of an unpacked tree."""
    monkeypatch.setattr(backend, "ROOT", tree)
    monkeypatch.setattr(backend, "PYTHON", tree / "python")
    monkeypatch.setattr(backend, "WHEEL_DATA", tree / "wheel-data")
    monkeypatch.setattr(backend.Project.__init__, "__defaults__", (tree / "pyproject.toml",))
    out.mkdir()
    backend.build_wheel(str(out), {"build": "pure"})
    return zipfile.ZipFile(io.BytesIO((out / WHEEL).read_bytes()))


def test_a_wheel_from_the_archive_of_the_source_is_the_wheel_from_the_tree(
    backend: ModuleType, wheel: zipfile.ZipFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = backend.source_archive(str(tmp_path))
    assert name == "charms_reactive_source-1.6.0.tar.gz"
    tree = unpack(tmp_path / name, tmp_path / "unpacked")
    assert (tree / "PKG-INFO").read_bytes() == wheel.read(INFO + "METADATA")
    for needed in ("Cargo.lock", "crates/reactive-core/Cargo.toml", "packaging/build_backend.py"):
        assert (tree / needed).read_bytes() == (ROOT / needed).read_bytes()
    assert not list(tree.rglob("*.so"))
    again = built_from(backend, tree, tmp_path / "out", monkeypatch)
    assert again.namelist() == wheel.namelist()
    assert [again.read(entry) for entry in again.namelist()] == [
        wheel.read(entry) for entry in wheel.namelist()
    ]


def test_the_sdist_is_what_a_unit_needs(
    backend: ModuleType, wheel: zipfile.ZipFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = backend.build_sdist(str(tmp_path))
    assert name == "charms_reactive-1.6.0.tar.gz"
    tree = unpack(tmp_path / name, tmp_path / "unpacked")
    assert (tree / "PKG-INFO").read_bytes() == wheel.read(INFO + "METADATA")
    stand_in = (ROOT / "packaging/testing_elsewhere.py").read_bytes()
    testing = sorted(path.name for path in (tree / "python/charms_reactive/testing").iterdir())
    assert testing == ["__init__.py", "explain.py"]
    assert not (tree / "python/charms_reactive/tools").exists()
    made = built_from(backend, tree, tmp_path / "out", monkeypatch)
    assert made.read("charms_reactive/testing/__init__.py") == stand_in
    assert INFO + "entry_points.txt" not in made.namelist(), "of a plugin that is not there"
    assert {"charms_reactive/bus.py", "charms_reactive_start.pth", HELPER} < set(made.namelist())
    backend.build_sdist(str(tmp_path / "out"))
    assert (tmp_path / "out" / name).read_bytes() == (tmp_path / name).read_bytes(), "made of itself"


def test_a_plugin_that_is_named_otherwise_is_no_part_of_an_sdist(backend: ModuleType, tmp_path: Path) -> None:
    path = backend.ROOT / "pyproject.toml"
    path.write_text(path.read_text() + '\n[tool.other]\nname = "pytest_charms_reactive"\n')
    with pytest.raises(SystemExit, match="names pytest_charms_reactive in a way"):
        backend.build_sdist(str(tmp_path))


@pytest.mark.parametrize("name", ["Cargo.lock", "LICENSE", "README.md"])
def test_an_incomplete_tree_is_named(backend: ModuleType, tmp_path: Path, name: str) -> None:
    (backend.ROOT / name).unlink()
    build = backend.source_archive if name == "Cargo.lock" else backend.build_sdist
    with pytest.raises(SystemExit, match="this source tree has no " + name):
        build(str(tmp_path))


def test_an_sdist_becomes_a_pure_wheel_and_says_why(
    backend: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Units have no Rust, and carry no sources of it."""
    tree = unpack(tmp_path / backend.build_sdist(str(tmp_path)), tmp_path / "unpacked")
    built_from(backend, tree, tmp_path / "pure", monkeypatch).close()
    why = "this archive has no sources in Rust: they are in charms_reactive_source and in the repository"
    assert backend.build_wheel(str(tmp_path), {"build": "auto"}) == WHEEL
    assert "building the pure Python package: " + why in capsys.readouterr().out
    assert backend.get_requires_for_build_wheel({"build": "rust"}) == []
    with pytest.raises(SystemExit, match="cannot build the native engine: " + why):
        backend.build_wheel(str(tmp_path), {"build": "rust"})


def test_an_old_python_is_told_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    source = (ROOT / "packaging/pep517.py").read_text(encoding="utf-8")
    code = compile(ast.parse(source, feature_version=(3, 4)), "pep517.py", "exec")
    monkeypatch.setattr(sys, "version_info", (3, 6, 15))
    with pytest.raises(
        SystemExit, match=r"needs Python 3\.8 or later, and this is 3\.6: put charms\.reactive<1\.6"
    ):
        exec(code, {})


def test_the_backend_that_pip_imports_has_every_hook_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    backend = importlib.import_module("build_backend")
    named = importlib.import_module("pep517")
    hooks = [
        name for name in vars(backend) if re.match("(get_requires_for_|prepare_metadata_for_)?build_", name)
    ]
    assert sorted(named.__all__) == sorted(hooks)
    assert all(getattr(named, name) is getattr(backend, name) for name in hooks)


def test_nothing_that_was_built_goes_into_an_archive(backend: ModuleType, tmp_path: Path) -> None:
    for name in (
        "docs/_build/index.html",
        "crates/target/x",
        "python/charms_reactive/.cache/x",
        "docs/kept.md",
    ):
        path = backend.ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    with tarfile.open(str(tmp_path / backend.source_archive(str(tmp_path)))) as archive:
        names = archive.getnames()
    stem = "charms_reactive-1.6.0/"
    assert stem + "docs/kept.md" in names
    with tarfile.open(str(tmp_path / backend.build_sdist(str(tmp_path)))) as archive:
        names += archive.getnames()
    odd = [name for name in names if re.search(r"/(_build|target|\.\w+|__pycache__)/|\.so$", name)]
    assert set(odd) == {stem + ".cargo/config.toml"}
