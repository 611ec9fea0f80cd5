"""Cargo.lock in the RustSec database: which versions an advisory concerns, and what is said without one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "packaging"))

import advisories  # noqa: E402


@pytest.mark.parametrize(
    ("requirement", "inside", "outside"),
    [
        (">= 0.26.2", "0.26.2 0.27.0 1.0.0", "0.26.1 0.26.2-rc.1 0.25.9"),
        ("0.25.4", "0.25.4 0.25.99", "0.25.3 0.26.0 0.26.0-alpha 1.25.4"),
        ("^1.2", "1.2.0 1.99.0", "1.1.9 2.0.0 2.0.0-rc1"),
        ("^0.0.3", "0.0.3", "0.0.4 0.1.0"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0"),
        ("^0", "0.0.0 0.9.9", "1.0.0"),
        ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
        ("~1", "1.0.0 1.9.0", "2.0.0"),
        ("< 0.25.0", "0.24.9 0.25.0-beta", "0.25.0"),
        ("<= 1.0.0", "1.0.0 0.9.0", "1.0.1"),
        ("> 1.0.0", "1.0.1", "1.0.0 1.0.0-rc.1"),
        ("= 1.2.3", "1.2.3 1.2.3+build", "1.2.4"),
        (">= 1.0.0, < 1.3.0", "1.0.0 1.2.9", "0.9.0 1.3.0"),
        ("*", "0.0.1 9.0.0", ""),
    ],
)
def test_requirements_are_those_of_cargo(requirement: str, inside: str, outside: str) -> None:
    assert [version for version in inside.split() if not advisories.matches(requirement, version)] == []
    assert [version for version in outside.split() if advisories.matches(requirement, version)] == []


def test_versions_before_a_release_have_the_order_of_semver() -> None:
    order = (
        "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"
    )
    versions = sorted(order.split())  # as text, which is another order
    assert versions != order.split()
    assert sorted(versions, key=advisories.read_version) == order.split()
    for text in ("", "x", "1.2.3.4", "1.-2"):
        with pytest.raises(ValueError, match="is no version"):
            advisories.read_version(text)
    with pytest.raises(ValueError, match="is no requirement"):
        advisories.matches(">< 1.0", "1.0.0")


ADVISORY = """\
```toml
[advisory]
id = "RUSTSEC-2021-0001"
package = "leaky"
date = "2021-12-07"
%s

[versions]
patched = [">= 1.2.0", "1.1.7"]
unaffected = ["< 1.0.0"]
```

# It leaks
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    crate = tmp_path / "database" / "crates" / "leaky"
    crate.mkdir(parents=True)
    (crate / "RUSTSEC-2021-0001.md").write_text(ADVISORY % "")
    return tmp_path / "database"


def look_up(database: Path, version: str, *options: str) -> subprocess.CompletedProcess[str]:
    lock = database.parent / "Cargo.lock"
    lock.write_text(
        'version = 4\n\n[[package]]\nname = "ours"\nversion = "1.0.0"\n\n'
        '[[package]]\nname = "leaky"\nversion = "%s"\nsource = "registry+x"\n' % version
    )
    command = [
        sys.executable,
        str(ROOT / "packaging/advisories.py"),
        "--lock",
        str(lock),
        *options,
        str(database),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("version", "status"),
    [("1.1.6", 1), ("1.0.0", 1), ("1.1.7", 0), ("1.1.8", 0), ("1.2.0", 0), ("0.9.0", 0)],
)
def test_what_is_vulnerable_fails(database: Path, version: str, status: int) -> None:
    done = look_up(database, version)
    assert done.returncode == status, done.stderr
    assert ("leaky %s: VULNERABLE RUSTSEC-2021-0001: It leaks\n" % version in done.stdout) == bool(status)
    assert "1 crates looked up among 1 advisories: %d vulnerable" % status in done.stdout


def test_what_is_unmaintained_is_told(database: Path) -> None:
    (database / "crates/leaky/RUSTSEC-2021-0001.md").write_text(ADVISORY % 'informational = "unmaintained"')
    done = look_up(database, "1.0.0")
    assert done.returncode == 0
    assert "leaky 1.0.0: unmaintained RUSTSEC-2021-0001: It leaks" in done.stdout


def test_what_was_withdrawn_is_not(database: Path) -> None:
    other = ADVISORY.replace("leaky", "other") % ""
    (database / "crates/leaky/RUSTSEC-2021-0001.md").write_text(ADVISORY % 'withdrawn = "2022-01-01"')
    (database / "crates/leaky/RUSTSEC-2021-0002.md").write_text(other)
    done = look_up(database, "1.0.0")
    assert (done.returncode, done.stdout) == (0, "1 crates looked up among 1 advisories: 0 vulnerable\n")


def test_a_database_that_is_none_or_empty_is_no_all_clear(database: Path, tmp_path: Path) -> None:
    done = look_up(tmp_path / "nowhere", "1.0.0") if (tmp_path / "nowhere").mkdir() is None else None
    assert done is not None
    assert done.returncode == 1
    assert done.stdout.startswith("NOT LOOKED UP in the RustSec database")
    (database / "crates/leaky/RUSTSEC-2021-0001.md").unlink()
    assert look_up(database, "1.0.0").returncode == 1
    (database / "crates/leaky/RUSTSEC-2021-0001.md").write_text("# nothing\n")
    assert "does not begin as advisories do" in look_up(database, "1.0.0").stderr


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--require"], 1)])
def test_where_it_cannot_be_fetched_that_is_said(
    options: List[str],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(advisories, "HOME", str(tmp_path / "no-such-repository"))
    monkeypatch.setattr(advisories, "CACHE", tmp_path / "cache")
    monkeypatch.delenv("RUSTSEC_DB", raising=False)
    assert advisories.main(options) == status
    out = capsys.readouterr().out
    assert out.startswith("NOT LOOKED UP in the RustSec database, which cannot be had here: fatal: ")
    assert "RUSTSEC_DB=DIR make audit" in out


def test_what_is_fetched_is_brought_up_to_date(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(database), *identity, *words], check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    monkeypatch.setattr(advisories, "HOME", database.as_uri())
    monkeypatch.setattr(advisories, "CACHE", tmp_path / "cache")
    monkeypatch.delenv("RUSTSEC_DB", raising=False)
    assert advisories.main([]) == 0
    assert " among 1 advisories: 0 vulnerable" in capsys.readouterr().out
    second = (ADVISORY % "").replace("0001", "0002").replace("leaky", "rusqlite").replace('">= 1.2.0", ', "")
    (database / "crates/leaky/RUSTSEC-2021-0002.md").write_text(second.replace("< 1.0.0", "< 0.1.0"))
    git("add", ".")
    git("commit", "-qm", "two")
    assert advisories.main([]) == 1
    assert ": VULNERABLE RUSTSEC-2021-0002: It leaks" in capsys.readouterr().out
