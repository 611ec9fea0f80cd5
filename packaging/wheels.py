"""Builds what is released into ``dist/``, checks it, and prints a table: ``make wheels``.

    wheels.py            build and check
    wheels.py --record   the same, and write the table into packaging/WHEELS.md

First the sdist and the archive of the whole source are made from this tree; then both wheels are built from
the unpacked source, so that it is seen to be complete. The native wheel is linked by zig for Linux with an
old glibc, where zig is at hand; else it is for the glibc of this machine, and its tag says so.

It runs in .venv, which ``make wheels`` sets up, with the tools of the extra ``release``.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

import build_backend
import crates
import wheel_checks

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
UNPACKED = ROOT / "build" / "sdist"
RECORD = Path(__file__).resolve().parent / "WHEELS.md"

#: The oldest glibc that Rust's standard library runs with on every machine that zig links for.
GLIBC = "2.17"

HEAD = """\
# The wheels and the sdist, as last released or measured

`make wheels` builds and checks them; `packaging/wheels.py --record` also writes this page. Sizes are in
bytes; *installed* is the sum of the files, before Python compiles any.

"""


class Built(NamedTuple):
    """One file of ``dist/`` and what was found out about it.

    Attributes:
        path: of the file.
        tag: of the wheel, else "sdist".
        installed: the sizes of the files in it, in bytes.
        files: how many there are.
        findings: what each check says, by its name.
    """

    path: Path
    tag: str
    installed: int
    files: int
    findings: Dict[str, wheel_checks.Finding]


def main(arguments: Sequence[str]) -> int:
    if list(arguments) not in ([], ["--record"]):
        print("usage: wheels.py [--record]", file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        built = [describe(path) for path in build()]
    except (subprocess.CalledProcessError, crates.CargoError) as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
    problems = [
        "%s: %s: %s" % (each.path.name, check, finding.text)
        for each in built
        for check, finding in each.findings.items()
        if not finding.good
    ]
    problems += wheel_checks.licences() + wheel_checks.tests(DIST)
    text = table(built)
    print("\n%s\nbuilt and checked in %.0f s" % (text, time.monotonic() - began))
    for problem in problems:
        print("error: %s" % problem, file=sys.stderr)
    if not problems and arguments:
        RECORD.write_text(HEAD + made_with() + text, encoding="utf-8")
        print("written: %s" % RECORD.relative_to(ROOT))
    return bool(problems)


def build() -> List[Path]:
    """Fill ``dist/``: the sdist, the archive of the source, and of that the pure and the native wheel."""
    DIST.mkdir(exist_ok=True)
    for stale in DIST.glob("charms_reactive[-_]*"):
        stale.unlink()
    sdist = DIST / build_backend.build_sdist(str(DIST))
    print("sdist: %s" % sdist.name, flush=True)
    source = DIST / build_backend.source_archive(str(DIST))
    print("source: %s" % source.name, flush=True)
    tree = unpack(source)
    pure = wheel(tree, "build=pure")
    print("pure wheel: %s" % pure.name, flush=True)
    if importlib.util.find_spec("ziglang"):
        why = "zig links it for Linux with glibc %s or later" % GLIBC
        native = wheel(tree, "build=rust", "glibc=" + GLIBC)
    else:
        native = tagged(wheel(tree, "build=rust"))
        why = "there is no zig here (pip install cargo-zigbuild): it is for the glibc of this machine"
    print("native wheel: %s\n  %s" % (native.name, why), flush=True)
    return [sdist, source, pure, native]


def unpack(source: Path) -> Path:
    """Unpack the source, and leave alone what is there already, for Cargo goes by the time of a file."""
    wanted = set()
    with tarfile.open(str(source)) as archive:
        for member in archive.getmembers():
            stream = archive.extractfile(member)
            if stream is None:
                continue
            path = UNPACKED / member.name
            wanted.add(path)
            body = stream.read()
            if not path.is_file() or path.read_bytes() != body:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body)
            path.chmod(member.mode)
    tree = UNPACKED / build_backend.Project().stem
    for path in sorted(UNPACKED.rglob("*")):
        if path.is_file() and path not in wanted and tree / "build" not in path.parents:
            path.unlink()
    return tree


def wheel(tree: Path, *settings: str) -> Path:
    """Have pip build a wheel of an unpacked sdist, with nothing but what is in this environment."""
    before = set(DIST.iterdir())
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    command += ["--no-deps", "--no-index", "--no-cache-dir", "--no-build-isolation", "--wheel-dir", str(DIST)]
    for setting in settings:
        command += ["--config-settings", setting]
    environment = {
        **os.environ,
        "CARGO_TARGET_DIR": str(ROOT / "target"),
        "CARGO_ENCODED_RUSTFLAGS": rust_flags(tree),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }
    subprocess.run([*command, str(tree)], env=environment, stdin=subprocess.DEVNULL, check=True)
    [made] = set(DIST.iterdir()) - before
    return made


def rust_flags(tree: Path) -> str:
    """Flags for rustc that keep the paths of this machine out of what it compiles, as Cargo takes them."""
    flags = os.environ.get("RUSTFLAGS", "").split()
    for path, name in (
        (wheel_checks.cargo_home(), "/cargo"),
        (str(tree), "/charms.reactive"),
        (str(ROOT / "target"), "/target"),
    ):
        flags.append("--remap-path-prefix=%s=%s" % (path, name))
    return "\x1f".join(flags)


def tagged(native: Path) -> Path:
    """Give a wheel that is for this machine the tag of the oldest Linux that it runs on."""
    newest = wheel_checks.newest_glibc(native)
    tag = "manylinux_%s_%s" % (newest.replace(".", "_"), platform.machine())
    command = [sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", tag, str(native)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return DIST / done.stdout.decode().split()[-1]


def describe(path: Path) -> Built:
    """What is to be said of one file."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(str(path)) as archive:
            sizes = [entry.file_size for entry in archive.infolist() if not entry.is_dir()]
        tag = path.stem.split("-", 2)[2]
    else:
        with tarfile.open(str(path)) as archive_:
            sizes = [member.size for member in archive_.getmembers() if member.isfile()]
        tag = "sdist"
    return Built(path, tag, sum(sizes), len(sizes), wheel_checks.findings(path))


def table(built: Sequence[Built]) -> str:
    """The table of all that was built, in Markdown."""
    checks = list(dict.fromkeys(check for each in built for check in each.findings))
    head = ["file", "tag", "size", "installed", "files", *checks]
    rows = [head, ["---"] * 2 + ["---:"] * 3 + ["---"] * len(checks)]
    for each in built:
        found = [each.findings.get(check) for check in checks]
        texts = [(finding.text if finding.good else "**wrong**") if finding else "" for finding in found]
        name = re.match(r"charms_reactive-[\d.]+\d", each.path.name)
        short = "`%s…`" % name.group() if name and each.tag != "sdist" else "`%s`" % each.path.name
        numbers = [format(number, ",") for number in (each.path.stat().st_size, each.installed, each.files)]
        rows.append([short, "`%s`" % each.tag if each.tag != "sdist" else "", *numbers, *texts])
    return "".join("| %s |\n" % " | ".join(row) for row in rows)


def made_with() -> str:
    """What the sizes and the results depend on."""
    rust = crates.rust(ROOT)["release"]
    tools = ["%s %s" % (name, wheel_checks.version(name)) for name in wheel_checks.TOOLS]
    return "Made on %s with Rust %s, %s.\n\n" % (platform.machine(), rust, ", ".join(tools))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
