"""What Cargo links into a native wheel: for its bill of materials and for THIRD-PARTY-LICENSES.md.

Standard library only, CPython 3.8: the build backend imports this.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

#: What is in a native wheel, and the crate of this workspace that each file is built from.
FILES = {"charms_reactive/_engine/_native.abi3.so": "reactive-python", "charms.reactive": "reactive-command"}

#: The machines that Juju runs on, as Rust calls them.
PLATFORMS = tuple(
    machine + "-unknown-linux-gnu" for machine in ("aarch64", "powerpc64le", "riscv64gc", "s390x", "x86_64")
)

#: A crate as ``cargo metadata`` describes it.
Package = Dict[str, Any]


class CargoError(Exception):
    """Cargo or rustc does not answer; the message is one line."""


class Linked(NamedTuple):
    """The crates that are linked, those of this workspace among them.

    Attributes:
        packages: by Cargo's identifier.
        needs: of each of these, the identifiers of those that it uses itself.
    """

    packages: Dict[str, Package]
    needs: Dict[str, List[str]]

    def of_others(self) -> List[Package]:
        """Those that somebody else has written, in the order of their names."""
        others = [package for package in self.packages.values() if package["source"]]
        return sorted(others, key=lambda package: (package["name"], package["version"]))


def linked(root: Path, platforms: Sequence[str]) -> Linked:
    """What the files of a wheel consist of on these platforms.

    Crates that only build, that are macros, or that serve another platform are left out.
    """
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    for platform in platforms:
        command += ["--filter-platform", platform]
    answer = json.loads(_ask(command, root))
    packages = {package["id"]: package for package in answer["packages"]}
    nodes = {node["id"]: node for node in answer["resolve"]["nodes"]}
    ours = {packages[member]["name"]: member for member in answer["workspace_members"]}
    waiting = [ours[crate] for crate in FILES.values()]
    needs: Dict[str, List[str]] = {}
    while waiting:
        crate = waiting.pop()
        if crate not in needs:
            used = [
                dependency["pkg"]
                for dependency in nodes[crate]["deps"]
                if any(kind["kind"] is None for kind in dependency["dep_kinds"])
            ]
            needs[crate] = sorted(name for name in used if not _is_macro(packages[name]))
            waiting += needs[crate]
    return Linked({crate: packages[crate] for crate in sorted(needs)}, needs)


def sqlite_version(package: Package) -> str:
    """The version of the SQLite that the crate libsqlite3-sys holds."""
    header = Path(package["manifest_path"]).parent / "sqlite3" / "sqlite3.h"
    found = re.search(r'^#define SQLITE_VERSION +"([\d.]+)"', header.read_text(encoding="utf-8"), re.M)
    if not found:
        raise CargoError("%s names no version of SQLite" % header)
    return found.group(1)


def rust(root: Path) -> Dict[str, str]:
    """What rustc says of itself, such as ``release`` and ``host``."""
    lines = _ask(["rustc", "--version", "--verbose"], root).splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def checksums(root: Path) -> Dict[str, str]:
    """The SHA-256 of each crate's archive by ``NAME VERSION``, from Cargo.lock."""
    lock = (root / "Cargo.lock").read_text(encoding="utf-8")
    rule = r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"'
    return {"%s %s" % (name, version): digest for name, version, digest in re.findall(rule, lock)}


def _is_macro(package: Package) -> bool:
    return any("proc-macro" in target["kind"] for target in package["targets"])


def _ask(command: List[str], root: Path) -> str:
    try:
        done = subprocess.run(command, cwd=str(root), stdout=subprocess.PIPE, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CargoError("%s failed: %s" % (" ".join(command[:2]), error)) from None
    return done.stdout.decode()
