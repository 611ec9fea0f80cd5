"""What has to hold of the files in ``dist/``: by tools of others where there are any.

``twine check`` reads the metadata as the index does. ``auditwheel`` reads the compiled files of a wheel
and says on which Linux it runs; that is compared with its tag, and with what the two files themselves ask of
glibc. ``abi3audit`` sees that the extension module uses nothing but the stable ABI of the tag. The bill of
materials is held against the schema of its format. The rest, what is in each file and whether it can be
installed, is in ``tests/packaging/test_wheels.py``, which is run on these very files.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

ROOT = Path(__file__).resolve().parent.parent

TOOLS = ("maturin", "ziglang", "twine", "auditwheel", "abi3audit")

#: What a wheel may expect of a Linux system: glibc, which is one library in several files.
LIBRARIES = re.compile(r"(libc|libm|libpthread|libdl|librt)\.so\.\d|ld-linux-[\w-]+\.so\.\d")


class Finding(NamedTuple):
    """What one check has found.

    Attributes:
        good: whether it is as it has to be.
        text: what to show, in a few words.
    """

    good: bool
    text: str


def findings(path: Path) -> Dict[str, Finding]:
    """Every check that there is for this file, by name."""
    found = {"`twine check`": twine(path)}
    if path.suffix == ".whl":
        found["SBOM"] = bill_of_materials(path)
        if not path.name.endswith("-none-any.whl"):
            found["`auditwheel`"] = auditwheel(path)
            found["newest glibc symbol"] = glibc(path)
            found["`abi3audit`"] = abi3audit(path)
            found["paths of the builder"] = paths(path)
    return found


def twine(path: Path) -> Finding:
    done = _run("twine", "--no-color", "check", "--strict", str(path))
    if done.returncode:
        return Finding(False, done.stdout.decode(errors="replace").strip())
    return Finding(True, "passed")


def auditwheel(path: Path) -> Finding:
    """Whether the wheel runs on the Linux of its tag."""
    done = _run("auditwheel", "show", "--json", str(path))
    if done.returncode:
        return Finding(False, done.stdout.decode(errors="replace").strip())
    answer = json.loads(done.stdout)
    tag = str(answer["overall_tag"])
    return Finding(tag in path.name and not answer["external_libs"], tag)


def glibc(path: Path) -> Finding:
    """Whether both compiled files ask of glibc what the tag promises, and of nothing else."""
    promised = re.search(r"manylinux_(\d+)_(\d+)", path.name)
    if not promised:
        return Finding(False, "%s has no manylinux tag" % path.name)
    newest: List[str] = []
    good = True
    for name, elf in compiled(path):
        versions = glibc_versions(elf)
        newest.append(".".join(map(str, max(versions))))
        foreign = [library for library in libraries(elf) if not _expected(library)]
        if foreign or max(versions) > tuple(map(int, promised.groups())):
            good = False
            newest[-1] += " (%s %s)" % (name, " ".join(foreign))
    return Finding(good and len(newest) == 2, " and ".join(newest))


def abi3audit(path: Path) -> Finding:
    """Whether the extension module keeps to the stable ABI of the CPython in the wheel's tag."""
    done = _run("abi3audit", "--strict", "--report", str(path), stderr=subprocess.PIPE)
    try:
        [wheel] = json.loads(done.stdout)["specs"].values()
        [module] = wheel["wheel"]
        result = module["result"]
    except (ValueError, KeyError):
        return Finding(False, done.stderr.decode(errors="replace").strip() or "no report")
    good = not done.returncode and result["is_abi3"] and not result["non_abi3_symbols"]
    tag = "cp" + str(result["computed"]).replace(".", "")
    return Finding(good and tag in path.name, "abi3 of %s" % result["computed"])


def paths(path: Path) -> Finding:
    """Whether the compiled files keep the paths of this machine to themselves."""
    with zipfile.ZipFile(str(path)) as archive:
        bodies = [(name, archive.read(name)) for name in archive.namelist()]
    private = [os.fsencode(directory) for directory in (str(ROOT), cargo_home())]
    told = sorted(name for name, body in bodies if any(directory in body for directory in private))
    return Finding(not told, "in " + ", ".join(told) if told else "none")


def bill_of_materials(path: Path) -> Finding:
    """Whether the bill of materials is one, by the schema of its format."""
    with zipfile.ZipFile(str(path)) as archive:
        names = [name for name in archive.namelist() if ".dist-info/sboms/" in name]
        if len(names) != 1:
            return Finding(False, "%d of them" % len(names))
        text = archive.read(names[0]).decode()
    document = json.loads(text)
    version = document["specVersion"]
    problem = JsonStrictValidator(SchemaVersion.from_version(version)).validate_str(text)
    if problem:
        return Finding(False, str(problem))
    return Finding(True, "CycloneDX %s, %d components" % (version, len(document["components"])))


def licences() -> List[str]:
    """What is wrong with THIRD-PARTY-LICENSES.md."""
    done = subprocess.run([sys.executable, str(ROOT / "packaging/licenses.py"), "check"], check=False)
    return ["THIRD-PARTY-LICENSES.md is not current"] if done.returncode else []


def tests(dist: Path) -> List[str]:
    """What is wrong with what is in the files, and with their installation."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/packaging/test_wheels.py"]
    environment = {**os.environ, "CHARMS_REACTIVE_DIST": str(dist)}
    done = subprocess.run(command, cwd=str(ROOT), env=environment, check=False)
    return ["tests/packaging/test_wheels.py fails"] if done.returncode else []


def cargo_home() -> str:
    """Where Cargo keeps the sources of crates."""
    return os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo")


def version(tool: str) -> str:
    try:
        return importlib.metadata.version(tool)
    except importlib.metadata.PackageNotFoundError:
        return "(none)"


def compiled(wheel: Path) -> Iterator[Tuple[str, Any]]:
    """The compiled files of a wheel: the name, and the file as pyelftools reads it."""
    with zipfile.ZipFile(str(wheel)) as archive:
        for name in archive.namelist():
            body = archive.read(name)
            if body.startswith(b"\x7fELF"):
                yield name, ELFFile(io.BytesIO(body))


def newest_glibc(wheel: Path) -> str:
    """The oldest glibc that has all that the compiled files of a wheel ask for."""
    versions = [version for _, elf in compiled(wheel) for version in glibc_versions(elf)]
    return ".".join(map(str, max(versions)))


def glibc_versions(elf: Any) -> List[Tuple[int, ...]]:
    """The versions of glibc's symbols that a compiled file asks for, such as (2, 17)."""
    found = []
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, symbols in section.iter_versions():
                for symbol in symbols:
                    number = re.match(r"GLIBC_([\d.]+)$", symbol.name)
                    if number:
                        found.append(tuple(map(int, number.group(1).split("."))))
    return found


def libraries(elf: Any) -> List[str]:
    """The libraries that the loader has to find for a compiled file."""
    return [
        tag.needed
        for section in elf.iter_sections()
        if isinstance(section, DynamicSection)
        for tag in section.iter_tags()
        if tag.entry.d_tag == "DT_NEEDED"
    ]


def _expected(library: str) -> bool:
    # Without zig, gcc's unwinder is that of the machine, where every Linux has it.
    zig = importlib.util.find_spec("ziglang") is not None
    return bool(LIBRARIES.match(library)) or (not zig and library == "libgcc_s.so.1")


def _run(module: str, *arguments: str, stderr: int = subprocess.STDOUT) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, check=False)
