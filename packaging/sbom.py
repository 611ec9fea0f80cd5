"""The bill of materials of a wheel, a CycloneDX document as PEP 770 wants it in ``.dist-info/sboms/``.

A pure wheel's says that it holds nothing of others. A native wheel's names the crates that each of its two
compiled files is linked with, SQLite, Rust's standard library, and what zig adds. Both name the
distributions that an installer has to find elsewhere.

It holds no date and no serial number, so that the same sources give the same bytes. Standard library only,
CPython 3.8: the build backend imports this.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Sequence

import crates

#: The newest version of the format that scanners can be expected to read.
SPEC_VERSION = "1.6"

Part = Dict[str, Any]


class Bill:
    """One document.

    Args:
        name: of the distribution.
        version: of the distribution.
        licence: of what is ours, an SPDX expression.
        requirements: of the distribution, at run time.
    """

    def __init__(self, name: str, version: str, licence: str, requirements: Sequence[str]) -> None:
        normal = re.sub(r"[-_.]+", "-", name).lower()
        self.root: Part = {
            "type": "framework",
            "bom-ref": "pkg:pypi/%s@%s" % (normal, version),
            "name": name,
            "version": version,
            "licenses": [{"expression": licence}],
            "purl": "pkg:pypi/%s@%s" % (normal, version),
        }
        self._parts: List[Part] = []
        self._needs: Dict[str, List[str]] = {}
        for requirement in requirements:
            self._require(requirement)

    def add(self, part: Part, needs: Sequence[str] = ()) -> str:
        """Add something that the wheel holds, and what that is made of; the reference of it."""
        self._parts.append(part)
        reference = str(part["bom-ref"])
        self._needs[reference] = sorted(needs)
        return reference

    def hold(self, reference: str) -> None:
        """Say that the distribution itself uses this."""
        self._needs.setdefault(self.root["bom-ref"], []).append(reference)

    def text(self) -> bytes:
        document = {
            "$schema": "http://cyclonedx.org/schema/bom-%s.schema.json" % SPEC_VERSION,
            "bomFormat": "CycloneDX",
            "specVersion": SPEC_VERSION,
            "version": 1,
            "metadata": {"component": self.root},
            "components": sorted(self._parts, key=lambda part: str(part["bom-ref"])),
            "dependencies": [
                {"ref": reference, "dependsOn": needs} for reference, needs in sorted(self._needs.items())
            ],
            # Nothing is in the wheel that is not named here; what the required distributions need in turn is.
            "compositions": [{"aggregate": "complete", "assemblies": [self.root["bom-ref"]]}],
        }
        return json.dumps(document, indent=1).encode() + b"\n"

    def _require(self, requirement: str) -> None:
        """Name a distribution that is not in the wheel and has to be installed beside it."""
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        purl = "pkg:pypi/" + re.sub(r"[-_.]+", "-", name).lower()
        part = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "description": "Not in the wheel: an installer finds %s." % requirement,
            "scope": "required",
            "purl": purl,
        }
        self.hold(self.add(part))


def add_compiled(bill: Bill, root: Path, clang: str) -> None:
    """Add what the two compiled files of a native wheel are made of.

    Args:
        bill: to add to.
        root: of the source tree.
        clang: the version of the clang in zig where zig links the files, else empty.

    Raises:
        CargoError: Cargo or rustc does not answer.
    """
    compiler = crates.rust(root)
    everywhere = [bill.add(_standard_library(compiler["release"]))]
    if clang:
        everywhere.append(bill.add(_unwinder(clang)))
    found = crates.linked(root, [compiler["host"]])
    digests = crates.checksums(root)
    for crate, package in found.packages.items():
        needs = [_crate_reference(found.packages[needed]) for needed in found.needs[crate]]
        if package["name"] == "libsqlite3-sys":
            needs.append(bill.add(_sqlite(crates.sqlite_version(package))))
        bill.add(_crate(package, digests.get("%s %s" % (package["name"], package["version"]), "")), needs)
    by_name = {package["name"]: package for package in found.packages.values()}
    for file, crate in crates.FILES.items():
        part = {"type": "file", "bom-ref": "file:" + file, "name": file}
        bill.hold(bill.add(part, [_crate_reference(by_name[crate]), *everywhere]))


def _crate_reference(package: crates.Package) -> str:
    return "pkg:cargo/%s@%s" % (package["name"], package["version"])


def _crate(package: crates.Package, digest: str) -> Part:
    part = {
        "type": "library",
        "bom-ref": _crate_reference(package),
        "name": package["name"],
        "version": package["version"],
        # Older crates write a slash where SPDX says OR.
        "licenses": [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}],
    }
    if package["source"]:
        part["purl"] = _crate_reference(package)
        part["hashes"] = [{"alg": "SHA-256", "content": digest}]
        part["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return part


def _generic(name: str, title: str, version: str, description: str, licence: Part, cpe: str = "") -> Part:
    """Something that no index of packages has.

    Args:
        cpe: vendor and product by which vulnerabilities are filed, where there are such.
    """
    reference = "pkg:generic/%s@%s" % (name, version)
    part = {
        "type": "library",
        "bom-ref": reference,
        "name": title,
        "version": version,
        "description": description,
        "licenses": [licence],
    }
    if cpe:
        part["cpe"] = "cpe:2.3:a:%s:%s:*:*:*:*:*:*:*" % (cpe, version)
    part["purl"] = reference
    return part


def _sqlite(version: str) -> Part:
    description = "In C, in the public domain; the crate libsqlite3-sys holds it."
    licence = {"license": {"id": "blessing"}}
    return _generic("sqlite", "SQLite", version, description, licence, "sqlite:sqlite")


def _standard_library(version: str) -> Part:
    description = "Rust's standard library, with the crates that it is made of."
    licence = {"expression": "(Apache-2.0 OR MIT) AND Unicode-3.0"}
    return _generic("rust-std", "rust-std", version, description, licence, "rust-lang:rust")


def _unwinder(clang: str) -> Part:
    description = "LLVM's unwinder, which zig links in where gcc would use libgcc_s of the machine."
    licence = {"expression": "Apache-2.0 WITH LLVM-exception"}
    return _generic("llvm-libunwind", "llvm-libunwind", clang, description, licence)
