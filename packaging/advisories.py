"""Looks the crates of Cargo.lock up in the RustSec advisory database.

    advisories.py [--require] [--lock FILE] [DATABASE]

DATABASE is a directory with a copy of it; by default RUSTSEC_DB, else one is fetched with git into .cache.
Where it cannot be had this says so, and succeeds; with --require it fails. Known vulnerabilities fail, what
is merely unmaintained or unsound is told. No package registry carries the database, so that it takes git and
a network that reaches its host. Standard library only, and tomli before Python 3.11.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parent.parent
HOME = "https://github.com/RustSec/advisory-db"
CACHE = ROOT / ".cache" / "advisory-db"

#: Seconds for git: a network that swallows what it is sent must not hold up everything.
PATIENCE = 60

#: A version in the order of versions: numbers, and then what comes before its release.
Version = Tuple[int, int, int, Tuple[Tuple[int, int, str], ...]]

_VERSION = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+\S*)?$")
_FRONT = re.compile(r"```toml\n(.*?)\n```\s*(?:# (?P<title>[^\n]*))?", re.S)


class Advisory(NamedTuple):
    """What the database says of a crate."""

    id: str
    crate: str
    title: str
    informational: str
    good: Tuple[str, ...]

    def concerns(self, version: str) -> bool:
        """Whether a version is neither patched nor one that never had it."""
        return not any(matches(requirement, version) for requirement in self.good)


def read_version(text: str) -> Version:
    """A version as a tuple that orders as versions do.

    Raises:
        ValueError: it is none.
    """
    found = _VERSION.match(text)
    if found is None:
        raise ValueError("%r is no version" % text)
    major, minor, patch = (int(part or 0) for part in found.group(1, 2, 3))
    before: List[Tuple[int, int, str]] = [(2, 0, "")]  # a release comes after all that lead to it
    if found.group(4):
        before = [
            (0, int(part), "") if part.isdigit() else (1, 0, part) for part in found.group(4).split(".")
        ]
    return major, minor, patch, tuple(before)


def matches(requirement: str, version: str) -> bool:
    """Whether a version is what Cargo's requirement asks for: parts with commas, all of which hold.

    Raises:
        ValueError: it is no requirement.
    """
    return all(_holds(part.strip(), read_version(version)) for part in requirement.split(","))


def _holds(part: str, version: Version) -> bool:
    operator, text = re.match(r"([<>=^~]*)\s*(.*)$", part).groups()  # type: ignore[union-attr]
    if text == "*" and not operator:
        return True
    wanted = read_version(text)
    if operator in ("<", "<=", ">", ">=", "="):
        return {
            "<": version < wanted,
            "<=": version <= wanted,
            ">": version > wanted,
            ">=": version >= wanted,
            "=": version == wanted,
        }[operator]
    if operator not in ("", "^", "~"):
        raise ValueError("%r is no requirement" % part)
    return wanted <= version < _end_of(operator or "^", text, wanted)


def _end_of(operator: str, text: str, wanted: Version) -> Version:
    """The first version that is no longer compatible."""
    numbers, given = list(wanted[:3]), text.split("-")[0].count(".") + 1
    if operator == "~":
        place = 0 if given == 1 else 1
    else:  # the first number that is not 0, of those that are written
        place = next((index for index, number in enumerate(numbers[:given]) if number), given - 1)
    ended = [*numbers[:place], numbers[place] + 1, 0, 0][:3]
    return ended[0], ended[1], ended[2], ((-1, 0, ""),)


def advisories(database: Path) -> Iterator[Advisory]:
    """All that the database says of crates, but for what was withdrawn."""
    for path in sorted((database / "crates").glob("*/RUSTSEC-*.md")):
        found = _FRONT.match(path.read_text(encoding="utf-8"))
        if found is None:
            raise SystemExit("%s does not begin as advisories do" % path)
        front = _toml(found.group(1))
        about = front["advisory"]
        if "withdrawn" not in about:
            versions = front.get("versions", {})
            good = (*versions.get("patched", []), *versions.get("unaffected", []))
            title = found["title"] or about.get("title", "")
            yield Advisory(about["id"], about["package"], title, about.get("informational", ""), good)


def _toml(text: str) -> Dict[str, Any]:
    # mypy brings the second along where Python does not have the first.
    parser: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    parsed: Dict[str, Any] = parser.loads(text)
    return parsed


def locked(lock: Path) -> List[Tuple[str, str]]:
    """The crates of others with their versions, as Cargo.lock has them."""
    packages = _toml(lock.read_text(encoding="utf-8")).get("package", [])
    return [(package["name"], package["version"]) for package in packages if package.get("source")]


def fetched() -> Tuple[Optional[Path], str]:
    """The database, brought up to date with git; ``None`` and why, where it cannot be had."""
    there = (CACHE / ".git").exists()
    command = ["git", "-C", str(CACHE), "pull", "--quiet", "--ff-only"]
    if not there:
        command = ["git", "clone", "--quiet", "--depth", "1", HOME, str(CACHE)]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, "%s has not answered for %d s" % (HOME, PATIENCE)
    except OSError as error:
        return None, "git cannot be run: %s" % error.strerror
    if done.returncode:
        return None, " ".join(done.stderr.decode(errors="replace").split()) or "git failed"
    return CACHE, ""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("database", nargs="?", type=Path, default=os.environ.get("RUSTSEC_DB"))
    parser.add_argument("--require", action="store_true", help="fail where the database cannot be had")
    parser.add_argument("--lock", type=Path, default=ROOT / "Cargo.lock")
    asked = parser.parse_args(arguments)
    database, why = (Path(asked.database), "") if asked.database else fetched()
    if database is not None and not (database / "crates").is_dir():
        database, why = None, "%s is no copy of it: it has no directory crates" % database
    if database is None:
        print("NOT LOOKED UP in the RustSec database, which cannot be had here: %s" % why)
        print("With a copy of %s in DIR: RUSTSEC_DB=DIR make audit" % HOME)
        return 1 if asked.require or asked.database else 0
    crates = locked(asked.lock)
    known = list(advisories(database))
    if not known or not crates:
        print("%s: %d advisories for %d crates: something is missing" % (database, len(known), len(crates)))
        return 1
    bad = 0
    for name, version in crates:
        for one in known:
            if one.crate == name and one.concerns(version):
                kind = one.informational or "VULNERABLE"
                bad += not one.informational
                print("%s %s: %s %s: %s" % (name, version, kind, one.id, one.title))
    print("%d crates looked up among %d advisories: %d vulnerable" % (len(crates), len(known), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
