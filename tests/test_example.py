"""The example charm, through its life and into trouble, on a simulated unit and on each engine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Iterator

import pytest

from charms_reactive.testing import HookRun, SimulatedUnit, processes
from engines import name_of

pytestmark = pytest.mark.once

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture
def unit(tmp_path: Path, engine_module: ModuleType) -> Iterator[SimulatedUnit]:
    unit = SimulatedUnit(
        EXAMPLES / "hello-web",
        tmp_path / "unit",
        environment={"CHARMS_REACTIVE_ENGINE": name_of(engine_module)},
    )
    yield unit
    unit.end_processes()


@pytest.fixture
def started(unit: SimulatedUnit) -> SimulatedUnit:
    """A unit that serves its page."""
    for name in ("install", "start"):
        good(unit.run(name))
    return unit


def good(run: HookRun) -> HookRun:
    assert run.succeeded, run.stderr
    return run


def page(unit: SimulatedUnit) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(unit.status.message, timeout=10) as answer:
        text: str = answer.read().decode("utf-8")
    return text


def names(run: HookRun) -> list[str]:
    """The names of the handlers that ran."""
    return [id.split(":")[2] for id in run.handlers]


def test_the_page_is_rendered_before_the_unit_is_started(unit: SimulatedUnit) -> None:
    run = good(unit.run("install"))
    assert set(run.flags_set) == {"hello.installed", "hello.motd-ready", "hello.page-ready"}
    assert unit.status.status == "waiting"
    assert unit.processes() == ()
    assert "Hello from hello-web/0" in (unit.charm_dir / "web" / "index.html").read_text()


def test_the_page_is_served_from_start_to_stop(started: SimulatedUnit) -> None:
    assert {"hello.listening", "hello.started"} <= started.flags
    text = page(started)
    assert "<h1>Hello from hello-web/0</h1>" in text
    assert "This part is from bash" in text
    assert started.ports == ("%s/tcp" % started.status.message.rstrip("/").rpartition(":")[2],)
    run = good(started.run("stop"))
    assert set(run.flags_cleared) == {"hello.listening", "hello.started"}
    assert started.processes() == ()
    assert started.ports == ()


def test_a_quiet_hook_changes_nothing(started: SimulatedUnit) -> None:
    before = page(started), started.processes()
    run = good(started.run("update-status"))
    assert names(run) == ["read_config", "check_server", "report"]
    assert run.flags_after == run.flags_before
    assert (page(started), started.processes()) == before


def test_a_new_greeting_is_rendered_without_a_restart(started: SimulatedUnit) -> None:
    servers = started.processes()
    started.set_config(greeting="<Good> morning", motd="5 < 6 & 7 > 6")
    run = good(started.run("config-changed"))
    assert [name for name in names(run) if name in ("render_motd", "render_page", "listen")] == [
        "render_motd",
        "render_page",
    ]
    assert "<h1>&lt;Good&gt; morning</h1>" in page(started)
    assert "<blockquote>5 &lt; 6 &amp; 7 &gt; 6</blockquote>" in page(started)
    assert started.processes() == servers


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"greeting": "to $planet"}, "greeting: there is no $planet, only $application, $model, $unit"),
        ({"greeting": "costs 5$"}, "greeting: Invalid placeholder in string: line 1, col 8"),
        ({"port": 70000}, "port 70000: choose one from 0 (any free port) to 65535"),
    ],
)
def test_a_hook_that_fails_leaves_flags_and_page_and_the_next_one_repairs(
    started: SimulatedUnit, options: dict[str, object], error: str
) -> None:
    before = page(started)
    started.set_config(**options)
    run = started.run("config-changed")
    assert not run.succeeded
    assert (run.error or "").endswith(error)
    assert run.flags_after == run.flags_before
    assert page(started) == before
    started.set_config(greeting="All is well", port=0)
    good(started.run("config-changed"))
    assert "<h1>All is well</h1>" in page(started)


def test_a_failed_hook_is_undone_although_a_bash_handler_ran_in_it(started: SimulatedUnit) -> None:
    # The flags were committed for the bash handler to see, and have to be taken back.
    started.set_config(greeting="to $planet")
    failed = started.run("config-changed")
    assert names(failed)[-2:] == ["render_motd", "render_page"]
    assert failed.flags_after == failed.flags_before
    again = started.run("config-changed")
    assert names(again) == names(failed)
    assert again.flags_after == failed.flags_before


def test_another_port_moves_the_server(started: SimulatedUnit) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started.set_config(port=port)
    run = good(started.run("config-changed"))
    assert "listen" in names(run)
    assert started.status.message == "http://127.0.0.1:%d/" % port
    assert started.ports == ("%d/tcp" % port,)
    assert len(started.processes()) == 1
    assert "Hello from" in page(started)


def test_a_port_that_is_taken_is_replaced_by_a_free_one(started: SimulatedUnit) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        started.set_config(port=port)
        run = good(started.run("config-changed"))
    assert any("port %d is taken" % port in entry.message for entry in run.log if entry.level == "WARNING")
    assert not started.status.message.endswith(":%d/" % port)
    assert "Hello from" in page(started)


def test_a_server_that_died_is_started_again(started: SimulatedUnit) -> None:
    (server,) = started.processes()
    os.kill(server, signal.SIGKILL)
    run = good(started.run("update-status"))
    assert [name for name in names(run) if name == "listen"] == ["listen"]
    assert "Hello from" in page(started)
    assert server not in started.processes()


def test_a_new_template_is_used(started: SimulatedUnit) -> None:
    template = started.charm_dir / "templates" / "page.html"
    template.write_text(template.read_text().replace("<footer>", "<footer>By the new charm. "))
    run = good(started.run("upgrade-charm"))
    assert "template_changed" in names(run)
    assert "By the new charm. Unit hello-web/0" in page(started)


def test_the_action_puts_a_notice_on_the_page(started: SimulatedUnit) -> None:
    run = good(started.run_action("notice", {"text": "Back at <noon>"}))
    assert run.action is not None
    assert run.action.results == {"notice": "Back at <noon>"}
    assert names(run)[0] == "notice"
    assert "<p>Back at &lt;noon&gt;</p>" in page(started)
    good(started.run_action("notice"))
    assert "<p></p>" in page(started)


def test_the_action_fails_where_there_is_no_page(unit: SimulatedUnit) -> None:
    run = unit.run_action("notice", {"text": "x"})
    assert run.action is not None
    assert run.action.failure == "there is no page yet"


def test_the_option_reactive_log_chooses_what_is_logged(started: SimulatedUnit) -> None:
    started.set_config(**{"reactive-log": "trace"})
    levels = {entry.level for entry in good(started.run("update-status")).log}
    assert levels == {"DEBUG", "INFO"}
    started.set_config(**{"reactive-log": "off"})
    assert good(started.run("update-status")).log == ()


def test_run_shows_the_whole_life(tmp_path: Path, engine_module: ModuleType) -> None:
    engine = name_of(engine_module)
    keep = tmp_path / "kept"
    done = show(engine, "--keep", str(keep))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("hello-web/0 on the %s engine\n" % engine)
    assert "rolled back: the 5 flags are those from before the hook" in done.stdout
    assert "\033" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if str(tmp_path) not in line) <= 100
    assert "Maintenance tonight at ten." in (keep / "page.html").read_text()
    assert processes(keep) == ()


def test_run_tells_machines_the_same(tmp_path: Path) -> None:
    done = show("pure", "--json", "--keep", str(tmp_path / "kept"))
    document = json.loads(done.stdout)
    assert document["good"], document
    assert [hook["name"] for hook in document["hooks"]] == [
        "install",
        "config-changed",
        "start",
        "update-status",
        "config-changed",
        "config-changed",
        "notice",
        "stop",
    ]
    assert [hook["succeeded"] for hook in document["hooks"]].count(False) == 1


def test_run_says_so_if_the_life_does_not_go_as_it_should(tmp_path: Path) -> None:
    # A charm that never renders: every promise about the page is broken, and the exit status tells.
    broken = tmp_path / "examples"
    broken.mkdir()
    program = (EXAMPLES / "run.py").read_text()
    (broken / "run.py").write_text(program)
    charm = broken / "hello-web"
    subprocess.run(["cp", "-r", str(EXAMPLES / "hello-web"), str(charm)], check=True)
    (charm / "reactive" / "motd.sh").unlink()
    done = show("pure", "--keep", str(tmp_path / "kept"), program=broken / "run.py")
    assert done.returncode == 1
    assert "WRONG      the page is served with the new greeting" in done.stdout
    assert "checks failed" in done.stdout


def show(
    engine: str, *arguments: str, program: Path = EXAMPLES / "run.py"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(program), *arguments],
        env={**os.environ, "CHARMS_REACTIVE_ENGINE": engine},
        capture_output=True,
        text=True,
        timeout=300,
    )
