"""The environments that tests and benches share: made by one process, while the others wait for it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import List

import pytest

from reference import BENCHES

pytestmark = pytest.mark.once

# Makes the environment as a worker of pytest does, waits for the others at the start, and uses it at once.
WORKER = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import environments
environments.CACHE = Path(sys.argv[2])

def finish(environment):
    with open(sys.argv[2] + "/finished", "a") as file:
        file.write(environment.run(["-c", "import small; print(small.word)"]))

print("ready", flush=True)
sys.stdin.readline()
made = environments.create("small", sys.argv[3:], finish=finish)
print(made.run(["-c", "import small, sys; print(sys.prefix, small.word)"]), end="")
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A distribution that pip installs without a network."""
    path = tmp_path / "small-1-py3-none-any.whl"
    info = "small-1.dist-info/"
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("small.py", "word = 'here'\n")
        archive.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1\n")
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(info + "RECORD", "")
    return path


def workers(number: int, cache: Path, wheel: Path) -> List[subprocess.CompletedProcess[str]]:
    """That many processes that ask for the same environment at the same time."""
    command = [sys.executable, "-c", WORKER, str(BENCHES), str(cache), "--no-index", str(wheel)]
    started = []
    for _ in range(number):
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        started.append(process)
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    done = []
    for process in started:
        out, err = process.communicate(timeout=300)
        done.append(subprocess.CompletedProcess(command, process.returncode, out, err))
    return done


def test_workers_that_need_the_same_environment_at_once(tmp_path: Path, wheel: Path) -> None:
    cache = tmp_path / "cache"
    done = workers(3, cache, wheel)
    place = cache / ("small-py%d.%d" % sys.version_info[:2])
    assert [one.stdout for one in done] == ["%s here\n" % place] * 3, [one.stderr for one in done]
    assert sum("installing" in one.stderr for one in done) == 1
    assert (cache / "finished").read_text() == "here\n" * 3


def test_an_environment_of_which_only_a_part_is_there_is_made_anew(tmp_path: Path, wheel: Path) -> None:
    """Whoever was making it has been killed; the lock is the kernel's and is gone with the process."""
    cache = tmp_path / "cache"
    place = cache / ("small-py%d.%d" % sys.version_info[:2])
    (place / "lib").mkdir(parents=True)
    place.with_name(place.name + ".lock").write_text("")
    (one,) = workers(1, cache, wheel)
    assert one.stdout == "%s here\n" % place, one.stderr
    wanted = json.loads((place / "installed.json").read_text())
    assert wanted == [sys.version, ["--no-index", str(wheel)]]
    (again,) = workers(1, cache, wheel)
    assert (again.stdout, again.stderr) == (one.stdout, "")
