"""Writes THIRD-PARTY-LICENSES.md: the crates that are linked into what a native wheel holds.

    licenses.py          write the file
    licenses.py check    fail if it is not what would be written

Cargo and its downloaded sources are needed. Standard library only.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "THIRD-PARTY-LICENSES.md"

#: Any one of these is enough, in order of preference; a crate with none of them stops the build.
ACCEPTED = ("MIT", "Zlib", "Apache-2.0")

HEAD = """\
# Licences of others

What a native wheel holds, `charms_reactive/_native` and the program `charms.reactive`, is linked with
these crates. A pure wheel holds none of them. Where a crate leaves the choice, the licence named first
here is the one that is used. `packaging/licenses.py` writes this file.

The crate libsqlite3-sys holds SQLite, which is in the public domain.
"""


def linked() -> List[str]:
    """``NAME VERSION`` of every crate of others that ends up in a wheel."""
    command = ["cargo", "tree", "--locked", "--workspace", "--edges", "normal,no-proc-macro"]
    command += ["--target", "all", "--prefix", "none", "--format", "{p}"]
    done = subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, check=True)
    found = set()
    for line in done.stdout.decode().splitlines():
        words = line.split()
        if words and "(/" not in line:
            found.add("%s %s" % (words[0], words[1].lstrip("v")))
    return sorted(found)


def packages() -> Dict[str, Any]:
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    done = subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, check=True)
    every = json.loads(done.stdout)["packages"]
    return {"%s %s" % (package["name"], package["version"]): package for package in every}


def chosen(package: Dict[str, Any]) -> str:
    words = package["license"].replace("(", " ").replace(")", " ").replace("/", " ").split()
    for licence in ACCEPTED:
        if licence in words and "AND" not in words:
            return licence
    raise SystemExit("%s: its licence, %s, is none of those accepted" % (package["name"], package["license"]))


def text_of(package: Dict[str, Any], licence: str) -> str:
    """The licence's text as the crate ships it."""
    source = Path(package["manifest_path"]).parent
    files = sorted(path for path in source.iterdir() if path.name.upper().startswith(("LICEN", "COPYING")))
    named = [path for path in files if licence.split("-")[0].upper() in path.name.upper()]
    for path in named or files[:1]:
        return path.read_text(encoding="utf-8").strip()
    raise SystemExit("%s ships no licence" % package["name"])


def document() -> str:
    known = packages()
    parts = [HEAD, "| crate | version | licence |", "| --- | --- | --- |"]
    texts: Dict[str, List[str]] = {}
    for crate in linked():
        package = known[crate]
        licence = chosen(package)
        parts.append(
            "| [%s](%s) | %s | %s |" % (package["name"], package["repository"], package["version"], licence)
        )
        texts.setdefault(text_of(package, licence), []).append(package["name"])
    for text, names in texts.items():
        lines = [line.rstrip() for line in text.splitlines()]
        parts += ["", "## " + ", ".join(names), "", "```text", *lines, "```"]
    return "\n".join(parts) + "\n"


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
