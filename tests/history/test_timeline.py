"""``charms.reactive history``: what it shows, of which hooks, and where it cannot."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from charms_reactive._history import past, words
from framework.support import Finished, Unit

pytestmark = pytest.mark.long

CHARM = """
    import os, signal
    from charms.reactive import hook, register_trigger, set_flag, when, when_not

    register_trigger(when="app.installed", set_flag="app.stale")

    @when_not("app.installed")
    def install():
        set_flag("app.installed")

    @hook("stop")
    def stop():
        os.kill(os.getpid(), signal.SIGKILL)

    @hook("start")
    def start():
        set_flag("app.started")
        raise RuntimeError("it broke")
"""


@pytest.fixture
def lived(one_unit: Unit) -> Unit:
    """A unit that has run a hook that succeeded, one that failed and one that was killed."""
    one_unit.write("reactive/app.py", CHARM)
    assert [one_unit.run(hook).status for hook in ("install", "start", "stop")] == [0, 1, -signal.SIGKILL]
    return one_unit


def asked(unit: Unit, *arguments: str, **env: str) -> List[str]:
    done = unit.command("history", *arguments, env=env)
    assert (done.status, done.stderr) == (0, "")
    return done.stdout.splitlines()


def refused(unit: Unit, *arguments: str, **env: Any) -> str:
    done: Finished = unit.command("history", *arguments, env=env)
    assert (done.status, done.stdout) == (2, "")
    return done.stderr


def test_one_line_a_hook_the_newest_last(lived: Unit) -> None:
    first, second, third = asked(lived)
    assert first.split()[0] == "3"
    assert first.endswith("1 handler, 2 flag changes")
    assert second.endswith("FAILED in reactive/app.py:15:start: RuntimeError")
    assert third.endswith("KILLED in reactive/app.py:11:stop; what it had changed is undone")
    assert third.split()[0] == "1"
    assert [line.index("ago") if "ago" in line else line.index("now") for line in (first, second, third)] == [
        first.index("ago") if "ago" in first else first.index("now")
    ] * 3


def test_verbose_tells_who_changed_what_and_where_the_time_went(lived: Unit) -> None:
    lines = asked(lived, "-v", "-n", "3")
    text = "\n".join(lines)
    at = [line.strip() for line in lines].index("set app.installed")
    assert lines[at - 1].startswith("    reactive/app.py:7:install  ")
    assert lines[at + 1] == "      set app.stale (by a trigger)"
    assert "    failed in reactive/app.py:15:start, at reactive/app.py:18: RuntimeError" in lines
    assert "    rolled back: app.started is clear again" in lines
    assert "it broke" not in text
    times = [line for line in lines if line.startswith("    time: ")]
    assert len(times) == 2  # the one that was killed has not told
    for part in ("start and imports", "import of the handlers", "handlers", "clean-up", "commit"):
        assert part in times[0]


@pytest.mark.parametrize(
    ("arguments", "hooks"),
    [
        (["--failed"], ["start", "stop"]),
        (["--handler", "install"], ["install"]),
        (["--handler", "reactive/app.py:11:stop"], ["stop"]),
        (["--handler", "nobody"], []),
        (["--flag", "app.stale"], ["install"]),
        (["--flag", "app.started"], ["start"]),
        (["-n", "1"], ["stop"]),
        (["--since", "1h"], ["install", "start", "stop"]),
        (["--since", "0s"], []),
        (["--since", "2001-01-01"], ["install", "start", "stop"]),
        (["--failed", "--last", "1"], ["stop"]),
    ],
    ids=" ".join,
)
def test_only_some_of_them(lived: Unit, arguments: List[str], hooks: List[str]) -> None:
    found = json.loads("\n".join(asked(lived, *arguments, "--format", "json")))
    assert [hook["hook"] for hook in found] == hooks
    shown = asked(lived, *arguments)
    if not hooks:
        assert shown == ["no such hook is remembered"]
    else:
        assert len([line for line in shown if not line.startswith("    ")]) == len(hooks)


def test_of_a_flag_it_says_who(lived: Unit) -> None:
    assert (
        asked(lived, "--flag", "app.stale")[1]
        == "    set app.stale, by a trigger, in reactive/app.py:7:install"
    )


def test_for_programs(lived: Unit) -> None:
    install, start, stop = json.loads("\n".join(asked(lived, "--format", "json")))
    assert [hook["end"] for hook in (install, start, stop)] == ["succeeded", "failed", "killed"]
    assert [hook["number"] for hook in (install, start, stop)] == [3, 2, 1]
    assert install["changes"] == [
        {"flag": "app.installed", "set": True, "by": "reactive/app.py:7:install"},
        {"flag": "app.stale", "set": True, "by": "a trigger, in reactive/app.py:7:install"},
    ]
    assert install["handlers"][0]["id"] == "reactive/app.py:7:install"
    assert start["error"]["undone"] == [["app.started", False]]
    assert (stop["in"], stop["took"], stop["handlers"]) == ("reactive/app.py:11:stop", None, [])


def test_the_chapter_has_each_key(lived: Unit) -> None:
    chapter = (Path(__file__).resolve().parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
    (hook,) = json.loads("\n".join(asked(lived, "-n", "1", "--format", "json")))
    table = chapter.partition("| key | |")[2].partition("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(first))) == sorted(hook)


def test_following_it_shows_each_hook_when_it_has_ended(one_unit: Unit) -> None:
    one_unit.write("reactive/app.py", CHARM)
    variables = dict(one_unit.env, PYTHONUNBUFFERED="1")
    follower = subprocess.Popen(
        [str(one_unit.bin / "charms.reactive"), "history", "--follow"],
        cwd=str(one_unit.directory),
        env=variables,
        stdout=subprocess.PIPE,
        start_new_session=True,
        # Where the tests are started in the background, interrupts are ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    try:
        assert follower.stdout is not None
        for hook, end in (("install", "2 flag changes"), ("start", "RuntimeError"), ("stop", "undone")):
            one_unit.run(hook)
            line = follower.stdout.readline().decode()
            assert hook in line
            assert line.rstrip().endswith(end)
        os.killpg(follower.pid, signal.SIGINT)
        assert follower.wait(20) == 0
        assert follower.stdout.read() == b""
    finally:
        if follower.poll() is None:
            follower.kill()
            follower.wait()
        assert follower.stdout is not None
        follower.stdout.close()


# -- where it cannot -------------------------------------------------------------------------------------
def test_a_unit_without_a_memory(one_unit: Unit) -> None:
    told = refused(one_unit)
    assert told.startswith("charms.reactive history: ")
    assert ".unit-state.db-history: no hook has left anything there" in told
    assert "reactive-history" in told


def test_a_place_that_is_no_charms(one_unit: Unit, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "is not the directory of a charm: set CHARM_DIR" in refused(one_unit, CHARM_DIR=str(empty))
    assert "there is no directory" in refused(one_unit, CHARM_DIR=str(empty / "no"))


def test_a_link_is_not_read(lived: Unit, tmp_path: Path) -> None:
    file = lived.directory / ".unit-state.db-history"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert "cannot be read" in refused(lived)


def test_what_is_damaged_is_left_out(lived: Unit) -> None:
    file = lived.directory / ".unit-state.db-history"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], b"\0\xff{\n", b'{"begin":"x"}\n', b"[1]\n", *lines[1:]]))
    assert len(asked(lived)) == 3


def test_a_copied_charm_directory_is_read_elsewhere(lived: Unit, tmp_path: Path) -> None:
    lived.execute(["cp", "-a", str(lived.directory), str(tmp_path / "copy")])
    assert len(asked(lived, CHARM_DIR=str(tmp_path / "copy"), JUJU_CONTEXT_ID="")) == 3


NOW = time.mktime(time.strptime("2026-11-29 04:00:00", "%Y-%m-%d %H:%M:%S"))


@pytest.mark.parametrize(
    ("text", "seconds_before"),
    [
        ("90s", 90),
        ("30 min", 1800),
        ("2h", 7200),
        ("1.5h", 5400),
        ("1d", 86400),
        ("03:10", 3000),
        ("23:00", 5 * 3600),
        ("2026-11-29T03:59:30", 30),
        ("2026-11-28 04:00", 86400),
        ("2026-11-29", 4 * 3600),
    ],
)
def test_moments(text: str, seconds_before: float) -> None:
    assert words.since(text, NOW) == NOW - seconds_before


@pytest.mark.parametrize("text", ["", "yesterday", "3", "25:00", "-1h", "2026-13-01"])
def test_no_moments(text: str) -> None:
    with pytest.raises(past.HistoryError, match="write how long ago"):
        words.since(text, NOW)


def test_times_in_words() -> None:
    told: Dict[float, str] = {
        0.2: "just now",
        12: "12 s ago",
        200: "3 min ago",
        7300: "2 h ago",
        5e5: "5 d ago",
    }
    assert {seconds: words.ago(seconds) for seconds in told} == told
    took = {0.44: "0.4 ms", 214.3: "214 ms", 1234: "1.2 s", 900_000: "15 min"}
    assert {each: words.duration(each) for each in took} == took
    assert words.duration(None) == "-"
