"""Makes ``.venv`` what a Makefile target needs, and does nothing where it is that already.

    develop.py run      the package: on the native engine where Rust is at hand, else on the pure one
    develop.py dev      the native engine and the tools for tests and linting; an error without Rust
    develop.py bench    the same and what the benchmarks compare with
    develop.py release  the same as dev and what builds and checks wheels
    develop.py docs     what the manual is built with; of the package, no more than is there already
    develop.py all      dev, release and docs at once

The package is installed editable, so a change of Python code needs no new run; a change of Rust
code, of pyproject.toml or of a script is noticed here and costs a rebuild. Standard library only,
CPython 3.8.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
COMMAND = BIN / "charms.reactive"
LOG = VENV / "setup.log"
LOCK = ROOT / ".cache" / "setup.lock"  # not in .venv, which is made and deleted under it
PACKAGE_STAMP = VENV / "package.stamp"
NATIVE_STAMP = VENV / "native.stamp"
NATIVE_FROM = (3, 10)

# Asked of an interpreter to see whether .venv was made with it.
WHO = "import sys; print(sys.implementation.name, sys.version, sys.base_prefix)"


class SetupError(Exception):
    """The environment cannot be made; the message is one line that says what to do."""


class StepError(Exception):
    """A step failed; the message is one line."""


def main(arguments: Sequence[str]) -> int:
    targets = {
        "run": set(),
        "dev": {"dev"},
        "bench": {"dev", "bench"},
        "release": {"dev", "release"},
        "docs": {"docs"},
        "all": {"dev", "docs", "release"},
    }
    if len(arguments) != 1 or arguments[0] not in targets:
        print("usage: develop.py %s" % "|".join(targets), file=sys.stderr)
        return 2
    try:
        prepare(targets[arguments[0]])
        compile_package()
    except SetupError as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
    return 0


def prepare(extras: set[str]) -> None:
    """Make .venv hold the package and these extras. A developer does not go without Rust."""
    insists = "dev" in extras
    problem = rust_problem()
    if problem and insists:
        raise SetupError(problem)
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Two makes at once would install over each other.
        make_venv()
        try:
            if extras == {"docs"}:
                prepare_docs(problem)
                return
            if problem and native_is_current() and not extras:
                return
            if not problem:
                try:
                    install_package(extras | {"dev"})
                    build_native(show=insists)
                    return
                except StepError as error:
                    if insists:
                        raise
                    problem = str(error)
            print("going on with the pure engine: %s" % problem)
            install_package(extras, pure=True)
        except StepError as error:
            raise SetupError("%s (all that was said: %s)" % (error, LOG.relative_to(ROOT))) from None


def prepare_docs(problem: str) -> None:
    """Install what the manual is built with. It takes no engine; one that is there stays there."""
    had_native = native_is_current() and not problem
    install_package({"docs"})
    if had_native:
        build_native(show=False)


def rust_problem() -> str:
    """Why the native engine cannot be built here, in one line; empty where it can."""
    if sys.implementation.name != "cpython" or sys.version_info < NATIVE_FROM:
        return "the native engine needs CPython >= %d.%d and this is %s %s; choose with PYTHON=python3.12" % (
            *NATIVE_FROM,
            sys.implementation.name,
            sys.version.split()[0],
        )
    manifest = ROOT.joinpath("Cargo.toml").read_text(encoding="utf-8")
    floor = re.search(r'^rust-version = "(\d+)\.(\d+)', manifest, re.M)
    if not floor:
        raise SetupError("Cargo.toml names no rust-version")
    if not shutil.which("cargo") or not shutil.which("rustc"):
        return (
            "cargo is missing: the native engine needs Rust >= %s.%s, see https://rustup.rs" % floor.groups()
        )
    done = subprocess.run(
        ["rustc", "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=str(ROOT), check=False
    )
    answer = done.stdout.decode(errors="replace").strip()
    found = re.match(r"rustc (\d+)\.(\d+)", answer)
    if not found:
        return "rustc does not run: %s" % answer.split("\n")[0]
    if tuple(map(int, found.groups())) < tuple(map(int, floor.groups())):
        return "%s is too old: the native engine needs Rust >= %s.%s" % (answer, *floor.groups())
    return ""


def make_venv() -> None:
    """Make .venv with this interpreter, anew where it was made with another one."""
    if _ask(BIN / "python") == _ask(sys.executable) and BIN.joinpath("pip").exists():
        return
    try:
        import ensurepip  # noqa: F401  Debian packs it apart, and without it venv fails half-way.
    except ImportError:
        raise SetupError(
            "this Python cannot make virtual environments: install python%d.%d-venv "
            "(Debian, Ubuntu: apt install python3-venv)" % sys.version_info[:2]
        ) from None
    if VENV.exists():
        print("deleting .venv, which is not of Python %s" % sys.version.split()[0])
        shutil.rmtree(str(VENV))
    # Asked for from within an environment, the new one is still not to depend on that.
    python: str = getattr(sys, "_base_executable", None) or sys.executable
    try:
        _step("making .venv with Python %s" % sys.version.split()[0], [python, "-m", "venv", str(VENV)])
    except StepError as error:
        shutil.rmtree(str(VENV), ignore_errors=True)
        raise SetupError("cannot make .venv: %s" % error) from None


def install_package(extras: set[str], pure: bool = False) -> None:
    """Install the package editable, with no native engine as yet, and what it and the extras require."""
    digest = _digest([ROOT / "pyproject.toml", ROOT / "packaging" / "build_backend.py", ROOT / "wheel-data"])
    known, _, installed = _read(PACKAGE_STAMP).partition(" ")
    present = set(installed.split())
    complete = known == digest and present >= extras and COMMAND.exists()
    if complete and not (pure and native_files()):
        return
    extras = extras | present
    _forget(PACKAGE_STAMP, NATIVE_STAMP)
    what = "installing the package" + (" and " + ", ".join(sorted(extras)) + " tools" if extras else "")
    spec = "%s[%s]" % (ROOT, ",".join(sorted(extras))) if extras else str(ROOT)
    _step(what, _pip("--editable", spec), CHARMS_REACTIVE_BUILD="pure")
    PACKAGE_STAMP.write_text(" ".join([digest, *sorted(extras)]))


def build_native(show: bool) -> None:
    """Build the native engine into the source tree, and the native command into .venv/bin, unless both
    are there and of these sources.

    ``show`` prints what the compiler has against the sources.
    """
    if native_is_current():
        return
    sources = _rust_digest()
    _forget(NATIVE_STAMP)
    _step(
        "building the native engine (release)",
        _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT)),
        show=show,
        CHARMS_REACTIVE_BUILD="rust",
        PATH=os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
    )
    NATIVE_STAMP.write_text("%s %s" % (sources, _digest([*native_files(), COMMAND])))


def compile_package() -> None:
    """Compile the package as an installed one is, so that no hook that runs from here has to."""
    command = [str(BIN / "python"), "-m", "compileall", "-q", "python"]
    subprocess.run(command, cwd=str(ROOT), stdin=subprocess.DEVNULL, check=False)


def native_is_current() -> bool:
    built = native_files()
    found = "%s %s" % (_rust_digest(), _digest([*built, COMMAND]))
    return bool(built) and COMMAND.exists() and _read(NATIVE_STAMP) == found


def native_files() -> list[Path]:
    return sorted(ROOT.glob("python/charms_reactive/_engine/_native*.so"))


def _rust_digest() -> str:
    return _digest([ROOT / name for name in (".cargo", "Cargo.toml", "Cargo.lock", "crates")])


def _digest(paths: Iterable[Path]) -> str:
    """One hash of the names and contents of these files and of those below these directories."""
    digest = hashlib.sha256()
    for top in paths:
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(("%s %s\n" % (path.relative_to(ROOT), content)).encode())
    return digest.hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _forget(*stamps: Path) -> None:
    for stamp in stamps:
        if stamp.exists():
            stamp.unlink()


def _ask(python: str | Path) -> str:
    """Which interpreter this is; empty where it does not run."""
    try:
        return subprocess.run(
            [str(python), "-c", WHO], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _pip(*arguments: str) -> list[str]:
    return [str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *arguments]


def _step(what: str, command: list[str], show: bool = False, **environment: str) -> None:
    """Run one command under one line of progress; its output goes to the log."""
    print("%s ..." % what, end="", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=str(ROOT),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output = done.stdout.decode(errors="replace")
    if VENV.is_dir():
        LOG.write_text("$ %s\n%s" % (" ".join(command), output), encoding="utf-8")
    print(" failed" if done.returncode else " %.0f s" % (time.monotonic() - began), flush=True)
    if done.returncode:
        if show:
            sys.stderr.write(output)
        raise StepError(_reason(what, output))


def _reason(what: str, output: str) -> str:
    """The one line of a failed command's output that says most."""
    if re.search("linker `[^`]+` not found", output):
        return "Rust has no linker (Debian, Ubuntu: apt install gcc libc6-dev)"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for pattern in (r"error(\[E\d+\])?: (?!subprocess-exited)", "ERROR: ", ""):
        for line in lines:
            if re.match(pattern, line):
                return "%s failed: %s" % (what, line)
    return "%s failed" % what


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
