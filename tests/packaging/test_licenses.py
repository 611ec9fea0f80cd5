"""The licences of the crates that a native wheel is linked with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]

# In Cargo.lock and in no wheel: they build, are macros, or serve another system.
NOT_LINKED = {
    *("cc", "find-msvc-tools", "pkg-config", "shlex", "target-lexicon", "vcpkg", "pyo3-build-config"),
    *("heck", "proc-macro2", "pyo3-macros", "pyo3-macros-backend", "quote", "syn", "unicode-ident"),
    "serde_derive",
    "portable-atomic",  # for processors without atomic 64-bit words; Juju runs on none
    "serde",  # serde_json names it on no platform at all, to have it of one version with serde_core
}


@pytest.fixture
def locked() -> Dict[str, str]:
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    packages = re.findall(r'name = "(.+)"\nversion = "(.+)"\nsource', lock)
    return {name: version for name, version in packages if name not in NOT_LINKED}


def test_every_crate_is_listed_with_its_version(locked: Dict[str, str]) -> None:
    """`packaging/licenses.py` writes the list."""
    text = (ROOT / "THIRD-PARTY-LICENSES.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| \[(.+?)\]\(.+?\) \| (.+?) \|", text, re.M))
    assert listed == locked


def test_every_listed_crate_has_its_text() -> None:
    text = (ROOT / "THIRD-PARTY-LICENSES.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| \[(.+?)\]", text, re.M))
    headings = {name for line in re.findall(r"^## (.+)$", text, re.M) for name in line.split(", ")}
    assert headings - {"What the compiler adds"} == listed
    texts = re.findall(r"^```text\n.{200,}?^```$", text, re.M | re.S)
    assert len(texts) == len(re.findall("^## ", text, re.M))


def test_what_the_compiler_links_in_is_named() -> None:
    text = (ROOT / "THIRD-PARTY-LICENSES.md").read_text(encoding="utf-8")
    section = text.partition("## What the compiler adds")[2]
    for name in ("Rust's standard library", "libunwind", "the LLVM exception", "UNICODE LICENSE V3"):
        assert name in section
    assert re.search(r"holds SQLite 3\.\d+\.\d+, which is in the public domain", text)
