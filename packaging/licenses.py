"""Writes THIRD-PARTY-LICENSES.md: what of others is linked into the compiled files of a native wheel.

    licenses.py          write the file
    licenses.py check    fail if it is not what would be written

Cargo with its downloaded sources is needed, and rustc with its documentation, as rustup installs them.
Standard library only.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Sequence

import crates

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "THIRD-PARTY-LICENSES.md"

#: Any one of these is enough, in order of preference; a crate with none of them stops the build.
ACCEPTED = ("MIT", "Zlib", "Apache-2.0")

HEAD = """\
# Licences of others

What a native wheel holds, `charms_reactive/_engine/_native` and the program `charms.reactive`, is linked with
the crates below, on the machines that Juju runs on, and with what the last section names. A pure wheel
holds none of it. Where there is a choice, the licence named here is the one that is used.
`packaging/licenses.py` writes this file; the wheel's bill of materials says which file holds what.

The crate libsqlite3-sys holds SQLite %s, which is in the public domain.
"""

#: The crates that Rust's standard library consists of, but for its own. Each is offered under Apache-2.0.
STANDARD = (
    *("addr2line", "adler2", "cfg_if", "compiler_builtins", "gimli", "hashbrown", "libc"),
    *("memchr", "miniz_oxide", "object", "rustc_demangle"),
)

#: Its own, and those beside it that a program without tests, macros and profiling is not linked with.
RUST = {"alloc", "core", "panic_abort", "panic_unwind", "std", "std_detect", "sysroot", "unwind"}
RUST |= {"rustc_std_workspace_alloc", "rustc_std_workspace_core", "rustc_std_workspace_std"}
NOT_LINKED = {"getopts", "proc_macro", "profiler_builtins", "rustc_literal_escaper", "test"}

TAIL = """\

## What the compiler adds

Both files are linked with Rust's standard library. It is used under the Apache License 2.0, whose text is
in `LICENSE` beside this file, and so are the crates that it consists of:
%s.

Its crate memchr is used under the MIT licence, as above. What compiler_builtins has from LLVM, and LLVM's
libunwind, which a wheel that zig has linked holds, are under the Apache License with the LLVM exception,
which lifts its conditions for what is embedded in compiled form. The standard library's tables of Unicode
are under this licence:

```text
%s
```
"""


def chosen(package: crates.Package) -> str:
    words = package["license"].replace("(", " ").replace(")", " ").replace("/", " ").split()
    for licence in ACCEPTED:
        if licence in words and "AND" not in words:
            return licence
    raise SystemExit("%s: its licence, %s, is none of those accepted" % (package["name"], package["license"]))


def text_of(package: crates.Package, licence: str) -> str:
    """The licence's text as the crate ships it."""
    source = Path(package["manifest_path"]).parent
    files = sorted(path for path in source.iterdir() if path.name.upper().startswith(("LICEN", "COPYING")))
    named = [path for path in files if licence.split("-")[0].upper() in path.name.upper()]
    for path in named or files[:1]:
        return path.read_text(encoding="utf-8").strip()
    raise SystemExit("%s ships no licence" % package["name"])


def standard_library() -> List[str]:
    """The crates of others in Rust's standard library; an error where this Rust has one that is not known."""
    command = ["rustc", "--print", "target-libdir"]
    directory = Path(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().strip())
    found = {re.sub(r"^lib(.+)-\w+$", r"\1", path.stem) for path in directory.glob("*.rlib")}
    unknown = found - RUST - NOT_LINKED - set(STANDARD)
    if unknown or "std" not in found:
        raise SystemExit(
            "Rust's standard library in %s holds crates that packaging/licenses.py does not know: %s"
            % (directory, ", ".join(sorted(unknown)) or "none at all")
        )
    return [name for name in STANDARD if name != "memchr"]


def licence_of_unicode() -> str:
    """The text as Rust's documentation has it."""
    command = ["rustc", "--print", "sysroot"]
    sysroot = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    path = Path(sysroot, "share/doc/rust/licenses/Unicode-3.0.txt")
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise SystemExit("no %s: Rust's documentation is needed, see https://rustup.rs" % path) from None


def document() -> str:
    packages = crates.linked(ROOT, crates.PLATFORMS).of_others()
    [sqlite] = [crates.sqlite_version(package) for package in packages if package["name"] == "libsqlite3-sys"]
    parts = [HEAD % sqlite, "| crate | version | licence |", "| --- | --- | --- |"]
    texts: Dict[str, List[str]] = {}
    for package in packages:
        licence = chosen(package)
        parts.append(
            "| [%s](%s) | %s | %s |" % (package["name"], package["repository"], package["version"], licence)
        )
        texts.setdefault(text_of(package, licence), []).append(package["name"])
    for text, names in texts.items():
        parts += ["", "## " + ", ".join(names), "", "```text", *_lines(text), "```"]
    tail = TAIL % (", ".join(standard_library()), "\n".join(_lines(licence_of_unicode())))
    return "\n".join(parts) + "\n" + tail


def _lines(text: str) -> List[str]:
    return [line.rstrip() for line in text.splitlines()]


def main(arguments: Sequence[str]) -> int:
    written = document()
    if list(arguments) == ["check"]:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != written:
            print("%s is not current: run packaging/licenses.py" % TARGET.name, file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
