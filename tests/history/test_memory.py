"""What each hook leaves in the unit's memory, and what it does not."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from charms_reactive import trace
from charms_reactive._dispatch import memory, notes
from charms_reactive._history import past
from charms_reactive._history.past import Hook, Place
from framework.support import Framework, Unit

SECRET = "pl4nted"

CHARM = """
    import os
    from charmhelpers.core import hookenv
    from charms.reactive import clear_flag, hook, register_trigger, set_flag, when, when_not
    from charms.reactive.flags import set_state

    register_trigger(when="app.installed", set_flag="app.stale")

    @when_not("app.installed")
    def install():
        set_state("app.installed", "{secret}")

    @when("app.stale")
    def render():
        clear_flag("app.stale")
        if os.path.exists("broken"):
            raise ValueError("the password is {secret}")
""".replace("{secret}", SECRET)


def file_of(unit: Any) -> Path:
    found: Path = unit.directory / ".unit-state.db-history"
    return found


def remembered(unit: Any) -> List[Hook]:
    return past.read(Place.of(unit.directory))


def run(unit: Unit, hook: str = "update-status", status: int = 0, **env: Optional[str]) -> Hook:
    """Run a hook; what is remembered of it."""
    done = unit.run(hook, env=env)
    assert done.status == status, done.stderr
    return remembered(unit)[-1]


@pytest.fixture
def charm(unit: Unit) -> Unit:
    unit.write("reactive/app.py", CHARM)
    return unit


# -- what is there ---------------------------------------------------------------------------------------
def test_a_hook_leaves_what_it_did(charm: Unit) -> None:
    before = time.time()
    hook = run(
        charm,
        "db-relation-changed",
        JUJU_RELATION_ID="db:3",
        JUJU_REMOTE_UNIT="sql/1",
        JUJU_REMOTE_APP="sql",
    )
    assert (hook.number, hook.name, hook.is_action, hook.unit) == (1, "db-relation-changed", False, "app/0")
    assert hook.about == {"relation": "db:3", "unit": "sql/1", "application": "sql"}
    assert hook.engine == charm.engine_name
    assert before - 1 <= hook.at <= time.time()
    assert hook.end == past.SUCCEEDED
    install, render = "reactive/app.py:9:install", "reactive/app.py:13:render"
    assert [id for id, _, _ in hook.ran] == [install, render]
    assert hook.changes == [
        ("app.installed", True, install),
        ("app.stale", True, "a trigger, in %s" % install),
        ("app.stale", False, render),
    ]
    assert hook.took is not None
    assert list(hook.told["spent"]) == ["start", "discovery", "handlers", "atexit", "commit"]
    assert abs(sum(hook.told["spent"].values()) - hook.took) < 25  # Linux tells the start in hundredths
    assert sum(took for _, _, took in hook.ran) <= hook.told["spent"]["handlers"] + 0.1


def test_the_file_is_its_owners_alone(charm: Unit) -> None:
    run(charm)
    assert stat.S_IMODE(file_of(charm).stat().st_mode) == 0o600
    file_of(charm).chmod(0o644)
    assert len(remembered(charm)) == 1
    run(charm)
    assert stat.S_IMODE(file_of(charm).stat().st_mode) == 0o600
    assert len(remembered(charm)) == 2


def test_a_failed_hook_says_where_and_what_was_rolled_back_and_not_the_text(charm: Unit) -> None:
    charm.write("broken", "")
    hook = run(charm, status=1)
    assert hook.end == past.FAILED
    assert hook.error == {
        "type": "ValueError",
        "handler": "reactive/app.py:13:render",
        "where": "reactive/app.py:17",
        "undone": [["app.installed", False]],
    }


def test_an_error_of_the_framework_keeps_its_text(unit: Unit) -> None:
    unit.write("reactive/app.py", "import no_such_module\n")
    hook = run(unit, status=1)
    assert hook.error is not None
    assert hook.error["type"] == "HandlerImportError"
    assert hook.error["text"].startswith("cannot import handlers from ")
    assert hook.error["handler"] is None


def test_a_hook_that_cannot_even_open_the_state_is_remembered(charm: Unit) -> None:
    (charm.directory / ".unit-state.db").write_text("this is no database, of any kind")
    hook = run(charm, status=1)
    assert hook.error is not None
    assert hook.error["type"] == "UnitStateError"


def test_a_handler_that_ends_the_hook_as_a_failure(unit: Unit) -> None:
    unit.write(
        "reactive/app.py", "from charms.reactive import *\n@hook('start')\ndef f(): raise SystemExit(3)\n"
    )
    hook = run(unit, "start", status=3)
    assert hook.error is not None
    assert (hook.error["type"], hook.error["text"]) == ("SystemExit", "exit status 3")


def test_no_value_is_in_it(charm: Unit) -> None:
    charm.answer("config-get", json.dumps({"password": SECRET}))
    charm.answer("relation-get", json.dumps({"password": SECRET}))
    charm.write("reactive/more.py", "from charmhelpers.core import hookenv\nfrom charms.reactive import *\n")
    run(charm, "install")
    charm.write("broken", "")
    charm.command("set_flag", "app.stale")
    run(charm, "install", 1)
    run(charm, "backup", 1, JUJU_HOOK_NAME="", JUJU_ACTION_NAME="backup")
    charm.write("broken", "no")
    text = file_of(charm).read_text()
    assert SECRET not in text
    assert "ValueError" in text


OF_THE_CHARM = {
    "a module that cannot be imported": "raise ValueError('%s')\n" % SECRET,
    "a handler of events": """
from charms.reactive import events, hook

class Rendered(events.Event):
    pass

@events.handle_event(Rendered)
def heard(event):
    raise ValueError("%s")

@hook("update-status")
def render():
    events.emit_event(Rendered)
"""
    % SECRET,
    "a failure that was foreseen": """
from charms.reactive import hook, status

@hook("update-status")
def work():
    with status.on_error(status.BlockedStatus("it broke")):
        raise ValueError("%s")
"""
    % SECRET,
}


@pytest.mark.long
@pytest.mark.parametrize("what", list(OF_THE_CHARM))
def test_an_error_of_ours_tells_no_text_of_the_charms_own(unit: Unit, what: str) -> None:
    unit.write("reactive/app.py", OF_THE_CHARM[what])
    hook = run(unit, status=1, CHARMS_REACTIVE_STRICT="1")
    assert hook.error is not None
    assert "ValueError" in hook.error["text"]
    assert SECRET not in file_of(unit).read_text()
    assert SECRET in unit.log_text()  # there it may stand, as it always has


def test_an_action_is_one(charm: Unit) -> None:
    hook = run(charm, "backup", JUJU_HOOK_NAME="", JUJU_ACTION_NAME="backup")
    assert (hook.name, hook.is_action, hook.shown) == ("backup", True, "action:backup")


BASH = """\
#!/bin/bash
source charms.reactive.sh

@when_not bash.done
function work() {
    set_flag bash.done
    charms.reactive set_flag bash.more
}

reactive_handler_main
"""


def test_changes_of_child_processes_and_of_others(unit: Unit) -> None:
    unit.write("reactive/b.sh", BASH, executable=True)
    unit.write(
        "reactive/c.sh",
        BASH.replace("bash.", "late.").replace(
            "charms.reactive set_flag",
            "env -u CHARMS_REACTIVE_HOOK -u CHARMS_REACTIVE_LENT charms.reactive set_flag",
        ),
        executable=True,
    )
    hook = run(unit)
    who = {flag: by for flag, _, by in hook.changes}
    assert who["bash.done"] == "a process of reactive/b.sh:5:work"
    assert who["bash.more"] == "a process of reactive/b.sh:5:work"
    assert who["late.done"] == "a process of reactive/c.sh:5:work"
    assert [flag for flag, _, _ in hook.changes].count("bash.done") == 1


def test_rows_that_the_charm_writes_itself_are_nobodys(unit: Unit) -> None:
    unit.write(
        "reactive/app.py",
        """
        from charmhelpers.core import unitdata
        from charms.reactive import hook, is_flag_set

        @hook("update-status")
        def odd():
            unitdata.kv().set("reactive.states.smuggled", None)
            assert is_flag_set("smuggled")
        """,
    )
    assert run(unit).changes == [("smuggled", True, "another process")]


def test_events_are_told_by_their_class(unit: Unit) -> None:
    unit.write(
        "reactive/app.py",
        """
        from charms.reactive import hook
        from charms.reactive.events import Event, emit_event, handle_event

        class Rendered(Event):
            path: str

        @handle_event(Rendered)
        def rendered(event): pass

        @hook("update-status")
        def render():
            emit_event(Rendered, path="%s")
        """
        % SECRET,
    )
    hook = run(unit)
    assert ("event", "Rendered") in hook.events
    assert SECRET not in file_of(unit).read_text()


# -- the setting -----------------------------------------------------------------------------------------
OPTION = "options:\n  reactive-history: {type: string, default: '50'}\n"


@pytest.mark.long
@pytest.mark.parametrize("off", ["0", "off", "false"])
def test_off_by_the_option_or_the_variable(charm: Unit, off: str) -> None:
    charm.write("config.yaml", OPTION)
    charm.answer("config-get", json.dumps({"reactive-history": off}))
    assert charm.run().status == 0
    assert not file_of(charm).exists()
    run(charm, CHARMS_REACTIVE_HISTORY="20")  # the variable goes before it
    charm.answer("config-get", json.dumps({"reactive-history": "50"}))
    assert charm.run(env={"CHARMS_REACTIVE_HISTORY": off}).status == 0
    assert len(remembered(charm)) == 1
    run(charm)
    assert len(remembered(charm)) == 2


def test_off_where_the_option_cannot_be_asked_for(charm: Unit) -> None:
    charm.write("config.yaml", OPTION)
    assert charm.run("collect-metrics").status == 0
    assert not file_of(charm).exists()
    run(charm, "collect-metrics", CHARMS_REACTIVE_HISTORY="5")
    (charm.directory / "config.yaml").unlink()
    assert run(charm, "collect-metrics").name == "collect-metrics"


def test_off_where_juju_does_not_answer(charm: Unit) -> None:
    """And no hook fails for it."""
    charm.write("config.yaml", OPTION + "  reactive-otlp: {type: string, default: ''}\n")
    charm.tool("config-get", "#!/bin/sh\nexit 1\n")
    assert charm.run().status == 0
    assert not file_of(charm).exists()


def test_off_where_no_juju_runs_the_hook(charm: Unit) -> None:
    """Suites of charms call main() in their own processes."""
    assert charm.run(env={"JUJU_CONTEXT_ID": None}).status == 0
    assert not file_of(charm).exists()
    run(charm, JUJU_CONTEXT_ID=None, CHARMS_REACTIVE_HISTORY="50")


@pytest.mark.parametrize("odd", ["-1", "many", "1001", "0x10"])
def test_an_odd_setting_is_told_and_taken_for_the_default(charm: Unit, odd: str) -> None:
    run(charm, CHARMS_REACTIVE_HISTORY=odd)
    told = "CHARMS_REACTIVE_HISTORY must be 0, a number of hooks up to 1000, or full, not %r; using 50" % odd
    assert ("WARNING", told) in charm.logged()


@pytest.mark.parametrize("in_process", [True, False])
def test_the_desk_has_none_unless_it_is_asked_for(
    in_process: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from charms_reactive.testing import Unit as SimulatedUnit

    (tmp_path / "app" / "reactive").mkdir(parents=True)
    (tmp_path / "app" / "metadata.yaml").write_text("name: app\n")
    (tmp_path / "app" / "reactive" / "app.py").write_text(
        "from charmhelpers.core import hookenv\nfrom charms.reactive import *\n"
        "@when_not('done')\ndef f():\n    set_flag('done')\n    hookenv.status_set('active', 'it is up')\n"
    )
    unit = SimulatedUnit(tmp_path / "app", in_process=in_process)
    then = unit.run("install")
    assert then.succeeded
    assert not list(unit._unit.charm_dir.glob(".unit-state.db-history"))
    monkeypatch.setenv("CHARMS_REACTIVE_HISTORY", "50")
    then = unit.run("install")
    (hook,) = past.read(Place.of(unit._unit.charm_dir))
    assert [id for id, _, _ in hook.ran] == ["reactive/app.py:3:f"]
    assert trace.notes is None
    if not in_process:  # an agent is asked there
        assert hook.told["status"] == ["active", "it is up"]
        assert "status-set" in [name for name, _, _ in hook.tools]
        assert all(took >= 0 and at > 0 for _, at, took in hook.tools)


# -- what is no file, and disks that are full ------------------------------------------------------------
@pytest.mark.long
@pytest.mark.parametrize("kind", ["link", "dangling link", "second name", "pipe", "directory", "device"])
def test_what_is_no_file_of_its_own_is_left_alone(charm: Unit, tmp_path: Path, kind: str) -> None:
    path, victim = file_of(charm), tmp_path / "victim"
    if kind != "dangling link":
        victim.write_text("precious")
    if kind.endswith("link"):
        path.symlink_to(victim)
    elif kind == "second name":
        os.link(str(victim), str(path))
    elif kind == "pipe":
        os.mkfifo(str(path))
    elif kind == "directory":
        path.mkdir()
    else:
        os.mknod(str(path), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    before = os.lstat(str(path))
    for _ in range(2):
        assert charm.run().status == 0
    after = os.lstat(str(path))
    assert (before.st_ino, before.st_mode, before.st_size) == (after.st_ino, after.st_mode, after.st_size)
    assert victim.read_text() == "precious" if victim.exists() else kind == "dangling link"
    assert [level for level, _ in charm.logged() if level in ("WARNING", "ERROR")] == []


def test_a_line_that_was_cut_off_costs_no_other(charm: Unit) -> None:
    run(charm)
    with file_of(charm).open("ab") as file:
        file.write(b'{"begin":"0123456789ab","hook":"sta')
    run(charm, "start")
    assert [hook.name for hook in remembered(charm)] == ["update-status", "start"]
    with file_of(charm).open("r+b") as file:
        file.truncate(file_of(charm).stat().st_size - 30)
    hook = run(charm, "stop")
    assert hook.end == past.SUCCEEDED
    assert hook.handlers is not None
    assert [hook.name for hook in remembered(charm)] == ["update-status", "start", "stop"]


@pytest.mark.parametrize("what", ["nothing", "half", "an error"])
def test_a_full_disk_fails_no_hook(framework: Framework, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    framework.write("reactive/app.py", CHARM)
    monkeypatch.setenv("CHARMS_REACTIVE_HISTORY", "50")
    real = os.write

    def write(fd: int, data: bytes) -> int:
        if not data.lstrip(b"\n").startswith((b'{"begin"', b'{"end"', b'{"handlers"')):
            return real(fd, data)
        if what == "an error":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[: len(data) // 2] if what == "half" else b"")

    monkeypatch.setattr(os, "write", write)
    framework.main()
    assert framework.committed_flags() == ["app.installed"]
    monkeypatch.setattr(os, "write", real)
    framework.main()
    assert [hook.name for hook in remembered(framework)] == ["update-status"]


def test_a_bug_of_it_fails_no_hook(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> None:
    framework.write("reactive/app.py", CHARM)
    monkeypatch.setenv("CHARMS_REACTIVE_HISTORY", "50")
    monkeypatch.setattr(memory, "_table", lambda: 1 / 0)
    framework.main()
    assert framework.committed_flags() == ["app.installed"]


def test_a_read_only_disk_fails_no_hook(unit: Unit) -> None:
    """Root may write wherever a mode forbids it: so the file is one that nobody may write, by its flag."""
    unit.write("reactive/app.py", CHARM)
    run(unit)
    done = unit.execute(["chattr", "+i", str(file_of(unit))])
    if done.status:
        pytest.skip("this file system has no immutable files: %s" % done.stderr)
    try:
        assert unit.run("start").status == 0
    finally:
        unit.execute(["chattr", "-i", str(file_of(unit))])
    assert [hook.name for hook in remembered(unit)] == ["update-status"]


# -- hooks that are killed, and those that run ----------------------------------------------------------
def killing(number: int) -> str:
    return (
        """
        import os
        from charms.reactive import hook, set_flag

        @hook("start")
        def first(): pass

        @hook("start")
        def second():
            set_flag("x")
            os.kill(os.getpid(), %d)
        """
        % number
    )


def test_a_killed_hook_is_known_by_the_next_and_says_in_which_handler(unit: Unit) -> None:
    unit.write("reactive/app.py", killing(signal.SIGKILL))
    assert unit.run("start").status == -signal.SIGKILL
    (hook,) = remembered(unit)
    assert (hook.end, hook.inside) == (past.KILLED, "reactive/app.py:8:second")
    unit.write("reactive/app.py", "")
    run(unit, "start")
    assert [(hook.number, hook.end) for hook in remembered(unit)] == [(2, past.KILLED), (1, past.SUCCEEDED)]


def test_a_hook_that_runs_is_told_as_such(unit: Unit) -> None:
    unit.write(
        "reactive/app.py",
        """
        import subprocess
        from charms.reactive import hook

        @hook("start")
        def look():
            with open("seen", "wb") as seen:
                subprocess.run(["charms.reactive", "history"], stdout=seen, check=True)
        """,
    )
    run(unit, "start")
    assert "runs, in reactive/app.py:5:look" in (unit.directory / "seen").read_text()


def test_a_hook_inside_of_another_is_told_as_one_that_runs_too(unit: Unit) -> None:
    """It is not in the hook file, in which the one around it stands."""
    unit.hook_file("hooks/stop")
    unit.write(
        "reactive/app.py",
        """
        import subprocess
        from charms.reactive import hook

        @hook("stop")
        def inner():
            with open("seen", "wb") as seen:
                subprocess.run(["charms.reactive", "history"], stdout=seen, check=True)
        """,
    )
    unit.write(
        "reactive/b.sh",
        BASH.replace("@when_not bash.done", "@hook start").replace(
            "set_flag bash.done", "JUJU_HOOK_NAME=stop hooks/stop"
        ),
        executable=True,
    )
    run(unit, "start")
    seen = (unit.directory / "seen").read_text()
    assert "runs, in reactive/b.sh:5:work" in seen
    assert "runs, in reactive/app.py:5:inner" in seen
    assert {hook.name: hook.end for hook in remembered(unit)} == dict.fromkeys(
        ("start", "stop"), past.SUCCEEDED
    )


@pytest.mark.parametrize("what", ["hook", "action"])
def test_what_fails_before_anything_else_is_remembered_as_what_it_is(charm: Unit, what: str) -> None:
    run(charm)
    (charm.directory / ".unit-state.db").write_bytes(b"no database at all, and longer than a header" * 9)
    if what == "hook":
        hook = run(charm, "update-status", status=1)
        assert (hook.shown, hook.end) == ("update-status", past.FAILED)
    else:
        charm.hook_file("actions/check")
        env = {"JUJU_HOOK_NAME": "", "JUJU_ACTION_NAME": "check", "JUJU_ACTION_UUID": "1"}
        assert charm.run("", entry="actions/check", env=env).status == 1
        hook = remembered(charm)[-1]
        assert (hook.shown, hook.end) == ("action:check", past.FAILED)


@pytest.mark.parametrize("odd", [None, "x", [], {}, -1, [[]], "missing"], ids=repr)
def test_a_line_of_another_version_takes_no_other_hook_away(framework: Framework, odd: Any) -> None:
    """Each value of the first hook's lines is once something else than it should be."""
    noted(framework.directory, 1)
    noted(framework.directory, 2)
    place = Place.of(framework.directory)
    lines = place.file.read_bytes().splitlines()
    last = past.read(place)[-1].end
    tried = 0
    for index, line in enumerate(lines[: len(lines) // 2]):
        document = json.loads(line)
        for name in document:
            other = {**document, name: odd}
            if odd == "missing":
                del other[name]
            changed = [*lines[:index], json.dumps(other).encode(), *lines[index + 1 :]]
            place.file.write_bytes(b"\n".join(changed) + b"\n")
            assert past.read(place)[-1].end == last, name
            tried += 1
    assert tried >= 4


def test_a_handler_with_an_odd_name_keeps_the_line_whole(framework: Framework) -> None:
    hook = noted(framework.directory, 1, ids=['reactive/a"b\\c\n\u00e9.py:1:f'])
    assert hook.inside == "reactive/a?b?c??.py:1:f"


# -- how much of it there is -----------------------------------------------------------------------------
def noted(
    directory: Path,
    hooks: int,
    changes: int = 3,
    ids: Any = ("reactive/app.py:1:f",),
    keep: int = 50,
    largest: Optional[List[int]] = None,
) -> Hook:
    """Write so many hooks into the memory of a unit, as hooks do."""
    from charms_reactive._unit_state import unit_state

    class Named:
        def __init__(self, id: str) -> None:
            self._id = id

        def id(self) -> str:
            return self._id

    unit_state.unit.fresh()
    file = directory / ".unit-state.db-history"
    for number in range(hooks):
        note = notes.Notes(False, True)
        writer = memory.Memory(note)
        writer.begin("hook-%d" % number, False, keep, False)
        note.dispatch()
        for id in ids:
            note.invoke(Named(id))  # type: ignore[arg-type]
            note.changed([("flag.%d" % change, True) for change in range(changes)], False)
        note.enter("commit")
        writer.end()
        if largest is not None:
            largest.append(file.stat().st_size)
    return past.read(Place.of(directory))[-1]


def test_ten_thousand_hooks_are_no_more_than_fifty(framework: Framework) -> None:
    sizes: List[int] = []
    hook = noted(framework.directory, 10_000, largest=sizes)
    assert hook.name == "hook-9999"
    hooks = past.read(Place.of(framework.directory))
    assert 50 <= len(hooks) < 100
    assert [hook.name for hook in hooks] == ["hook-%d" % n for n in range(10_000 - len(hooks), 10_000)]
    assert all(hook.end == past.SUCCEEDED and hook.handlers is not None for hook in hooks)
    assert max(sizes) < 100_000
    assert list(framework.directory.glob(".unit-state.db-history*")) == [
        framework.directory / ".unit-state.db-history"
    ]


def test_large_hooks_are_no_more_than_a_megabyte(framework: Framework) -> None:
    sizes: List[int] = []
    ids = ["reactive/%s.py:%d:f" % ("x" * 60, number) for number in range(300)]
    hook = noted(framework.directory, 60, changes=5, ids=ids, largest=sizes)
    assert max(sizes) <= memory.LARGEST
    assert hook.name == "hook-59"
    assert len(hook.ran) == 300
    assert len(past.read(Place.of(framework.directory))) >= 3


def test_a_hook_that_does_very_much_says_that_it_did_more(framework: Framework) -> None:
    hook = noted(framework.directory, 1, changes=100_000)
    assert hook.cut
    assert len(hook.changes) < notes.MOST
    assert file_of(framework).stat().st_size < 200_000


def test_hooks_that_are_all_killed_do_not_fill_the_disk(framework: Framework) -> None:
    from charms_reactive._unit_state import unit_state

    unit_state.unit.fresh()
    for number in range(3000):
        writer = memory.Memory(notes.Notes(False, True))
        writer.begin("hook-%d" % number, False, 50, False)
        assert writer._fd is not None
        os.close(writer._fd)
    assert file_of(framework).stat().st_size <= memory.LARGEST
    assert remembered(framework)[-1].name == "hook-2999"


def test_fewer_are_kept_if_that_is_asked_for(framework: Framework) -> None:
    noted(framework.directory, 20, keep=3)
    assert 3 <= len(remembered(framework)) < 6
    noted(framework.directory, 20, keep=0)
    assert remembered(framework)[-1].name == "hook-19"
    assert len(remembered(framework)) < 6


def test_where_it_cannot_be_made_shorter_it_does_not_grow(framework: Framework) -> None:
    (framework.directory / ".unit-state.db-history.new").mkdir()
    ids = ["reactive/%s.py:%d:f" % ("x" * 60, number) for number in range(300)]
    noted(framework.directory, 60, ids=ids)
    assert file_of(framework).stat().st_size <= memory.LARGEST


def test_two_hooks_at_once_keep_their_lines_apart(framework: Framework) -> None:
    """Juju runs collect-metrics beside another hook."""
    from charms_reactive._unit_state import unit_state

    unit_state.unit.fresh()
    writers = [memory.Memory(notes.Notes(False, True)) for _ in range(4)]
    for number, writer in enumerate(writers):
        writer.begin("hook-%d" % number, False, 2, False)
    for writer in writers:
        writer.end()
    assert [(hook.name, hook.end) for hook in remembered(framework)] in (
        [("hook-2", past.SUCCEEDED), ("hook-3", past.SUCCEEDED)],
        [("hook-%d" % number, past.SUCCEEDED) for number in range(4)],
    )


def test_handlers_are_written_where_they_are_new(charm: Unit) -> None:
    for hook in ("install", "start", "update-status"):
        run(charm, hook)
    assert file_of(charm).read_text().count('{"handlers":') == 1
    charm.write("reactive/more.py", "from charms.reactive import *\n@when('never')\ndef more(): pass\n")
    run(charm, "upgrade-charm")
    assert file_of(charm).read_text().count('{"handlers":') == 2
    known = [[row[0] for row in hook.handlers or []] for hook in remembered(charm)]
    assert [len(ids) for ids in known] == [2, 2, 2, 3]


def test_a_unit_with_very_many_flags(framework: Framework, monkeypatch: pytest.MonkeyPatch) -> None:
    from charms_reactive import set_flag

    monkeypatch.setenv("CHARMS_REACTIVE_HISTORY", "50")
    for number in range(20_000):
        set_flag("many.%d" % number)
    framework.state.commit()
    framework.write(
        "reactive/app.py", "from charms.reactive import *\n@when('many.7', 'no.such')\ndef f(): pass\n"
    )
    framework.main()
    (hook,) = remembered(framework)
    assert hook.told["flags"] == 20_000
    assert hook.events[0] == ("start", ["many.7"])
    assert file_of(framework).stat().st_size < 5000


def test_a_unit_state_in_memory_or_elsewhere(charm: Unit, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run_there: Dict[str, Optional[str]] = {"UNIT_STATE_DB": str(elsewhere / "state.db")}
    assert charm.run(env=run_there).status == 0
    assert not file_of(charm).exists()
    assert len(past.read(Place.of(charm.directory, str(elsewhere / "state.db")))) == 1
    assert charm.run(env={"UNIT_STATE_DB": ":memory:"}).status == 0
    assert not list(charm.directory.glob("*history*"))
