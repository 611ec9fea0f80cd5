"""A charm that is being read has nothing of its user's in reach, and leaves nothing behind."""

from __future__ import annotations

import ast
import os
import sys
import tempfile
from pathlib import Path

import pytest

from charms_reactive.tools._charm import child_process
from charms_reactive.tools._charm.child_process import environment
from charms_reactive.tools._charm.reading import read

from .conftest import Write

PACKAGE = Path(__file__).resolve().parents[2] / "python" / "charms_reactive"

pytestmark = [pytest.mark.once, pytest.mark.long]

# What a module does when it is imported; {file} and {directory} are the user's.
ATTEMPTS = {
    "open to write": "open({file!r}, 'w').write('gone')",
    "open to append": "open({file!r}, 'ab').write(b'gone')",
    "open to read": "print(open({file!r}).read())",
    "os.open": "import os; os.write(os.open({file!r}, os.O_WRONLY | os.O_TRUNC), b'gone')",
    "pathlib": "import pathlib; pathlib.Path({file!r}).write_text('gone')",
    "by way of a link": "import os; os.symlink({file!r}, 'link'); open('link', 'w').write('gone')",
    "a hard link": "import os; os.link({file!r}, 'link'); open('link', 'w').write('gone')",
    "os.remove": "import os; os.remove({file!r})",
    "os.rename": "import os; os.rename({file!r}, 'here')",
    "os.replace": "import os; os.replace(__file__, {file!r})",
    "os.chmod": "import os; os.chmod({file!r}, 0o777)",
    "os.truncate": "import os; os.truncate({file!r}, 0)",
    "os.mkdir": "import os; os.mkdir({directory!r} + '/new')",
    "os.listdir": "import os; print(os.listdir({directory!r}))",
    "shutil.rmtree": "import shutil; shutil.rmtree({directory!r})",
    "shutil.move": "import shutil; shutil.move({file!r}, 'here')",
    "sqlite3": "import sqlite3; sqlite3.connect({directory!r} + '/new.db').execute('create table t (x)')",
    "subprocess": "import subprocess; subprocess.check_call(['/bin/rm', {file!r}])",
    "subprocess by the shell": "import subprocess; subprocess.check_call('/bin/rm ' + {file!r}, shell=True)",
    "os.system": "import os\nassert os.system('/bin/rm ' + {file!r}) == 0",
    "os.execv": "import os; os.execv('/bin/rm', ['rm', {file!r}])",
    "os.fork": "import os; os.fork()",
    "os.posix_spawn": "import os; os.posix_spawn('/bin/rm', ['rm', {file!r}], {{}})",
    "os.kill": "import os; os.kill(os.getppid(), 0)",
    "socket": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "ctypes": "import ctypes; ctypes.CDLL('libc.so.6').unlink({file!r}.encode())",
    "a process of multiprocessing": "import multiprocessing; multiprocessing.Process(target=print).start()",
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_a_module_may_not_do(attempt: str, charm: Write, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    file = theirs / "diary"
    file.write_text("precious")
    mode = file.stat().st_mode
    code = ATTEMPTS[attempt].format(file=str(file), directory=str(theirs))
    root = charm('from charms.reactive import when\n%s\n@when("a")\ndef f(): pass\n' % code)
    before = sorted(root.rglob("*"))
    reading = read(root)
    (reason,) = reading.not_loaded.values()
    assert reason.startswith("PermissionError: a charm that is being read "), reason
    assert [handler.name for handler in reading.handlers] == ["f"]
    assert os.listdir(theirs) == ["diary"]
    assert (file.read_text(), file.stat().st_mode) == ("precious", mode)
    assert sorted(root.rglob("*")) == before


def test_what_a_module_may_do(charm: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is harmless works: files of its own, its home, temporary files, Python's libraries."""
    monkeypatch.setenv("A_SECRET_OF_MINE", "x")
    code = """\
        import json, os, tempfile, sqlite3, xml.etree.ElementTree, uuid
        from charms.reactive import when

        assert "A_SECRET_OF_MINE" not in os.environ
        assert os.path.isfile("metadata.yaml")
        home = os.path.expanduser("~")
        with open(os.path.join(home, "note"), "w") as file:
            file.write("x")
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("x")
        os.mkdir("made")
        os.rmdir("made")
        assert not os.listdir(os.environ["PATH"].split(os.pathsep)[-1]), os.environ["PATH"]

        @when("a")
        def f(): pass
    """
    root = charm(code)
    reading = read(root)
    assert reading.not_loaded == {}
    assert reading.handlers[0].exact
    assert not (root / "made").exists()


def test_nothing_is_left_behind(charm: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    root = charm('from charms.reactive import when\n@when("a")\ndef f(): pass\n')
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert read(root).loaded
    assert os.listdir(temporary) == []
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_charm_that_closes_what_is_not_its_own(charm: Write) -> None:
    """Of such a process nobody hears at once that it has ended; it has the time that it would have anyway."""
    code = "import os, time\nos.closerange(3, 256)\ntime.sleep(1.5)\n"
    root = charm("from charms.reactive import when\n%s\n@when('a')\ndef f(): pass\n" % code)
    reading = read(root)
    assert reading.not_loaded == {}
    assert reading.loaded


def test_a_process_that_nobody_asks_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    child_process.start_waiting("load")
    child_process.start_waiting("load")  # the one before has ended
    assert len(os.listdir(tmp_path)) == 1
    other = child_process.taken("hooks")
    other.end()
    other.end()
    child_process.start_waiting("load")
    child_process.drop_waiting()
    assert os.listdir(tmp_path) == []
    # Whoever has started it was killed: its end of stdin is closed, and nobody else removes the directory.
    orphan = child_process.Child("load")
    assert orphan._process.stdin is not None
    orphan._process.stdin.close()
    orphan._process.wait(30)
    assert os.listdir(tmp_path) == []
    orphan.end()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_process_that_cannot_be_started_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        child_process.Child("load")
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_environment_is_made_anew(tmp_path: Path) -> None:
    made = environment(tmp_path)
    assert all(
        value.startswith(str(tmp_path)) for key, value in made.items() if key in ("HOME", "PATH", "TMPDIR")
    )
    assert set(made) == {"HOME", "PATH", "TMPDIR", "LANG", "LC_ALL", "CHARMS_REACTIVE_LOG"}


def test_nobody_but_the_command_line_imports_the_tools() -> None:
    """Hooks: tests/framework/test_what_a_hook_imports.py lists all they import. Nor does anybody else."""
    naming = set()
    for path in PACKAGE.rglob("*.py"):
        relative = path.relative_to(PACKAGE).as_posix()
        if relative.startswith("tools/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = ["%s.%s" % (node.module or "", alias.name) for alias in node.names]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names = [node.value]
            if any(name.startswith(("charms_reactive.tools", "tools.", ".tools")) for name in names):
                naming.add(relative)
    # The desk names them, to leave them alone.
    assert naming == {"cli.py", "testing/_running/framework_state.py"}
