"""The file that CHARMS_REACTIVE_RECORD names: what may be written, how, and what becomes of the hook."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Optional

import pytest

from .support import Finished, Framework, Unit

pytestmark = pytest.mark.long

HANDLERS = "from charms.reactive import *\n@hook('update-status')\ndef work():\n    set_flag('done')\n"


@pytest.fixture
def charm(unit: Unit) -> Unit:
    unit.write("reactive/app.py", HANDLERS)
    return unit


def run(unit: Unit, record: Any) -> Finished:
    done = unit.run(env={"CHARMS_REACTIVE_RECORD": str(record)})
    assert done.status == 0, done.stderr
    assert unit.committed_flags() == ["done"]
    return done


def warning(unit: Unit) -> Optional[str]:
    told = [message for level, message in unit.logged() if level == "WARNING"]
    assert len(told) <= 1
    return told[0] if told else None


def assert_written(file: Path) -> None:
    assert [one["id"] for one in json.loads(file.read_text())["handlers"]] == ["reactive/app.py:2:work"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_ISREG(os.lstat(str(file)).st_mode)


def test_a_name_alone_is_below_the_charm_directory(charm: Unit) -> None:
    """Wherever the hook has gone in the meantime."""
    charm.write("reactive/app.py", HANDLERS + "    import os\n    os.chdir('/')\n")
    run(charm, "hook.json")
    assert_written(charm.directory / "hook.json")
    assert warning(charm) is None
    assert sorted(path.name for path in charm.directory.iterdir() if "hook.json" in path.name) == [
        "hook.json"
    ]


def test_a_file_that_is_there_is_replaced_and_is_nobody_elses_to_read(charm: Unit, tmp_path: Path) -> None:
    file = tmp_path / "hook.json"
    file.write_text("before")
    file.chmod(0o666)
    second = tmp_path / "second"
    os.link(str(file), str(second))
    run(charm, file)
    assert_written(file)
    assert second.read_text() == "before"


def test_no_link_is_followed(charm: Unit, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    names = ["hook.json", "hook.json.new"]
    for name in names:
        (tmp_path / name).symlink_to(victim)
    run(charm, tmp_path / "hook.json")
    assert victim.read_text() == "precious"
    assert all((tmp_path / name).is_symlink() for name in names)
    assert "something that is no regular file has this name" in str(warning(charm))


def test_a_link_beside_it_does_no_harm(charm: Unit, tmp_path: Path) -> None:
    (tmp_path / "hook.json.new").symlink_to(tmp_path / "victim")
    run(charm, tmp_path / "hook.json")
    assert_written(tmp_path / "hook.json")
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("kind", ["pipe", "directory", "device"])
def test_what_is_no_file_stays_what_it_is(charm: Unit, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "special"
    if kind == "pipe":
        os.mkfifo(str(path))
    elif kind == "directory":
        path.mkdir()
    else:
        path = Path("/dev/null")
    before = path.stat()
    run(charm, path)
    assert (path.stat().st_ino, path.stat().st_mode, path.stat().st_dev) == (
        before.st_ino,
        before.st_mode,
        before.st_dev,
    )
    assert "cannot write the record of this hook to %s, which CHARMS_REACTIVE_RECORD names" % path in str(
        warning(charm)
    )


@pytest.mark.parametrize("place", ["/no/such/directory/hook.json", "/proc/hook.json", "reactive/app.py/x"])
def test_what_cannot_be_written_fails_no_hook(charm: Unit, place: str) -> None:
    run(charm, place)
    assert "cannot write the record of this hook to" in str(warning(charm))


def test_a_hook_that_fails_is_recorded_and_fails_as_it_would_have(charm: Unit) -> None:
    charm.write("reactive/app.py", HANDLERS + "    raise RuntimeError('as it was')\n")
    for record in ("hook.json", "/no/such/place"):
        done = charm.run(env={"CHARMS_REACTIVE_RECORD": record})
        assert (done.status, done.stderr.splitlines()[-1]) == (1, "RuntimeError: as it was")
    assert_written(charm.directory / "hook.json")


def test_a_handler_that_cannot_be_described(
    framework: Framework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd:
        @property
        def __name__(self) -> str:
            raise ValueError("no name for you")

        def __call__(self) -> bool:
            return True

    from charms_reactive import bus

    framework.write("reactive/app.py", HANDLERS)
    handler = bus.Handler.get(lambda: framework.told.append("ran"))
    handler.add_predicate(Odd())
    monkeypatch.setenv("CHARMS_REACTIVE_RECORD", str(tmp_path / "hook.json"))
    framework.main()
    assert framework.committed_flags() == ["done"]
    assert [line for line in framework.lines("WARNING") if "cannot write the record" in line]
