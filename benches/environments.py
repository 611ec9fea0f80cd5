"""The environments that are compared: ours, charms.reactive 1.5.3, CLIPS, ops and other libraries."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from workloads import rule_flags

BENCHES = Path(__file__).resolve().parent
ROOT = BENCHES.parent
CACHE = ROOT / ".cache" / "bench"

# Below 81 setuptools still has the pkg_resources that 1.5.3 imports, and the distutils that
# charmhelpers imports. Both environments have the same one, as a unit's environment has one.
_SETUPTOOLS = "setuptools<81"

# charmhelpers refuses every system but Ubuntu and CentOS when its `host` module is imported, which
# 1.5.3 does. Appended to the module itself, the answer costs the measured import nothing.
_ANY_PLATFORM = '''

def get_platform():
    """Any Linux will do for a benchmark."""
    return "ubuntu"
'''

_VERSIONS = """
import json, platform, sqlite3, sys
from importlib.metadata import PackageNotFoundError, version
found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        found[name] = None
print(json.dumps(found))
"""


_FULL_VERSION = "import sys; print(sys.version.replace(chr(10), ' '))"


class BenchmarkError(Exception):
    """Something that was to be measured did not run."""


class Environment:
    """An interpreter with what is installed for it, and the engine it is to choose."""

    def __init__(self, name: str, python: str, engine: Optional[str] = None) -> None:
        self.name = name
        self.python = python
        self.engine = engine

    def variables(self) -> Dict[str, str]:
        """The environment variables of its processes: nobody's settings, and the engine."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CHARMS_REACTIVE", "JUJU_", "PYTHON", "CHARM_DIR", "UNIT_STATE_DB"))
        }
        if self.engine:
            kept["CHARMS_REACTIVE_ENGINE"] = self.engine
        return kept

    def run(self, arguments: Sequence[str], cwd: Optional[Path] = None, **variables: str) -> str:
        """What a process of this interpreter prints.

        Raises:
            BenchmarkError: it failed; the message holds what it said.
        """
        process = subprocess.run(
            [self.python, *arguments],
            cwd=str(cwd) if cwd else None,
            env=dict(self.variables(), **variables),
            capture_output=True,
            text=True,
        )
        if process.returncode:
            raise BenchmarkError(
                "%s: %s failed:\n%s" % (self.name, " ".join(arguments)[:200], process.stdout + process.stderr)
            )
        return process.stdout

    def measure(self, workload: str, **arguments: Any) -> Dict[str, List[float]]:
        """The times of a workload of ``workloads.py``, in a process of its own."""
        printed = self.run([str(BENCHES / "measure.py"), workload, json.dumps(arguments)])
        times: Dict[str, List[float]] = json.loads(printed.splitlines()[0])
        return times

    def versions(self, *distributions: str) -> Dict[str, Optional[str]]:
        """The versions of Python, SQLite and these distributions; ``None`` for one that is absent."""
        found: Dict[str, Optional[str]] = json.loads(self.run(["-c", _VERSIONS, *distributions]))
        return found


def create(
    name: str,
    requirements: Sequence[str],
    base: Optional[str] = None,
    finish: Optional[Callable[[Environment], None]] = None,
) -> Environment:
    """An environment under ``.cache/bench`` with these requirements, made once and used again.

    Of processes that ask for one at the same time, as the workers of ``pytest -n`` do, one makes it and the
    others wait.

    Args:
        name: of the environment.
        requirements: for pip.
        base: the interpreter that it is made of; by default the one that runs this.
        finish: does to it what pip cannot; called each time, before anybody else has the environment, so
            it has to do nothing where all is done.

    Raises:
        BenchmarkError: it cannot be made.
    """
    version = Environment(name, base).run(["-c", _FULL_VERSION]).strip() if base else sys.version
    path = CACHE / ("%s-py%s" % (name, ".".join(version.split()[0].split(".")[:2])))
    environment = Environment(name, str(path / "bin" / "python"))
    with _alone(path):
        _install(environment, path, json.dumps([version, list(requirements)]), requirements, base)
        if finish is not None:
            finish(environment)
    return environment


def _install(
    environment: Environment, path: Path, wanted: str, requirements: Sequence[str], base: Optional[str]
) -> None:
    """Make the environment, unless its stamp says that it is what is wanted."""
    stamp = path / "installed.json"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("installing %s in %s" % (", ".join(requirements), path), file=sys.stderr, flush=True)
    shutil.rmtree(path, ignore_errors=True)
    if base:
        Environment(environment.name, base).run(["-m", "venv", "--symlinks", str(path)])
    else:
        venv.create(str(path), with_pip=True, symlinks=True)
    environment.run(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    stamp.write_text(wanted)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only process that makes or changes this environment; the kernel drops the lock of a dead one.

    An environment cannot be made aside and renamed: its scripts name the directory that it was made in.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def newest_python() -> Optional[str]:
    """The newest CPython at hand, by pyenv or on ``PATH``, if it is newer than the one that runs this."""
    roots = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [str(path) for path in roots.glob("versions/*/bin/python")]
    minors = range(sys.version_info[1] + 1, sys.version_info[1] + 20)
    found += filter(None, (shutil.which("python3.%d" % minor) for minor in minors))
    newest: Tuple[int, ...] = sys.version_info[:2]
    best = None
    for python in found:
        try:
            printed = Environment(python, python).run(["-c", _MINOR])
        except (BenchmarkError, OSError):
            continue  # broken, or no Python 3
        version = tuple(map(int, printed.split()))
        if version > newest:
            newest, best = version, python
    return best


_MINOR = """
import sys
if sys.implementation.name == "cpython" and sys.version_info.releaselevel == "final":
    print(*sys.version_info[:2])
else:
    print(0, 0)
"""


def create_old(base: Optional[str] = None) -> Environment:
    """The environment of charms.reactive 1.5.3; ``base`` as for :func:`create`."""
    return create("charms.reactive-1.5.3", ["charms.reactive==1.5.3", _SETUPTOOLS], base, allow_platform)


def allow_platform(environment: Environment) -> None:
    """Have charmhelpers take this system for one that it knows, if 1.5.3 cannot be imported otherwise.

    Raises:
        BenchmarkError: 1.5.3 cannot be imported then either.
    """
    try:
        environment.run(["-c", "import charms.reactive"])
    except BenchmarkError:
        where = environment.run(["-c", "import charmhelpers.osplatform as it; print(it.__file__)"]).strip()
        with open(where, "a") as file:
            file.write(_ANY_PLATFORM)
        environment.run(["-c", "import charms.reactive"])


def create_ours(base: Optional[str] = None) -> Dict[str, Environment]:
    """This source tree in an environment like the other's, by the name of the engine.

    Not in ``.venv``, whose many tools would take part in the start of every process. ``base`` as for
    :func:`create`.
    """
    requirements = ["charmhelpers>=0.20.24,<2", "PyYAML>=5.1", _SETUPTOOLS]
    made = create("charms.reactive-here", requirements, base, with_this_tree)
    return {engine: Environment(engine, made.python, engine) for engine in ("native", "pure")}


def with_this_tree(environment: Environment) -> None:
    """Let this source tree be imported in the environment."""
    site = environment.run(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    told, path = "%s\n" % (ROOT / "python"), Path(site, "charms.reactive.pth")
    if not path.is_file() or path.read_text() != told:
        path.write_text(told)


def build_engine_driver() -> Path:
    """The program that drives the engine from Rust."""
    target = CACHE / "target"
    command = ["cargo", "build", "--quiet", "--release", "--offline", "--target-dir", str(target)]
    try:
        subprocess.run([*command, "--manifest-path", str(BENCHES / "engine" / "Cargo.toml")], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchmarkError("cannot build benches/engine: %s" % error) from error
    return target / "release" / "engine-bench"


def run_engine_driver(driver: Path, rules: int, flags: int, length: int, rounds: int) -> List[float]:
    """Seconds per chain on the native engine, without Python."""
    described = "\n".join(map(" ".join, rule_flags(rules, flags, length)))
    process = subprocess.run(
        [str(driver), str(flags), str(rounds)], input=described, stdout=subprocess.PIPE, text=True
    )
    if process.returncode:
        raise BenchmarkError("benches/engine failed")
    times: List[float] = json.loads(process.stdout)
    return times
