"""The PEP 517 build backend: a native wheel where Rust is at hand, else a pure Python one.

Charms install sdists on units that have neither a network nor a Rust toolchain nor a recent
setuptools, so this needs nothing but the standard library of CPython 3.8 and asks the index for
nothing. An sdist has no sources in Rust, and becomes a pure wheel. Of the repository and of the archive of
the whole source, ``CHARMS_REACTIVE_BUILD``, or ``--config-settings build=...``, chooses:

``auto`` (default)
    A native wheel on CPython >= 3.10 with cargo and maturin both at hand; a pure one where any of
    them is missing or the Rust build fails.
``rust``
    A native wheel or an error. The one choice that asks the index for something: maturin.
``pure``
    A pure wheel, ``py3-none-any``, with no look at the machine.

``--config-settings glibc=2.17`` has a native wheel built for Linux with that glibc or any later one, and
not for this machine's. It takes zig as the linker, from the package index's cargo-zigbuild; ``make
wheels`` asks for it.

pip keeps the wheel that it has built of an sdist: after Rust was installed, it takes ``pip install
--no-cache-dir --force-reinstall`` to have a native one where it has built a pure one before.

Every wheel has its bill of materials inside, which ``sbom.py`` writes.

An editable install puts ``python/`` on the path of the environment. The native one keeps its
extension module there, in the source tree; every editable install first deletes those that it
finds, so a pure one is pure and a native one is never shadowed by an older build. Another environment
that is editable from the same tree shares it, and so changes its engine too. Wheels and sdists never
pick up an extension module from the source tree.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import gzip
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Union

import crates
import sbom

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "python"
WHEEL_DATA = ROOT / "wheel-data"

# The command is a program of Rust in a native wheel and the script of Python in a pure one. That script
# is installed under a name of its own too: the program hands over to it what it does not do itself.
COMMAND = "charms.reactive"
PYTHON_COMMAND = "charms.reactive-python"
PROGRAM = "charms-reactive"  # what Cargo calls it
STAGED_DATA = ROOT / "build" / "wheel-data"  # pyproject.toml names it to maturin

STAGED_SBOM = ROOT / "build" / "sbom" / "charms.reactive.cdx.json"  # so does it

MATURIN = "maturin>=1.12,<2"

# What archives hold. Lists of what goes in keep stray files of a working tree out.
#
# The sdist is what charm-tools put into the wheelhouse of a charm, and so onto every unit, which has no Rust:
# what a unit needs and what builds it. The archive of the whole source is for people; wheels are built of it.
SOURCE_DIRECTORIES = ("benches", "crates", "docs", "examples", "packaging", "python", "tests", "wheel-data")
SOURCE_FILES = (".cargo/config.toml", "Cargo.lock", "Cargo.toml", "LICENSE", "Makefile", "pyproject.toml")
SDIST_DIRECTORIES = ("python", "wheel-data")
SDIST_FILES = (
    "LICENSE",
    "README.md",
    "THIRD-PARTY-LICENSES.md",
    "packaging/build_backend.py",
    "packaging/crates.py",
    "packaging/pep517.py",
    "packaging/sbom.py",
    "packaging/testing_elsewhere.py",
    "pyproject.toml",
)

# The name of another project than ours, so that no installer takes it for a release.
SOURCE_ARCHIVE = "charms_reactive_source"

# What runs charms without Juju, for tests, and what reads them, is for desks, which have wheels. In the sdist
# a file that says so takes its place; `charms.reactive explain` reads what a unit has said, and stays.
PLUGIN = "pytest_charms_reactive"
DESK = (
    "python/charms_reactive/testing",
    "python/charms_reactive/tools",
    "python/charms/reactive/testing",
    "python/" + PLUGIN,
)
TESTING = "python/charms_reactive/testing/__init__.py"
KEPT = ("python/charms_reactive/testing/explain.py",)

#: Below python/: what says which engines there are.
VERSION = "charms_reactive/_version.py"

REQUIRED = ("name", "version", "description", "readme", "license", "license-files", "requires-python")

# The oldest time a zip file can hold: archives of the same content are the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
EPOCH_SECONDS = 315532800

Config = Optional[Dict[str, Any]]
Table = Dict[str, Union[str, List[str]]]


class BuildError(SystemExit):
    """The build cannot go on; the message says why. It ends the process, so pip shows no traceback."""

    def __init__(self, reason: str) -> None:
        super().__init__("charms.reactive: " + reason)


def get_requires_for_build_wheel(config_settings: Config = None) -> list[str]:
    return [MATURIN] if _wanted(config_settings) == "rust" and _has_crates() else []


get_requires_for_build_editable = get_requires_for_build_wheel


def get_requires_for_build_sdist(config_settings: Config = None) -> list[str]:
    return []


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Config = None) -> str:
    """Write the .dist-info directory, so that resolving dependencies never compiles anything."""
    project = Project()
    for name, body in project.dist_info():
        target = Path(metadata_directory, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    return project.stem + ".dist-info"


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(
    wheel_directory: str, config_settings: Config = None, metadata_directory: str | None = None
) -> str:
    return _build(wheel_directory, config_settings, editable=False)


def build_editable(
    wheel_directory: str, config_settings: Config = None, metadata_directory: str | None = None
) -> str:
    for stale in sorted(PYTHON.glob("charms_reactive/_engine/_native*.so")):
        print("charms.reactive: deleting %s, which an earlier build left" % stale.relative_to(ROOT))
        stale.unlink()
    return _build(wheel_directory, config_settings, editable=True)


def build_sdist(sdist_directory: str, config_settings: Config = None) -> str:
    """What a unit needs, and what builds it."""
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _sdist_paths()}
    files[TESTING] = _read("packaging/testing_elsewhere.py")
    files["pyproject.toml"] = _without_plugin(files["pyproject.toml"])
    return _archive(sdist_directory, Project().stem, files)


def source_archive(directory: str) -> str:
    """The whole source, tests and manual too; wheels are built of it."""
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _source_paths()}
    return _archive(directory, Project().stem.replace("charms_reactive", SOURCE_ARCHIVE, 1), files)


def _archive(directory: str, stem: str, files: dict[str, bytes]) -> str:
    project = Project()
    name = stem + ".tar.gz"
    with open(os.path.join(directory, name), "wb") as file, gzip.GzipFile(
        "", "wb", fileobj=file, mtime=EPOCH_SECONDS
    ) as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, body in sorted(files.items()):
            mode = 0o755 if os.access(str(ROOT / path), os.X_OK) else 0o644
            _add(archive, project.stem, path, body, mode)
        _add(archive, project.stem, "PKG-INFO", project.metadata(), 0o644)
    return name


def _without_plugin(pyproject: bytes) -> bytes:
    """pyproject.toml without the plugin of pytest: an entry point to nothing would break every pytest."""
    text = pyproject.decode("utf-8")
    text = text.replace(', "%s"' % PLUGIN, "")
    text = re.sub(r"(?m)^\[project\.entry-points\.pytest11\]\n(.+\n)*\n?", "", text)
    if PLUGIN in text.replace("python/" + PLUGIN, ""):
        raise BuildError("pyproject.toml names %s in a way that is not known here" % PLUGIN)
    return text.encode("utf-8")


class Project:
    """What pyproject.toml says of the distribution, in the forms that archives want."""

    def __init__(self, path: Path = ROOT / "pyproject.toml") -> None:
        tables = read_project(path)
        self.project = tables["project"]
        self.extras = tables.get("project.optional-dependencies", {})
        self.urls = tables.get("project.urls", {})
        prefix = "project.entry-points."
        self.entry_points = {
            name[len(prefix) :].strip("\"'"): table
            for name, table in tables.items()
            if name.startswith(prefix)
        }

    def bill(self) -> sbom.Bill:
        """The bill of materials of a wheel that holds nothing of others."""
        project = self.project
        return sbom.Bill(
            str(project["name"]),
            str(project["version"]),
            str(project["license"]),
            [str(requirement) for requirement in project.get("dependencies", [])],
        )

    @property
    def stem(self) -> str:
        """``name-version`` as file names spell it."""
        name = re.sub(r"[-_.]+", "_", str(self.project["name"])).lower()
        return "%s-%s" % (name, self.project["version"])

    def dist_info(self) -> Iterator[tuple[str, bytes]]:
        """The files of the .dist-info directory, all but WHEEL and RECORD."""
        info = self.stem + ".dist-info/"
        yield info + "METADATA", self.metadata()
        if self.entry_points:
            lines = []
            for group, points in self.entry_points.items():
                lines += ["[%s]" % group, *("%s = %s" % point for point in points.items()), ""]
            yield info + "entry_points.txt", "\n".join(lines).encode()
        for licence in self.project["license-files"]:
            yield info + "licenses/" + licence, _read(licence)

    def metadata(self) -> bytes:
        """METADATA of the wheel, PKG-INFO of the sdist."""
        project = self.project
        fields = [
            ("Metadata-Version", "2.4"),
            ("Name", project["name"]),
            ("Version", project["version"]),
            ("Summary", project["description"]),
            ("Keywords", ",".join(project.get("keywords", []))),
            ("License-Expression", project["license"]),
            *(("License-File", licence) for licence in project["license-files"]),
            *(("Classifier", classifier) for classifier in project.get("classifiers", [])),
            *(("Project-URL", "%s, %s" % url) for url in self.urls.items()),
            ("Requires-Python", project["requires-python"]),
            *(("Requires-Dist", requirement) for requirement in project.get("dependencies", [])),
        ]
        for extra, requirements in self.extras.items():
            fields.append(("Provides-Extra", extra))
            fields.extend(("Requires-Dist", _in_extra(requirement, extra)) for requirement in requirements)
        fields.append(("Description-Content-Type", "text/markdown; charset=UTF-8"))
        header = "".join("%s: %s\n" % field for field in fields)
        return header.encode() + b"\n" + _read(str(project["readme"]))


def read_project(path: Path) -> dict[str, Table]:
    """The ``[project]`` tables of a pyproject.toml whose values are strings and lists of strings.

    CPython has a TOML parser from 3.11 only. In that corner of TOML a value is spelt like a Python
    literal, so Python reads it; anything else in these tables is an error that names its line.
    """
    tables: dict[str, Table] = {}
    table: Table | None = None
    key = value = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        header = re.match(r"\[+([^\]]+)\]+\s*(?:#.*)?$", line)
        if header and not value:
            name = header.group(1)
            table = tables.setdefault(name, {}) if re.match(r"project(\.|$)", name) else None
        elif table is not None and (value or line.split("#")[0].strip()):
            if not value:
                key, equals, value = line.partition("=")
                if not equals:
                    raise BuildError("%s:%d: no `key = value`: %s" % (path.name, number, line))
                key = key.strip().strip("\"'")
            else:
                value += "\n" + line
            try:
                table[key] = _strings(ast.literal_eval(value.strip()))
            except SyntaxError:
                continue  # A list that ends on a later line.
            except ValueError:
                raise BuildError(
                    "%s:%d: %s must be a string or a list of strings" % (path.name, number, key)
                ) from None
            value = ""
    if value:
        raise BuildError("%s: the value of %s cannot be read" % (path.name, key))
    for required in REQUIRED:
        if required not in tables.get("project", {}):
            raise BuildError("%s: [project] has no %s" % (path.name, required))
    return tables


def _strings(value: object) -> str | list[str]:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise ValueError(value)


def _in_extra(requirement: str, extra: str) -> str:
    requirement, _, marker = requirement.partition(";")
    condition = 'extra == "%s"' % extra
    if marker:
        condition = "(%s) and %s" % (marker.strip(), condition)
    return "%s; %s" % (requirement.strip(), condition)


def _read(name: str) -> bytes:
    try:
        return (ROOT / name).read_bytes()
    except FileNotFoundError:
        raise BuildError("this source tree has no %s" % name) from None


def _wanted(config_settings: Config) -> str:
    """The choice of who builds: "auto", "rust" or "pure"."""
    wanted = (config_settings or {}).get("build") or os.environ.get("CHARMS_REACTIVE_BUILD") or "auto"
    if wanted not in ("auto", "rust", "pure"):
        raise BuildError("CHARMS_REACTIVE_BUILD must be auto, rust or pure, not %r" % (wanted,))
    return str(wanted)


def _glibc(config_settings: Config) -> str:
    """The oldest glibc that a native wheel is to run with, such as "2.17"; empty for this machine's."""
    glibc = str((config_settings or {}).get("glibc") or "")
    if glibc and not re.match(r"2\.\d+$", glibc):
        raise BuildError("the setting glibc must be a version such as 2.17, not %r" % glibc)
    return glibc


def _no_rust() -> str:
    """Why a native wheel cannot be built here; empty where it can."""
    if not _has_crates():
        return "this archive has no sources in Rust: they are in %s and in the repository" % SOURCE_ARCHIVE
    if sys.implementation.name != "cpython" or sys.version_info < (3, 10):
        return "the native engine needs CPython >= 3.10, this is %s %d.%d" % (
            sys.implementation.name,
            sys.version_info[0],
            sys.version_info[1],
        )
    if not shutil.which("cargo"):
        return "no cargo on PATH"
    if not _maturin():
        return "no maturin on PATH"
    return ""


def _has_crates() -> bool:
    """Whether this is a tree of the whole source."""
    return (ROOT / "crates").is_dir()


def _maturin() -> list[str]:
    """The command that runs maturin: the one of this environment, else the one on PATH."""
    module = importlib.util.find_spec("maturin")
    if module and module.origin:
        # pip makes an environment for a build, in which `python -m maturin` does not find its own program.
        prefix = Path(module.origin, "../../../../..").resolve()  # of lib/python3.12/site-packages/maturin/
        program = prefix / "bin" / "maturin"
        return [str(program)] if program.exists() else [sys.executable, "-m", "maturin"]
    found = shutil.which("maturin")
    return [found] if found else []


def _build(wheel_directory: str, config_settings: Config, editable: bool) -> str:
    wanted = _wanted(config_settings)
    if wanted != "pure":
        problem = _no_rust()
        if not problem:
            wheel = _native_wheel(wheel_directory, editable, _glibc(config_settings))
            if wheel:
                return wheel
            problem = "the Rust build failed, see above"
        if wanted == "rust":
            raise BuildError("cannot build the native engine: %s" % problem)
        print("charms.reactive: building the pure Python package: %s" % problem)
    return _pure_wheel(wheel_directory, editable)


def _native_wheel(wheel_directory: str, editable: bool, glibc: str) -> str | None:
    """Have maturin build the wheel; its file name, or None where it failed."""
    with _alone():
        return _built_by_maturin(wheel_directory, editable, glibc)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Be the only process that builds a native wheel of this tree.

    What maturin takes has one place, and the next build begins with deleting it. Cargo looks after its own.
    """
    import fcntl  # here, so that a pure wheel can be built where there is none

    STAGED_DATA.parent.mkdir(exist_ok=True)
    with STAGED_DATA.with_name("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _built_by_maturin(wheel_directory: str, editable: bool, glibc: str) -> str | None:
    environment = _build_environment(glibc)
    if not _stage(glibc, environment):
        return None
    command = _maturin() + ["pep517", "build-wheel", "-i", sys.executable]
    if glibc:
        command += ["--zig", "--compatibility", "manylinux_" + glibc.replace(".", "_")]
    else:
        command += ["--compatibility", "off"]
    if editable:
        command.append("--editable")
    done = subprocess.run(command, cwd=str(ROOT), env=environment, stdout=subprocess.PIPE, check=False)
    sys.stdout.write(done.stdout.decode(errors="replace"))
    lines = done.stdout.decode(errors="replace").split("\n")
    wheel = next((line.strip() for line in reversed(lines) if line.strip().endswith(".whl")), None)
    if done.returncode or not wheel:
        return None
    shutil.copy2(str(ROOT / wheel), wheel_directory)
    return os.path.basename(wheel)


def _build_environment(glibc: str) -> dict[str, str]:
    """The environment of Cargo and maturin: the archive holds no date, and zig is that of this Python."""
    environment = {"SOURCE_DATE_EPOCH": str(EPOCH_SECONDS), **os.environ}
    if glibc:
        environment["CARGO_ZIGBUILD_PYTHON_PATH"] = sys.executable
    return environment


def _stage(glibc: str, environment: dict[str, str]) -> bool:
    """Put what maturin does not make itself where it takes it from; False where that fails."""
    try:
        clang = _clang_of_zig() if glibc else ""
        program = _program(glibc, environment)
        bill = Project().bill()
        sbom.add_compiled(bill, ROOT, clang)
    except crates.CargoError as error:
        print("charms.reactive: %s" % error)
        return False
    scripts = STAGED_DATA / "scripts"
    for directory in (STAGED_DATA, STAGED_SBOM.parent):
        if directory.exists():
            shutil.rmtree(str(directory))
    scripts.mkdir(parents=True)
    for path in _scripts():
        shutil.copy(str(path), str(scripts))
    shutil.copy(program, str(scripts / COMMAND))
    STAGED_SBOM.parent.mkdir(parents=True)
    STAGED_SBOM.write_bytes(bill.text())
    return True


def _program(glibc: str, environment: dict[str, str]) -> str:
    """Have Cargo build the command; the path of it."""
    command = ["cargo", "zigbuild" if glibc else "build", "--release", "--locked"]
    command += ["--package", "reactive-command", "--message-format", "json-render-diagnostics"]
    if glibc:
        command += ["--target", "%s.%s" % (crates.rust(ROOT)["host"], glibc)]
    done = subprocess.run(command, cwd=str(ROOT), env=environment, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise crates.CargoError("%s failed" % " ".join(command[:2]))
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    built = [str(message["executable"]) for message in messages if message.get("executable")]
    programs = [path for path in built if Path(path).name == PROGRAM]
    if not programs:
        raise crates.CargoError("cargo has built no program %s" % PROGRAM)
    return programs[0]


def _clang_of_zig() -> str:
    """The version of the clang in zig, which is that of what zig links in of LLVM."""
    command = [sys.executable, "-m", "ziglang", "cc", "--version"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = re.search(r"clang version ([\d.]+)", done.stdout.decode(errors="replace"))
    if done.returncode or not found:
        raise crates.CargoError("a wheel for another glibc needs zig: pip install cargo-zigbuild")
    return found.group(1)


def _scripts() -> list[Path]:
    """The files of every wheel that are installed into bin/ as they are."""
    scripts = _files_below(WHEEL_DATA / "scripts")
    if PYTHON_COMMAND not in [path.name for path in scripts]:
        raise BuildError("this source tree has no wheel-data/scripts/" + PYTHON_COMMAND)
    return scripts


def _pure_wheel(wheel_directory: str, editable: bool) -> str:
    project = Project()
    files: dict[str, tuple[bytes, int]] = {}
    if editable:
        files["__editable__.charms_reactive.pth"] = (os.fsencode(PYTHON) + b"\n", 0o644)
    else:
        for path in _files_below(PYTHON):
            files[path.relative_to(PYTHON).as_posix()] = (path.read_bytes(), 0o644)
        files[VERSION] = (_without_native(files[VERSION][0]), 0o644)
    for path in _scripts():
        names = [path.name, COMMAND] if path.name == PYTHON_COMMAND else [path.name]
        for name in names:
            files["%s.data/scripts/%s" % (project.stem, name)] = (path.read_bytes(), 0o755)
    for name, body in project.dist_info():
        files[name] = (body, 0o644)
    info = project.stem + ".dist-info/"
    files[info + "sboms/" + STAGED_SBOM.name] = (project.bill().text(), 0o644)
    wheel_file = (
        "Wheel-Version: 1.0",
        "Generator: charms.reactive build_backend",
        "Root-Is-Purelib: true",
        "Tag: py3-none-any",
        "",
    )
    files[info + "WHEEL"] = ("\n".join(wheel_file).encode(), 0o644)
    record = [_record_line(name, body) for name, (body, _) in files.items()] + [info + "RECORD,,", ""]
    files[info + "RECORD"] = ("\n".join(record).encode(), 0o644)

    wheel = project.stem + "-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w") as archive:
        for name, (body, mode) in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            # pip keeps the run bit only of what the archive calls a regular file.
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, body)
    return wheel


def _without_native(version: bytes) -> bytes:
    """The module of the version, as it says that this wheel has no native engine."""
    changed = re.sub(rb"(?m)^NATIVE = True$", b"NATIVE = False", version)
    if changed == version:
        raise BuildError("%s does not say NATIVE = True" % VERSION)
    return changed


def _record_line(name: str, body: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
    return "%s,sha256=%s,%d" % (name, digest, len(body))


def _sdist_paths() -> list[Path]:
    paths = {ROOT / name for name in SDIST_FILES}
    _check_there(paths)
    for name in SDIST_DIRECTORIES:
        paths.update(_files_below(ROOT / name))
    return sorted(path for path in paths if not _for_desks(path.relative_to(ROOT).as_posix()))


def _for_desks(path: str) -> bool:
    """Whether no unit has a use for a file of the source."""
    if path in KEPT:
        return False
    return path.startswith(tuple(name + "/" for name in DESK))


def _source_paths() -> list[Path]:
    paths = {ROOT / name for name in SOURCE_FILES}
    _check_there(paths)
    paths.update(ROOT.glob("*.md"), ROOT.glob("*.toml"))
    for name in SOURCE_DIRECTORIES:
        paths.update(_files_below(ROOT / name))
    paths.discard(ROOT / "packaging" / "WHEELS.md")  # It tells the size of the sdist.
    return sorted(paths)


def _check_there(paths: set[Path]) -> None:
    for path in sorted(paths):
        if not path.is_file():
            raise BuildError("this source tree has no %s" % path.relative_to(ROOT).as_posix())


def _files_below(directory: Path) -> list[Path]:
    """The files that somebody wrote: nothing compiled, nothing cached."""
    found = []
    for path in directory.rglob("*"):
        compiled = path.suffix in (".pyc", ".pyo", ".so")
        folders = path.relative_to(directory).parts[:-1]
        cached = any(
            folder in ("__pycache__", "_build", "target") or folder.startswith(".") for folder in folders
        )
        if path.is_file() and not compiled and not cached:
            found.append(path)
    return sorted(found)


def _add(archive: tarfile.TarFile, stem: str, name: str, body: bytes, mode: int) -> None:
    entry = tarfile.TarInfo("%s/%s" % (stem, name))
    entry.size = len(body)
    entry.mode = mode
    entry.mtime = EPOCH_SECONDS
    archive.addfile(entry, io.BytesIO(body))
