"""What is released: what is in the sdist and in each wheel, and what happens when they are installed.

The files are built here, from this tree, the native wheel for this machine. With ``CHARMS_REACTIVE_DIST`` the
files in that directory are looked at instead; ``make wheels`` does that.
"""

from __future__ import annotations

import base64
import email
import fcntl
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set, Tuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
STEM = "charms_reactive-1.6.0"
INFO = STEM + ".dist-info/"
SCRIPTS = STEM + ".data/scripts/"
SBOM = INFO + "sboms/charms.reactive.cdx.json"
MODULE = "charms_reactive/_engine/_native.abi3.so"
COMMANDS = ("charms.reactive", "charms.reactive-python", "charms.reactive.sh")

BACKEND = "import sys; sys.path.insert(0, 'packaging'); import build_backend as b; "


class Archive:
    """One file of a release.

    Attributes:
        path: of the file.
        kind: "sdist", "pure" or "native".
        bodies: what is in it, by name; for an sdist without the directory that all is in.
        modes: the permissions of each.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.kind = kind
        self.bodies: Dict[str, bytes] = {}
        self.modes: Dict[str, int] = {}
        if kind == "sdist":
            with tarfile.open(str(path)) as archive:
                for member in archive.getmembers():
                    stream = archive.extractfile(member)
                    assert stream is not None
                    assert member.name.startswith(STEM + "/")
                    name = member.name[len(STEM) + 1 :]
                    self.bodies[name], self.modes[name] = stream.read(), member.mode
        else:
            with zipfile.ZipFile(str(path)) as wheel:
                for entry in wheel.infolist():
                    self.bodies[entry.filename] = wheel.read(entry)
                    self.modes[entry.filename] = entry.external_attr >> 16

    @property
    def metadata(self) -> Message:
        name = "PKG-INFO" if self.kind == "sdist" else INFO + "METADATA"
        return email.message_from_bytes(self.bodies[name])

    @property
    def compiled(self) -> Dict[str, bytes]:
        return {name: body for name, body in self.bodies.items() if body.startswith(b"\x7fELF")}

    @property
    def requirements(self) -> Set[Tuple[str, ...]]:
        """What it requires, spelt in one way: the name, the versions, the marker."""
        found = set()
        for line in self.metadata.get_all("Requires-Dist", []):
            requirement = Requirement(line)
            extras = ",".join(sorted(requirement.extras))
            marker = str(requirement.marker or "")
            found.add((canonicalize_name(requirement.name), extras, str(requirement.specifier), marker))
        return found


def kinds(config: pytest.Config) -> List[str]:
    native = "CHARMS_REACTIVE_DIST" in os.environ or not config.getoption("--pure-only")
    return ["sdist", "pure", "native"] if native else ["sdist", "pure"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = kinds(metafunc.config)
    if "archive" in metafunc.fixturenames:
        metafunc.parametrize("archive", chosen, indirect=True)
    if "wheel" in metafunc.fixturenames:
        metafunc.parametrize("wheel", [kind for kind in chosen if kind != "sdist"], indirect=True)
    if "native" in metafunc.fixturenames:
        metafunc.parametrize("native", [kind for kind in chosen if kind == "native"], indirect=True)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A directory with the files of a release; the processes of one test run share it."""
    given = os.environ.get("CHARMS_REACTIVE_DIST")
    if given:
        return Path(given)
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    directory = shared / "dist"
    with (shared / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            making = shared / "dist-in-the-making"
            making.mkdir()
            build(making, "native" in kinds(request.config))
            making.rename(directory)
    return directory


def build(directory: Path, native: bool) -> None:
    backend(directory, "build_sdist(%r)")
    backend(directory, "build_wheel(%r, {'build': 'pure'})")
    if native:
        # As on a machine with cargo and maturin, where nobody has asked for either.
        environment = {**os.environ, "CHARMS_REACTIVE_BUILD": "auto"}
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        pip("wheel", "--no-index", "--no-deps", "--wheel-dir", str(directory), str(ROOT), env=environment)


def backend(directory: Path, call: str) -> None:
    command = [sys.executable, "-c", BACKEND + "b." + call % str(directory)]
    subprocess.run(command, cwd=str(ROOT), check=True, stdout=subprocess.DEVNULL)


def pip(*arguments: str, **more: Any) -> str:
    """What pip says; where it fails, that is in the error."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, said
    return said


def find(directory: Path, kind: str) -> Path:
    pattern = {
        "sdist": STEM + ".tar.gz",
        "pure": STEM + "-py3-none-any.whl",
        "native": STEM + "-cp310-abi3-*linux*.whl",
    }
    [path] = directory.glob(pattern[kind])
    return path


@pytest.fixture
def archive(request: pytest.FixtureRequest, dist: Path) -> Archive:
    """Each file of a release."""
    return Archive(find(dist, request.param), request.param)


@pytest.fixture
def wheel(request: pytest.FixtureRequest, dist: Path) -> Archive:
    """Each of the wheels."""
    return Archive(find(dist, request.param), request.param)


@pytest.fixture
def native(request: pytest.FixtureRequest, dist: Path) -> Archive:
    return Archive(find(dist, request.param), request.param)


@pytest.fixture
def pure(dist: Path) -> Archive:
    return Archive(find(dist, "pure"), "pure")


@pytest.fixture
def sdist(dist: Path) -> Archive:
    return Archive(find(dist, "sdist"), "sdist")


# Metadata


def test_the_metadata(archive: Archive) -> None:
    metadata = archive.metadata
    assert metadata["Name"] == "charms.reactive"
    assert metadata["Version"] == "1.6.0"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE", "THIRD-PARTY-LICENSES.md"]
    assert metadata["Requires-Python"] == ">=3.8"
    assert metadata["Description-Content-Type"].startswith("text/markdown; charset=UTF-8")
    assert metadata.get_payload(decode=True).strip() == (ROOT / "README.md").read_bytes().strip()
    # An old form beside License-Expression is refused by the index.
    assert metadata["License"] is None
    assert not [line for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]


def test_every_file_requires_the_same(archive: Archive, pure: Archive) -> None:
    always = {name for name, _, _, marker in archive.requirements if not marker}
    assert always == {"charmhelpers", "pyyaml"}
    assert {row[:3] for row in archive.requirements} == {row[:3] for row in pure.requirements}
    assert set(archive.metadata.get_all("Provides-Extra", [])) == set(
        pure.metadata.get_all("Provides-Extra", [])
    )


def test_pytest_finds_the_plugin(wheel: Archive) -> None:
    lines = wheel.bodies[INFO + "entry_points.txt"].decode().split("\n")
    assert [line.replace(" ", "") for line in lines if line] == [
        "[pytest11]",
        "pytest_charms_reactive=pytest_charms_reactive",
    ]


# What is inside


def test_a_wheel_holds_the_packages_and_nothing_else(wheel: Archive) -> None:
    sources = {
        path.relative_to(ROOT / "python").as_posix()
        for path in (ROOT / "python").rglob("*")
        if path.is_file() and path.suffix not in (".so", ".pyc")
    }
    assert {
        "charms_reactive/py.typed",
        "charms/reactive/py.typed",
        "charms_reactive/_engine/_native.pyi",
    } <= sources
    inside = {name for name in wheel.bodies if not name.startswith((INFO, SCRIPTS))}
    assert inside == sources | ({MODULE} if wheel.kind == "native" else set())
    for name in sources:
        source = (ROOT / "python" / name).read_bytes()
        if wheel.kind == "pure" and name == "charms_reactive/_version.py":
            assert source.count(b"\nNATIVE = True\n") == 1
            source = source.replace(b"NATIVE = True", b"NATIVE = False")
        assert wheel.bodies[name] == source


def test_only_the_native_wheel_holds_anything_compiled(archive: Archive) -> None:
    expected = {MODULE, SCRIPTS + "charms.reactive"} if archive.kind == "native" else set()
    assert set(archive.compiled) == expected
    cached = re.compile(r"\.(pyc|pyo|so|o|rlib)$|(^|/)(__pycache__|target|\.[^/]+)/")
    assert [name for name in archive.bodies if cached.search(name) and name != MODULE] == []


def test_what_is_put_on_path_may_be_run(wheel: Archive) -> None:
    scripts = {name for name in wheel.bodies if name.startswith(SCRIPTS)}
    assert scripts == {SCRIPTS + command for command in COMMANDS}
    assert {wheel.modes[name] for name in scripts} == {0o100755}
    assert wheel.bodies[SCRIPTS + "charms.reactive-python"].startswith(b"#!python\n")


def test_the_licences_are_inside(archive: Archive) -> None:
    directory = "" if archive.kind == "sdist" else INFO + "licenses/"
    for name in ("LICENSE", "THIRD-PARTY-LICENSES.md"):
        assert archive.bodies[directory + name] == (ROOT / name).read_bytes()


def test_the_record_is_complete(wheel: Archive) -> None:
    rows = [line.rsplit(",", 2) for line in wheel.bodies[INFO + "RECORD"].decode().splitlines()]
    recorded = {name.strip('"'): digest for name, digest, _ in rows}
    assert recorded.pop(INFO + "RECORD") == ""
    assert set(recorded) == set(wheel.bodies) - {INFO + "RECORD"}
    for name, digest in recorded.items():
        sha = base64.urlsafe_b64encode(hashlib.sha256(wheel.bodies[name]).digest()).rstrip(b"=").decode()
        assert digest == "sha256=" + sha, name


def test_the_sdist_holds_what_a_unit_needs_and_what_builds_it(sdist: Archive) -> None:
    for needed in ("README.md", "packaging/build_backend.py", "packaging/pep517.py"):
        assert sdist.bodies[needed] == (ROOT / needed).read_bytes()
    assert not [name for name in sdist.bodies if name.startswith(("crates/", ".cargo", "Cargo."))]
    assert sdist.modes["wheel-data/scripts/charms.reactive.sh"] == 0o755
    for path in (ROOT / "python").rglob("*.py*"):
        name = path.relative_to(ROOT).as_posix()
        if not re.search("/(testing|tools)/|pytest_", name) and path.suffix in (".py", ".pyi"):
            assert sdist.bodies[name] == path.read_bytes()


def test_the_sdist_is_small_since_every_unit_of_every_charm_carries_it(sdist: Archive) -> None:
    assert sdist.path.stat().st_size < 300_000
    odd = re.compile(r"(^|/)(tests|benches|docs|examples|pytest_charms_reactive)/")
    assert not [name for name in sdist.bodies if odd.search(name)]


# The bill of materials


def bill(wheel: Archive) -> Dict[str, Any]:
    document = json.loads(wheel.bodies[SBOM])
    assert isinstance(document, dict)
    return document


def reachable(document: Dict[str, Any], start: str) -> Set[str]:
    """All that something is made of, by the names in the bill."""
    needs = {row["ref"]: row["dependsOn"] for row in document["dependencies"]}
    names = {part["bom-ref"]: part["name"] for part in document["components"]}
    found, waiting = set(), list(needs[start])
    while waiting:
        reference = waiting.pop()
        if names[reference] not in found:
            found.add(names[reference])
            waiting += needs[reference]
    return found


def test_the_bill_is_of_this_distribution_and_complete(wheel: Archive) -> None:
    document = bill(wheel)
    component = document["metadata"]["component"]
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert (component["name"], component["version"]) == ("charms.reactive", "1.6.0")
    assert component["purl"] == "pkg:pypi/charms-reactive@1.6.0"
    assert document["compositions"] == [{"aggregate": "complete", "assemblies": [component["bom-ref"]]}]
    references = {part["bom-ref"] for part in document["components"]} | {component["bom-ref"]}
    assert {row["ref"] for row in document["dependencies"]} == references
    required = [part for part in document["components"] if part.get("scope") == "required"]
    assert [part["name"] for part in required] == ["charmhelpers", "PyYAML"]
    assert all("version" not in part for part in required)  # An installer chooses it.


def test_a_pure_wheel_holds_nothing_of_others(pure: Archive) -> None:
    assert {part["name"] for part in bill(pure)["components"]} == {"charmhelpers", "PyYAML"}


def test_the_bill_names_what_each_compiled_file_holds(native: Archive) -> None:
    document = bill(native)
    module = reachable(document, "file:" + MODULE)
    program = reachable(document, "file:charms.reactive")
    assert {"reactive-python", "reactive-core", "pyo3", "rust-std"} <= module
    assert {
        "reactive-command",
        "reactive-core",
        "rusqlite",
        "libsqlite3-sys",
        "SQLite",
        "rust-std",
    } <= program
    assert not module & {"SQLite", "rusqlite"}
    assert "pyo3" not in program


def test_the_bill_agrees_with_the_compiled_files(native: Archive) -> None:
    """Crates leave the paths of their sources in what is compiled; SQLite and libunwind leave their words."""
    document = bill(native)
    listed = {(part["name"], part.get("version")) for part in document["components"]}
    crates = set()
    for body in native.compiled.values():
        crates |= set(re.findall(rb"registry/src/[^/]+/([a-z][\w-]*?)-(\d[\w.+-]*)/", body))
    assert {name for name, _ in crates} >= {b"pyo3", b"rusqlite"}
    assert {(name.decode(), version.decode()) for name, version in crates} <= listed
    [sqlite] = [part for part in document["components"] if part["name"] == "SQLite"]
    program = native.compiled[SCRIPTS + "charms.reactive"]
    assert sqlite["version"].encode() in program
    assert sqlite["cpe"].split(":")[3:6] == ["sqlite", "sqlite", sqlite["version"]]
    unwinder = any(b"libunwind: " in body for body in native.compiled.values())
    assert unwinder == ("llvm-libunwind" in {name for name, _ in listed})


def test_the_licences_are_those_of_what_the_bill_names(native: Archive) -> None:
    text = (ROOT / "THIRD-PARTY-LICENSES.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| \[(.+?)\]\(.+?\) \| (.+?) \|", text, re.M))
    crates = [part for part in bill(native)["components"] if part.get("purl", "").startswith("pkg:cargo/")]
    assert {(part["name"], part["version"]) for part in crates} == listed
    [sqlite] = [part for part in bill(native)["components"] if part["name"] == "SQLite"]
    assert "holds SQLite %s, which is in the public domain" % sqlite["version"] in text


# Installation


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Path]:
    """A new environment that has the requirements, but for what is tested; no pip of its own."""
    directory = tmp_path / "environment"
    venv.create(str(directory), symlinks=True)
    [site] = directory.glob("lib/python*/site-packages")
    for distribution in requirements("charmhelpers", "PyYAML"):
        for file in distribution.files or []:
            if ".." not in file.parts:
                target = site / str(file)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), str(target))
    yield directory
    # pytest keeps the directories of three runs.
    shutil.rmtree(str(directory))


def requirements(*names: str) -> List[importlib.metadata.Distribution]:
    """These distributions of this environment, and those that they require."""
    found: Dict[str, importlib.metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if canonicalize_name(name) not in found:
            distribution = importlib.metadata.distribution(name)
            found[canonicalize_name(name)] = distribution
            waiting += [
                requirement.name
                for requirement in map(Requirement, distribution.requires or [])
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            ]
    return list(found.values())


def plain(environment: Path, **more: str) -> Dict[str, str]:
    """Variables of a machine with no Rust, in this environment."""
    return {"PATH": "%s:/usr/bin:/bin" % (environment / "bin"), "HOME": str(environment), **more}


def run(environment: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=str(environment), env=plain(environment), stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode().strip()


def in_environment(environment: Path, *arguments: str) -> str:
    python = str(environment / "bin/python")
    return pip("--python", python, *arguments, cwd=str(environment), env=plain(environment))


def test_each_file_installs_alone_and_leaves_nothing(archive: Archive, environment: Path) -> None:
    """Without the index, without Rust, and without setuptools. The sdist makes the pure package there."""
    if archive.kind == "native" and sys.version_info < (3, 10):
        pytest.fail("a native wheel is for CPython 3.10 and later: say --pure-only")
    before = set(environment.rglob("*"))
    in_environment(environment, "install", "--no-index", "--no-compile", str(archive.path))
    assert in_environment(environment, "check") == "No broken requirements found.\n"

    ask = "import charms.reactive, charms_reactive as c; print(c.engine_name(), c.__version__, c.__file__)"
    engine, version, file = run(environment, "python", "-I", "-B", "-c", ask).split()
    assert (engine, version) == ("native" if archive.kind == "native" else "pure", "1.6.0")
    assert environment in Path(file).parents

    for command in ("charms.reactive", "charms.reactive-python"):
        assert "1.6.0" in run(environment, command, "--version")
    program = (environment / "bin/charms.reactive").read_bytes()
    assert program.startswith(b"\x7fELF") == (archive.kind == "native")
    source = '. "$(command -v charms.reactive.sh)"; type reactive_handler_main'
    assert "function" in run(environment, "bash", "-c", source)

    in_environment(environment, "uninstall", "--yes", "charms.reactive")
    cache = [path for path in environment.rglob("__pycache__") if path not in before]
    for path in cache:
        shutil.rmtree(str(path), ignore_errors=True)
    assert {path for path in environment.rglob("*") if "__pycache__" not in path.parts} <= before


def test_pip_takes_the_native_wheel_where_it_can(native: Archive, tmp_path: Path, dist: Path) -> None:
    """Three files of one name are side by side; below CPython 3.10 the pure wheel is the one that fits."""
    platform = native.path.stem.split("-")[-1].split(".")[0]
    chosen = {}
    for minor in ("3.8", "3.9", "3.10", "3.12", "3.14"):
        out = tmp_path / minor
        pip(
            *("download", "--no-index", "--no-deps", "--only-binary", ":all:", "--find-links", str(dist)),
            *("--python-version", minor, "--platform", platform, "--dest", str(out), "charms.reactive"),
        )
        [chosen[minor]] = [path.name for path in out.iterdir()]
    pure = find(dist, "pure").name
    assert chosen == {
        **dict.fromkeys(("3.8", "3.9"), pure),
        **dict.fromkeys(("3.10", "3.12", "3.14"), native.path.name),
    }


def test_charm_tools_finds_the_sdist(sdist: Archive, tmp_path: Path, dist: Path) -> None:
    """It asks for sources of everything, and pip then reads their metadata, which must need nothing else."""
    pip(
        *("download", "--no-index", "--no-deps", "--no-binary", ":all:", "--find-links", str(dist)),
        *("--dest", str(tmp_path), "charms.reactive"),
        env=plain(tmp_path, CHARMS_REACTIVE_BUILD="auto"),
    )
    assert [path.name for path in tmp_path.iterdir()] == [sdist.path.name]


def test_build_pure_is_a_setting_of_pip(pure: Archive, sdist: Archive, tmp_path: Path) -> None:
    """With Rust at hand: nothing of it is looked at. What a unit has no use for is missing, and no more."""
    environment = {**os.environ, "CHARMS_REACTIVE_BUILD": "rust"}
    pip(
        *("wheel", "--no-index", "--no-deps", "--config-settings", "build=pure"),
        *("--wheel-dir", str(tmp_path), str(sdist.path)),
        env=environment,
    )
    made = Archive(tmp_path / pure.path.name, "pure")
    missing = set(pure.bodies) - set(made.bodies)
    assert set(made.bodies) < set(pure.bodies)
    desk = (
        "charms_reactive/testing/",
        "charms_reactive/tools/",
        "charms/reactive/testing/",
        "pytest_charms_reactive/",
    )
    assert [name for name in missing if not name.startswith(desk)] == [INFO + "entry_points.txt"]
    differing = {name for name in made.bodies if made.bodies[name] != pure.bodies[name]}
    assert differing == {"charms_reactive/testing/__init__.py", INFO + "RECORD"}


def test_from_the_sdist_what_is_for_desks_says_where_it_is(sdist: Archive, environment: Path) -> None:
    in_environment(environment, "install", "--no-index", "--no-compile", str(sdist.path))
    ask = "import charms.reactive.testing as t\ntry:\n    from charms_reactive.testing import Unit\n"
    ask += "except ImportError as error:\n    print(error, hasattr(t, '__path__'))\n"
    said = run(environment, "python", "-I", "-B", "-c", ask)
    assert said.startswith("charms_reactive.testing is part of the wheels, and not of the sdist")
    assert said.endswith("--only-binary charms.reactive charms.reactive True")
    for words, status, what in (
        ("simulate .", 2, "part of the wheels"),
        ("replay . install", 2, "part of the wheels"),
        ("explain --help", 0, "usage:"),
        ("history --help", 0, "usage:"),
        ("why --help", 0, "usage:"),
        ("snapshot --help", 0, "usage:"),
    ):
        done = subprocess.run(
            [str(environment / "bin/charms.reactive"), *words.split()],
            env=plain(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert (done.returncode, what in done.stdout.decode()) == (status, True), done.stdout.decode()
