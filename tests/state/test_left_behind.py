"""Who may write for a hook, and who beside it: what it has left running, and what others do (SPEC 2).

A hook that failed or was killed is lost: what it has left running is refused until a hook has succeeded. A
process that is not of the hook keeps what it was told is written. Nothing is undone without a proof.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from charms.reactive import get_flags, set_flag
from charms_reactive._unit_state import hook_file, processes
from charms_reactive._unit_state.hook_file import HookFile, has_ended, lives
from charms_reactive.errors import UnitStateError
from framework.support import Framework, Unit

from .charm import BEFORE, read_rows, state_file, write_rows

pytestmark = pytest.mark.long

SCRIPT = """\
#!/bin/bash
set -e
source charms.reactive.sh

@hook update-status
function it() {
%s
}

reactive_handler_main
"""

SPARED = "until [[ -e $GO ]]; do sleep 0.02; done\n"


@pytest.fixture
def go(unit: Unit, tmp_path: Path) -> Path:
    """A file that lets what a hook has left in the background go on."""
    unit.env["GO"] = str(tmp_path / "go")
    unit.env["DONE"] = str(tmp_path / "done")
    return tmp_path / "go"


def script(unit: Unit, body: str, name: str = "reactive/it.sh") -> None:
    unit.write(name, "", executable=True).write_text(SCRIPT % body)


def late(flag: str = "late.one") -> str:
    """A process in the background that sets a flag once it is let, and tells what came of it."""
    go_on = SPARED.replace("\n", "; ")
    writes = "charms.reactive set_flag %s 2>>$DONE.err || s=$?; echo $s >$DONE" % flag
    return "{ %s s=0; %s; } >/dev/null 2>&1 &" % (go_on, writes)


def finish(unit: Unit, go: Path) -> str:
    """Let it, and wait; returns its exit status."""
    go.touch()
    done = Path(unit.env["DONE"])
    deadline = time.monotonic() + 20
    while not done.exists() or not done.read_text().endswith("\n"):
        assert time.monotonic() < deadline, "it did not come back"
        time.sleep(0.02)
    status = done.read_text().strip()
    done.unlink()
    go.unlink()
    return status


def flag_rows(unit: Unit) -> List[str]:
    return sorted(key[16:] for key in read_rows(unit.directory, "reactive.states."))


# -- what a hook has left running -----------------------------------------------------------------
@pytest.mark.parametrize("end", ["false", "exit 3", "kill -TERM $$", "kill -KILL $$", "kill -INT $$"])
def test_what_a_failed_hook_has_left_running_writes_nothing(unit: Unit, go: Path, end: str) -> None:
    write_rows(unit.directory, BEFORE)
    script(unit, "set_flag early\n%s\n%s" % (late(), end))
    assert unit.run().status != 0
    assert read_rows(unit.directory) == BEFORE
    assert finish(unit, go) == "2"
    assert read_rows(unit.directory) == BEFORE
    told = Path(unit.env["DONE"] + ".err").read_text()
    assert "the hook that started this process has failed or was killed" in told
    assert "may write again once a hook has succeeded" in told


def test_not_even_if_it_waits_for_the_file_when_the_hook_fails(unit: Unit, go: Path) -> None:
    """It gets the file in the moment in which the hook gives it up."""
    write_rows(unit.directory, BEFORE)
    script(unit, "set_flag early\n%s" % late())
    unit.write(
        "reactive/last.py",
        """
        import os, time
        from charms.reactive import set_flag, when

        @when("early")
        def last():
            set_flag("of.python")
            open(os.environ["GO"], "w").close()
            time.sleep(1)  # until it waits
            raise RuntimeError("as asked")
        """,
    )
    assert unit.run().status != 0
    assert finish(unit, go) == "2"
    assert read_rows(unit.directory) == BEFORE


@pytest.mark.parametrize("how", ["handler", "dispatch with sys.exit", "killed"])
def test_nor_what_a_handler_in_python_has_started(unit: Unit, go: Path, how: str) -> None:
    write_rows(unit.directory, BEFORE)
    ends = {
        "handler": "raise RuntimeError('as asked')",
        "dispatch with sys.exit": "raise SystemExit(1)",
        "killed": "os.kill(os.getpid(), 9)",
    }
    unit.write(
        "reactive/it.py",
        """
        import os, subprocess
        from charms.reactive import hook, set_flag

        @hook("update-status")
        def it():
            set_flag("early")
            subprocess.run(["bash", "-c", %r])
            %s
        """
        % (late(), ends[how]),
    )
    assert unit.run().status != 0
    assert finish(unit, go) == "2"
    assert read_rows(unit.directory) == BEFORE


@pytest.mark.parametrize("killed", [False, True], ids=["failed", "killed"])
def test_a_daemon_of_a_lost_hook_may_write_once_a_hook_has_succeeded(
    unit: Unit, go: Path, killed: bool
) -> None:
    script(
        unit,
        "set_flag early\n[[ -e spare ]] || {\n%s\n%s\n}"
        % (late(), 'kill -KILL "$PPID"' if killed else "exit 3"),
    )
    assert unit.run().status != 0
    assert finish(unit, go) == "2"
    assert unit.run().status != 0
    unit.write("spare", "")
    assert unit.run().status == 0
    assert finish(unit, go) == "0"
    assert flag_rows(unit) == ["early", "late.one"]


def test_what_a_hook_that_succeeded_has_left_running_is_like_anybody_else(unit: Unit, go: Path) -> None:
    """Also while a later hook fails."""
    script(unit, "[[ -e ran ]] && exit 3\ntouch ran\nset_flag early\n%s" % late())
    assert unit.run().status == 0
    assert unit.run().status != 0
    assert finish(unit, go) == "0"
    assert flag_rows(unit) == ["early", "late.one"]


def test_nothing_is_left_beside_the_state_by_a_hook_that_succeeds(unit: Unit) -> None:
    script(unit, "set_flag early")
    assert unit.run().status == 0
    left = {path.name for path in unit.directory.glob(".unit-state.db*")}
    assert left == {".unit-state.db", ".unit-state.db-history"}  # the second is there to stay


# -- what others write while a hook goes on --------------------------------------------------------
CRON = "env -u CHARMS_REACTIVE_HOOK -u CHARMS_REACTIVE_LENT charms.reactive"

WRITTEN = {
    "a flag": ("set_flag by.cron", {"by.cron"}),
    "what the hook has set": ("set_flag early", {"early"}),
    "what the hook has cleared": ("clear_flag kept", set()),
    "what a trigger of the hook adds": ("set_flag on", {"on", "by.trigger"}),
    "by the framework": ("toggle_flag by.cron yes", {"by.cron"}),
}


@pytest.mark.parametrize("end", ["exit 3", 'kill -KILL "$PPID"; sleep 0.2'])
@pytest.mark.parametrize("what", WRITTEN)
def test_what_others_were_told_is_written_stays(unit: Unit, what: str, end: str) -> None:
    words, kept = WRITTEN[what]
    write_rows(unit.directory, BEFORE)
    unit.write(
        "reactive/a.py",
        "from charms.reactive import register_trigger\nregister_trigger(when='on', set_flag='by.trigger')\n",
    )
    cron = (
        CRON if what != "by the framework" else CRON.replace("charms.reactive", "charms.reactive --format py")
    )
    script(unit, "set_flag early\nclear_flag kept\n%s %s\nset_flag after\n%s" % (cron, words, end))
    assert unit.run().status != 0
    assert unit.command("get_flags").status == 0  # which undoes what a killed one has left
    flags = set(flag_rows(unit))
    before = {key[16:] for key in BEFORE if key.startswith("reactive.states.")}
    assert flags == (before - {"kept"} if "clear_flag" in words else before) | kept
    rows = read_rows(unit.directory)
    assert not [key for key in rows if key.startswith("reactive.dispatch.")]
    assert {key: rows[key] for key in BEFORE if ".states." not in key} == {
        key: BEFORE[key] for key in BEFORE if ".states." not in key
    }


def test_what_others_have_written_is_seen_by_the_hook_and_stays_if_it_succeeds(unit: Unit) -> None:
    script(unit, "%s set_flag by.cron" % CRON)
    unit.write(
        "reactive/z.py",
        "from charms.reactive import when, set_flag\n@when('by.cron')\ndef z(): set_flag('seen')\n",
    )
    assert unit.run().status == 0
    assert flag_rows(unit) == ["by.cron", "seen"]


def test_what_others_have_written_stays_through_several_shell_handlers(unit: Unit) -> None:
    script(unit, "%s set_flag by.cron" % CRON, "reactive/a.sh")
    script(unit, "set_flag mine\n%s clear_flag by.cron\n%s set_flag again" % (CRON, CRON), "reactive/b.sh")
    script(unit, "set_flag more\nexit 3", "reactive/c.sh")
    assert unit.run().status != 0
    assert flag_rows(unit) == ["again"]


def test_what_the_charm_flushes_begins_undo_anew_beside_others(unit: Unit) -> None:
    script(unit, "%s set_flag by.cron" % CRON, "reactive/a.sh")
    unit.write(
        "reactive/b.py",
        """
        from charmhelpers.core import unitdata
        from charms.reactive import clear_flag, hook, set_flag

        @hook("update-status")
        def b():
            clear_flag("by.cron")
            set_flag("flushed")
            unitdata.kv().flush()
            set_flag("lost")
        """,
    )
    script(unit, "set_flag more\nexit 3", "reactive/c.sh")
    assert unit.run().status != 0
    assert flag_rows(unit) == ["flushed"]


def test_a_service_that_uses_the_framework_beside_a_hook(unit: Unit) -> None:
    unit.write(
        "service.py",
        "from charmhelpers.core import unitdata\n"
        "from charms.reactive import helpers, set_flag\n"
        "set_flag('by.service', {'a': 1})\nset_flag('early')\n"
        "helpers.mark_invoked('service')\nunitdata.kv().flush()\n",
    )
    service = CRON.replace("charms.reactive", sys.executable) + " service.py"
    script(unit, "set_flag early\n%s\nset_flag after\nexit 3" % service)
    assert unit.run().status != 0
    assert read_rows(unit.directory) == {
        "reactive.states.by.service": '{"a": 1}',
        "reactive.states.early": "null",
        "reactive.invoked.service": "true",
    }


# -- proof ------------------------------------------------------------------------------------------
ASIDE: Dict[str, List[str]] = {
    "another PID namespace": [
        *("unshare", "--map-root-user", "--pid", "--fork", "--mount-proc"),
        *("sh", "-c", '"$@"; exit $?', "sh"),  # the first process of a namespace cannot be killed from inside
    ],
    "no boot_id": [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs none /proc/sys/kernel/random && exec "$@"',
        "sh",
    ],
    "no /proc": [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs none /proc && exec "$@"',
        "sh",
    ],
}


def _is_there(command: List[str]) -> bool:
    try:
        return subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture(params=list(ASIDE))
def aside(request: pytest.FixtureRequest, unit: Unit) -> str:
    """A command that runs another one where a hook's process cannot be looked at."""
    command = ASIDE[request.param]
    if not _is_there(command):
        command = ["env"]  # where no namespaces are allowed, a proof has to do all the same
    unit.tool("aside", '#!/bin/bash\nexec %s "$@"\n' % " ".join(map(_quoted, command)))
    return "aside"


def _quoted(word: str) -> str:
    return "'%s'" % word.replace("'", "'\\''")


def test_a_question_from_elsewhere_does_not_undo_the_hook(unit: Unit, aside: str) -> None:
    body = "set_flag early\n%s charms.reactive is_flag_set early\n%s charms.reactive set_flag inside\n" % (
        aside,
        aside,
    )
    script(unit, body + "%s %s set_flag by.cron" % (aside, CRON))
    done = unit.run()
    assert done.status == 0, done.stderr
    assert flag_rows(unit) == ["by.cron", "early", "inside"]


def test_a_hook_that_runs_elsewhere_is_undone_when_it_is_dead(unit: Unit, aside: str) -> None:
    script(unit, 'set_flag early\n[[ -e spare ]] || kill -KILL "$PPID"\nset_flag after')
    unit.hook_file("hooks/update-status")
    done = unit.execute(
        [str(unit.bin / "aside"), str(unit.directory / "hooks" / "update-status")],
        {"JUJU_HOOK_NAME": "update-status"},
    )
    assert done.status != 0
    time.sleep(0.1)
    assert unit.command("is_flag_set", "early").status == 1
    assert read_rows(unit.directory) == {}


def test_a_hook_that_finds_its_undo_row_disarmed_fails(unit: Unit) -> None:
    script(
        unit,
        "set_flag early\n%s - <<'PYTHON'\nimport sqlite3\n"
        "state = sqlite3.connect('.unit-state.db')\n"
        "state.execute(\"DELETE FROM kv WHERE key LIKE 'reactive.%%'\")\nstate.commit()\nPYTHON"
        % sys.executable,
    )
    done = unit.run()
    assert done.status != 0
    assert "another process has undone what this hook had changed" in unit.log_text()
    assert flag_rows(unit) == []


def test_a_hook_file_that_was_deleted_proves_nothing(unit: Unit) -> None:
    script(unit, "set_flag early\nrm .unit-state.db-hook\ncharms.reactive is_flag_set early\nset_flag after")
    done = unit.run()
    assert done.status == 0, done.stderr
    assert flag_rows(unit) == ["after", "early"]


def test_but_a_process_that_is_gone_does(unit: Unit) -> None:
    script(unit, 'set_flag early\nrm .unit-state.db-hook\nkill -KILL "$PPID"\nsleep 0.2\nset_flag late')
    assert unit.run().status == -signal.SIGKILL
    assert unit.command("get_flags").stdout == ""
    assert read_rows(unit.directory) == {}


# -- the hook file -----------------------------------------------------------------------------------
def test_names_of_hooks_are_their_own() -> None:
    names = {processes.new_hook() for _ in range(100)}
    assert len(names) == 100
    assert all(name.split(" ")[0] == str(os.getpid()) for name in names)


def test_the_hook_file_tells_what_became_of_a_hook(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    first = HookFile(state)
    assert lives(first.hook, state) is True
    beside = HookFile(state)  # it does not get the lock, and nobody may take it for dead
    assert lives(beside.hook, state) is None
    beside.end(succeeded=True)
    assert lives(first.hook, state) is True
    first.end(succeeded=False)
    assert lives(first.hook, state) is False
    second = HookFile(state)
    assert lives(first.hook, state) is False
    assert lives(second.hook, state) is True
    second.end(succeeded=False)
    third = HookFile(state)
    assert [lives(hook, state) for hook in (first.hook, second.hook)] == [False, False]
    third.end(succeeded=True)
    assert [lives(one.hook, state) for one in (first, second, third)] == [None] * 3
    assert list(tmp_path.iterdir()) == []


def test_a_link_leads_to_the_same_hook_file(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    (tmp_path / "link").symlink_to("state")
    hook = HookFile(str(tmp_path / "link"))
    assert lives(hook.hook, str(tmp_path / "state")) is True
    hook.end(succeeded=True)


def test_somebody_who_only_looks_keeps_no_hook_from_beginning(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    HookFile(state).end(succeeded=False)
    looking = [subprocess.Popen(["flock", "--shared", state + "-hook", "sleep", "0.1"]) for _ in range(3)]
    time.sleep(0.05)
    hook = HookFile(state)
    assert lives(hook.hook, state) is True
    hook.end(succeeded=True)
    for process in looking:
        process.wait()


def test_the_oldest_are_forgotten_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook_file, "_LONGEST", 1000)
    state = str(tmp_path / "state")
    lost = []
    for _ in range(50):
        hook = HookFile(state)
        hook.end(succeeded=False)
        lost.append(hook.hook)
    assert os.stat(state + "-hook").st_size < 1200
    assert lives(lost[-1], state) is False


def test_a_directory_that_takes_no_file_keeps_no_hook_from_running(tmp_path: Path) -> None:
    hook = HookFile(str(tmp_path / "missing" / "state"))
    assert lives(hook.hook, str(tmp_path / "missing" / "state")) is None
    assert not has_ended(hook.hook, str(tmp_path / "missing" / "state"))
    hook.end(succeeded=True)


GONE = "4194304 %s 1 %s token"


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        (GONE % (processes._boot(), processes._namespace()), True),
        (GONE % ("another", "pid:[1]"), True),
        (GONE % ("?", "pid:[1]"), False),
        (GONE % (processes._boot(), "pid:[1]"), False),
        (GONE % ("?", processes._namespace()), True),
        ("1 %s 0 %s token" % (processes._boot(), processes._namespace()), True),
        ("1 %s ? %s token" % (processes._boot(), processes._namespace()), False),
        ("1 ? ? ? token", False),
        ("no number", False),
        ("4194304", False),
    ],
)
def test_what_a_name_alone_proves(name: str, gone: bool) -> None:
    assert processes.is_gone(name) == gone
    assert not processes.is_gone(processes.new_hook())


# -- a process that is a fork ------------------------------------------------------------------------
FORKS = """
import os, sys
from charms.reactive import hook, set_flag, is_flag_set

@hook("update-status")
def it():
    set_flag("before")
    child = os.fork()
    if child == 0:
        {child}
    status = os.waitpid(child, 0)[1]
    open("status", "w").write(str(os.WEXITSTATUS(status)))
    set_flag("after")
    {end}
"""

CHILDREN = {
    "sys.exit()": ("sys.exit()", 0),
    "sys.exit(3)": ("sys.exit(3)", 3),
    "sys.exit(text)": ("sys.exit('as asked')", 1),
    "an exception": ("raise RuntimeError('as asked')", 1),
    "a return": ("return", 1),
    "a flag": ("set_flag('of.the.fork')", 1),
    "os._exit()": ("os._exit(4)", 4),
}


@pytest.mark.parametrize("end", ["", "raise RuntimeError('in the hook')"], ids=["kept", "failed"])
@pytest.mark.parametrize("child", CHILDREN)
def test_a_fork_of_a_handler_leaves_the_hook_alone(unit: Unit, child: str, end: str) -> None:
    write_rows(unit.directory, BEFORE)
    code, status = CHILDREN[child]
    unit.write("reactive/it.py", FORKS.format(child=code, end=end))
    unit.write(
        "reactive/more.py",
        "import os\nfrom charms.reactive import when\nfrom charmhelpers.core import hookenv\n"
        "@when('after')\ndef more(): open('ran', 'a').write('%d ' % os.getpid())\n"
        "hookenv.atexit(lambda: open('ran', 'a').write('end '))\n",
    )
    done = unit.run()
    assert "disk I/O error" not in done.stderr + unit.log_text()
    assert (unit.directory / "status").read_text() == str(status)
    if end:
        assert done.status != 0
        assert read_rows(unit.directory) == BEFORE
    else:
        assert done.status == 0, done.stderr
        assert {"before", "after"} <= set(flag_rows(unit))
        assert "of.the.fork" not in flag_rows(unit)
        assert len((unit.directory / "ran").read_text().split()) == 2


def test_a_fork_may_ask_and_learns_that_it_cannot_write(unit: Unit) -> None:
    code = (
        "try:\n            assert is_flag_set('before')\n            set_flag('x')\n"
        "        except Exception as error:\n            open('told', 'w').write(str(error))\n"
        "        os._exit(0)"
    )
    unit.write("reactive/it.py", FORKS.format(child=code, end=""))
    assert unit.run().status == 0
    assert "this process is a fork of the one that opened it" in (unit.directory / "told").read_text()


def test_a_pool_of_processes_in_a_handler(unit: Unit) -> None:
    unit.write(
        "reactive/it.py",
        """
        from multiprocessing import get_context
        from charms.reactive import hook, set_flag

        @hook("update-status")
        def it():
            set_flag("before")
            with get_context("fork").Pool(2) as pool:
                assert pool.map(abs, [-1, -2]) == [1, 2]
            set_flag("after")
        """,
    )
    done = unit.run()
    assert done.status == 0, done.stderr
    assert flag_rows(unit) == ["after", "before"]


def test_a_fork_that_lives_on_does_not_keep_a_killed_hook_alive(unit: Unit, tmp_path: Path) -> None:
    unit.write(
        "reactive/it.py",
        """
        import os, time
        from charms.reactive import hook, set_flag

        @hook("update-status")
        def it():
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
        """,
    )
    script(unit, 'set_flag early\nkill -KILL "$PPID"', "reactive/z.sh")
    unit.hook_file("hooks/update-status")
    process = subprocess.Popen(
        [str(unit.directory / "hooks" / "update-status")],
        env={**unit.env, "JUJU_HOOK_NAME": "update-status"},
        cwd=str(unit.directory),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.wait(60) == -signal.SIGKILL
        assert unit.command("get_flags").stdout == ""
    finally:
        os.killpg(process.pid, signal.SIGKILL)


# -- a child of a handler in Python ------------------------------------------------------------------
def test_a_child_of_a_python_handler_that_writes_fails_at_once_and_names_the_hook(unit: Unit) -> None:
    unit.write(
        "reactive/it.py",
        """
        import subprocess
        from charms.reactive import hook, set_flag

        @hook("update-status")
        def it():
            set_flag("before")
            done = subprocess.run(["bash", "-c", "charms.reactive set_flag x"], stderr=subprocess.PIPE)
            open("told", "wb").write(b"%d " % done.returncode + done.stderr)
            assert subprocess.call(["charms.reactive", "is_flag_set", "before"]) == 1
        """,
    )
    began = time.monotonic()
    done = unit.run()
    assert time.monotonic() - began < 30
    assert done.status == 0, done.stderr
    told = (unit.directory / "told").read_text()
    assert told.startswith("2 ")
    assert "the hook that has started this process holds it" in told
    assert "in a handler in Python" in told
    assert "charms.reactive.set_flag()" in told
    assert flag_rows(unit) == ["before"]


def test_also_after_a_shell_handler(unit: Unit) -> None:
    script(unit, "set_flag early", "reactive/a.sh")
    unit.write(
        "reactive/it.py",
        "import subprocess\nfrom charms.reactive import when\n@when('early')\ndef it():\n"
        "    assert subprocess.call(['charms.reactive', 'set_flag', 'x']) == 2\n",
    )
    began = time.monotonic()
    done = unit.run()
    assert done.status == 0, done.stderr
    assert time.monotonic() - began < 30


def test_it_arrives_where_the_handler_has_committed(unit: Unit) -> None:
    unit.write(
        "reactive/it.py",
        """
        import subprocess
        from charmhelpers.core import unitdata
        from charms.reactive import hook, is_flag_set, set_flag

        @hook("update-status")
        def it():
            set_flag("before")
            unitdata.kv().flush()
            subprocess.check_call(["charms.reactive", "set_flag", "x"])
            assert is_flag_set("x")
        """,
    )
    done = unit.run()
    assert done.status == 0, done.stderr
    assert flag_rows(unit) == ["before", "x"]


# -- in one process ------------------------------------------------------------------------------------
@pytest.fixture
def outside(framework: Framework) -> Iterator[Any]:
    """This process is not of the hook that has lent its state."""
    write_rows(framework.directory, {"reactive.states.set.by.it": "null"})
    hook = HookFile(str(state_file(framework.directory)))
    lent = {
        "reactive.dispatch.undo": "{}",
        "reactive.dispatch.undo.armed": json.dumps(hook.hook),
        "reactive.state_watch": json.dumps({"iteration": 0, "changes": [], "pending": [], "hook": hook.hook}),
    }
    write_rows(framework.directory, lent)
    yield hook
    hook.end(succeeded=True)


def test_every_row_that_is_written_beside_a_hook_is_noted(framework: Framework, outside: Any) -> None:
    set_flag("set.by.it")
    set_flag("new")
    framework.state.set("reactive.invoked.one", True)
    framework.state.unset("reactive.invoked.two")
    framework.state.set("reactive.dispatch.phase", "other")  # for one hook only
    framework.state.flush()
    assert json.loads(read_rows(framework.directory)["reactive.dispatch.kept"]) == {
        "reactive.states.set.by.it": "null",
        "reactive.states.new": "null",
        "reactive.invoked.one": "true",
        "reactive.invoked.two": None,
    }


def test_a_hook_that_dies_is_undone_by_a_process_that_had_begun_before(
    framework: Framework, outside: Any
) -> None:
    assert get_flags() == ["set.by.it"]
    outside.end(succeeded=False)
    set_flag("new")
    assert get_flags() == ["new"]
    framework.state.flush()
    assert read_rows(framework.directory) == {"reactive.states.new": "null"}


def test_a_lost_hook_is_refused_in_the_framework_as_well(
    framework: Framework, outside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARMS_REACTIVE_HOOK", outside.hook)
    assert get_flags() == ["set.by.it"]
    outside.end(succeeded=False)
    with pytest.raises(UnitStateError, match="has failed or was killed"):
        set_flag("late")
    with sqlite3.connect(str(state_file(framework.directory))) as state:
        state.execute("BEGIN IMMEDIATE")  # nothing is held
    state.close()


def test_a_lost_hook_is_written_down_once_and_only_beside_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    hook_file.write_down("lost", "")  # of a state that is in memory
    assert (os.listdir(here), os.listdir(tmp_path)) == ([], ["here"])
    state = str(here / "state")
    for _ in range(2):
        hook_file.write_down("lost", state)
    assert [path.read_text() for path in here.iterdir()] == ["lost\n"]
    assert lives("lost", state) is False
