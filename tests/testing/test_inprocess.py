"""Hooks in this interpreter: what they are, how they end, and what starts a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, List

import pytest
from inprocess import Probe

from charms_reactive.testing import hooktools
from charms_reactive.testing._running.inprocess import execute


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    return Probe(tmp_path / "charm")


# -- what runs ---------------------------------------------------------------------------------------
def test_dispatch_goes_before_the_file_of_the_hook(probe: Probe) -> None:
    probe.write(
        "dispatch", "#!/usr/bin/env python3\nimport sys\nprint('dispatch', sys.argv)", executable=True
    )
    assert probe.python("print('hook')").stdout == "dispatch ['%s']\n" % (probe.directory / "dispatch")


@pytest.mark.parametrize(
    "first",
    [
        "#!/usr/bin/python3",
        "#!/usr/bin/env python3",
        "#!/usr/bin/env -S python3 -u",
        "#! /usr/bin/env python3.8",
        "#!/usr/local/sbin/charm-env python3",
        "#!/usr/bin/env charm-env",
    ],
)
def test_a_python_file_runs_here_whatever_finds_the_interpreter(probe: Probe, first: str) -> None:
    probe.write("hooks/probe", first + "\nimport os\nprint(os.getpid())\n", executable=True)
    assert probe.run("probe").stdout == "%d\n" % os.getpid()


def test_a_symbolic_link_is_run_under_its_own_name(probe: Probe) -> None:
    probe.write("lib/beside.py", "")
    probe.write(
        "lib/hook.py", "#!/usr/bin/env python3\nimport sys, beside\nprint(sys.argv[0])\n", executable=True
    )
    (probe.directory / "hooks").mkdir()
    (probe.directory / "hooks/probe").symlink_to("../lib/hook.py")
    ran = probe.run("probe")
    assert ran.stdout == "%s\n" % (probe.directory / "hooks/probe"), ran.stderr


def test_any_other_file_is_a_process(probe: Probe) -> None:
    text = "#!/bin/bash\nconfig-get port\nstatus-set active up\necho oops >&2\nexit 3\n"
    probe.write("hooks/probe", text, executable=True)
    ran = probe.run("probe")
    assert (ran.exit_status, ran.stdout, ran.stderr) == (3, "80\n", "oops\n")
    assert probe.side.juju["status"]["unit"] == {"status": "active", "message": "up"}


def test_a_file_that_is_not_executable_cannot_be_run(probe: Probe) -> None:
    probe.write("hooks/probe", "#!/usr/bin/env python3\nprint('ran')\n")
    ran = probe.run("probe")
    assert (ran.exit_status, ran.stdout) == (126, "")
    assert "not executable" in ran.stderr


def test_without_a_file_the_framework_runs_with_lib_on_the_path(probe: Probe) -> None:
    probe.write("lib/mine.py", "name = 'mine'\n")
    ran = probe.handlers("""
        import mine

        @hook("probe")
        def handler():
            print(mine.name)
            hookenv.status_set("active", "up")
    """)
    assert (ran.exit_status, ran.stdout) == (0, "mine\n"), ran.stderr
    assert ["status-set", "active", "up"] in probe.calls


def test_handlers_that_a_test_defines(probe: Probe) -> None:
    told: List[Any] = []

    def define() -> None:
        from charms.reactive import set_flag, when, when_not

        @when_not("a")
        def first() -> None:
            set_flag("a")

        @when("a")
        def second() -> None:
            told.append("second")

    probe.run("update-status", prepare=define)
    assert told == ["second"]


LAYERED = """
    import sys
    sys.path.append("lib")

    from charms.layer import basic
    basic.bootstrap_charm_deps()

    from charmhelpers.core import hookenv
    hookenv.atstart(basic.init_config_states)
    hookenv.atexit(basic.clear_config_states)

    from charms.reactive import main
    main()
"""

BASIC = """
    import os, sys
    from charmhelpers.core import hookenv

    def bootstrap_charm_deps():
        os.execve(sys.executable, [sys.executable, "-c", "print('bootstrapped')"], {})

    def init_config_states():
        from charms.reactive import toggle_flag
        for option, value in hookenv.config().items():
            toggle_flag("config.set." + option, value)

    def clear_config_states():
        from charms.reactive import clear_flag
        for option in hookenv.config():
            clear_flag("config.set." + option)
"""


def test_a_driver_of_layer_basic(probe: Probe) -> None:
    """Bootstrap is done already: no virtual environment is built, and nothing executed anew."""
    probe.write("lib/charms/layer/__init__.py", "")
    probe.write("lib/charms/layer/basic.py", BASIC)
    probe.write(
        "reactive/site.py",
        "from charms.reactive import *\n@when('config.set.port')\ndef f():\n    print(get_flags())\n",
    )
    for _ in range(2):
        ran = probe.python(LAYERED)
        assert (ran.exit_status, ran.stdout) == (0, "['config.set.motto', 'config.set.port']\n"), ran.stderr


# -- how it ends -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("statement", "status", "stderr"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(None)", 0, ""),
        ("raise SystemExit", 0, ""),
        ("import sys; sys.exit(0)", 0, ""),
        ("import sys; sys.exit(True)", 1, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit(256)", 0, ""),
        ("import sys; sys.exit(-1)", 255, ""),
        ("import sys; sys.exit('no disk')", 1, "no disk\n"),
        ("import sys; sys.exit((1, 2))", 1, "(1, 2)\n"),
        ("import os; os._exit(4)", 4, ""),
        ("import os; os.abort()", -signal.SIGABRT, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
        ("import os, signal; os.kill(os.getpid(), 0)", 0, ""),
        ("import os; os.execlp('sh', 'sh', '-c', 'exit 5')", 5, ""),
        ("import os; os.execv('/bin/sh', ['sh', '-c', 'exit $X'])", 0, ""),
        ("import os; os.execve('/bin/sh', ['sh', '-c', 'exit $X'], {'X': '6'})", 6, ""),
    ],
)
def test_exit_status(probe: Probe, statement: str, status: int, stderr: str) -> None:
    ran = probe.python(statement + "\n")
    assert (ran.exit_status, ran.stderr, ran.exception) == (status, stderr, None)
    assert not ran.timed_out


def test_an_exception_is_told_as_a_process_tells_it(probe: Probe) -> None:
    ran = probe.python("""
        def inner():
            raise ValueError("broken")
        inner()
    """)
    assert ran.exit_status == 1
    lines = ran.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == '  File "%s", line 5, in <module>' % (probe.directory / "hooks/probe")
    assert lines[-1] == "ValueError: broken"
    assert ran.traceback == ran.stderr
    assert repr(ran.exception) == "ValueError('broken')"


def test_the_exception_keeps_no_frames(probe: Probe) -> None:
    ran = probe.python("""
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise ValueError("broken") from error
    """)
    assert isinstance(ran.exception, ValueError)
    assert ran.exception.__traceback__ is None
    assert isinstance(ran.exception.__cause__, ZeroDivisionError)
    assert ran.exception.__cause__.__traceback__ is None


def test_a_syntax_error_in_the_hook(probe: Probe) -> None:
    ran = probe.python("def\n")
    assert ran.exit_status == 1
    assert isinstance(ran.exception, SyntaxError)


def test_a_failing_handler_rolls_back(probe: Probe) -> None:
    ran = probe.handlers("""
        @when_not("never")
        def handler():
            set_flag("kept")
            1 / 0
    """)
    assert (ran.exit_status, type(ran.exception)) == (1, ZeroDivisionError)
    assert "kept is clear again" in probe.logged
    probe.write(
        "reactive/probe.py", "from charms.reactive import *\n@when_not('x')\ndef f(): print(get_flags())\n"
    )
    assert probe.run("probe").stdout == "[]\n"


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_a_process_that_is_gone_says_and_keeps_nothing(probe: Probe, how: str) -> None:
    ran = probe.handlers(
        """
        import os
        @when_not("never")
        def handler():
            set_flag("kept")
            %s
    """
        % how
    )
    assert ran.exit_status != 0
    assert "Hook error" not in probe.logged
    probe.write(
        "reactive/probe.py", "from charms.reactive import *\n@when_not('x')\ndef f(): print(get_flags())\n"
    )
    assert probe.run("probe").stdout == "[]\n"


def test_except_exception_does_not_catch_the_end_of_the_process(probe: Probe) -> None:
    ran = probe.python("""
        import os
        try:
            os._exit(3)
        except Exception:
            print("caught")
    """)
    assert (ran.exit_status, ran.stdout) == (3, "")


def test_the_test_s_own_exceptions_go_through(probe: Probe) -> None:
    before = os.getcwd(), dict(os.environ)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        probe.run("probe", prepare=interrupt)
    with pytest.raises(pytest.fail.Exception):
        probe.run("probe", prepare=lambda: pytest.fail("in a handler"))
    assert (os.getcwd(), dict(os.environ)) == before
    assert probe.python("print(1)").stdout == "1\n"


# -- time --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "waiting",
    ["time.sleep(60)", "subprocess.call(['sleep', '60'])", "\nwhile True: pass", "threading.Event().wait()"],
)
def test_a_hook_that_takes_too_long_is_ended(probe: Probe, waiting: str) -> None:
    ran = probe.python("import subprocess, threading, time\n" + waiting, timeout=0.15)
    assert ran.timed_out
    assert ran.exit_status == -signal.SIGKILL
    assert 0.1 < ran.duration < 10
    assert probe.python("print(1)").stdout == "1\n"


def test_a_hook_that_swallows_everything_is_ended_all_the_same(probe: Probe) -> None:
    ran = probe.python(
        """
        import time
        try:
            time.sleep(60)
        except:
            time.sleep(60)
        """,
        timeout=0.1,
    )
    assert ran.timed_out


def test_an_alarm_of_the_test_is_set_again(probe: Probe) -> None:
    def handler(*_: object) -> None:
        pass

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 50)
        probe.python("pass")
        assert signal.getsignal(signal.SIGALRM) is handler
        assert 40 < signal.setitimer(signal.ITIMER_REAL, 0)[0] <= 50
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_in_a_thread(probe: Probe) -> None:
    ran: List[Any] = []
    thread = threading.Thread(target=lambda: ran.append(probe.handlers("print(hookenv.config('port'))")))
    thread.start()
    thread.join()
    assert ran[0].stdout == "80\n", ran[0].stderr


def test_duration_and_processor_time_with_those_of_children(probe: Probe) -> None:
    ran = probe.python("import subprocess\nsubprocess.call(['sleep', '0.1'])")
    assert 0.1 < ran.duration < 10
    busy = "import time; end = time.process_time() + 0.1\\nwhile time.process_time() < end: pass"
    ran = probe.python("import subprocess, sys\nsubprocess.call([sys.executable, '-c', '''%s'''])" % busy)
    assert ran.cpu > 0.1


# -- streams and processes ---------------------------------------------------------------------------
def test_output_of_python_and_of_children_in_order(probe: Probe, capfd: pytest.CaptureFixture[str]) -> None:
    ran = probe.python("""
        import os, subprocess, sys
        print("one")
        subprocess.call(["echo", "two"])
        print("three", file=sys.stderr)
        os.system("echo four; echo five >&2")
        os.write(1, b"six\\n")
        print("seven", flush=True)
        subprocess.check_call("echo eight | cat", shell=True)
        print("ünï")
    """)
    assert ran.stdout == "one\ntwo\nfour\nsix\nseven\neight\nünï\n"
    assert ran.stderr == "three\nfive\n"
    assert capfd.readouterr() == ("", "")


def test_os_write_without_any_child(probe: Probe, capfd: pytest.CaptureFixture[str]) -> None:
    ran = probe.python("import os\nos.write(1, b'one')\nos.write(2, b'two')")
    assert (ran.stdout, ran.stderr) == ("one", "two")
    assert capfd.readouterr() == ("", "")


def test_children_call_hook_tools_and_both_sides_see_it(probe: Probe) -> None:
    ran = probe.handlers("""
        import os, subprocess

        @when_not("never")
        def handler():
            hookenv.status_set("maintenance", "before")
            print(subprocess.check_output("config-get port; status-get; relation-ids db", shell=True))
            script = "status-set active 'by a child'; config-get port | tr 8 9 >&2"
            subprocess.check_call(["bash", "-c", script])
            print(hookenv.status_get(), subprocess.check_output(["sh", "-c", "env | grep -c ^JUJU_"]) > b"3")
    """)
    assert ran.exit_status == 0, ran.stderr
    assert ran.stdout == "b'80\\nmaintenance\\n'\n('active', 'by a child') True\n"
    assert ran.stderr == "90\n"
    assert probe.side.juju["status"]["unit"] == {"status": "active", "message": "by a child"}
    tools = [call[0] for call in probe.calls if call[0] != "juju-log"]
    assert tools == [
        "status-set",
        "config-get",
        "status-get",
        "relation-ids",
        "status-set",
        "config-get",
        "status-get",
    ]


def test_shell_handlers(probe: Probe) -> None:
    probe.write(
        "reactive/app.sh",
        """\
        #!/bin/bash
        source charms.reactive.sh
        @when_not 'shell.done'
        function work() {
            status-set active "$(config-get port)"
            charms.reactive set_flag shell.done
        }
        reactive_handler_main
        """,
        executable=True,
    )
    ran = probe.handlers("@when('shell.done')\ndef after():\n    print(get_flags())\n")
    assert (ran.exit_status, ran.stdout) == (0, "['shell.done']\n"), ran.stderr
    assert probe.side.juju["status"]["unit"] == {"status": "active", "message": "80"}


def test_the_directory_for_processes_is_made_only_then(probe: Probe, tmp_path: Path) -> None:
    home = tmp_path / "juju"
    probe.python("import subprocess\nsubprocess.call(['config-get'])", juju_dir=home)
    assert not home.exists()
    probe.python("import subprocess\nsubprocess.call('config-get | cat', shell=True)", juju_dir=home)
    assert sorted(path.name for path in (home / "bin").iterdir()) == sorted(hooktools.tools_of("3.6.0"))


def test_a_child_that_outlives_the_hook_is_refused(probe: Probe, tmp_path: Path) -> None:
    said = tmp_path / "said"
    probe.python(
        "import subprocess\nsubprocess.Popen('sleep 0.3; config-get port 2> %s', shell=True)" % said,
        juju_dir=tmp_path / "juju",
    )
    deadline = time.monotonic() + 20
    while not (said.exists() and said.read_text().endswith("\n")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "wrong context ID; got" in said.read_text()


def test_a_forked_child_never_comes_back_to_the_test(probe: Probe) -> None:
    ran = probe.python("""
        import os, sys
        print("parent and child", flush=True)
        child = os.fork()
        if not child:
            print("child", flush=True)
            sys.exit(7)
        print(os.WEXITSTATUS(os.waitpid(child, 0)[1]))
    """)
    assert ran.stdout == "parent and child\nchild\n7\n"


def test_exec_runs_the_program_in_place_of_the_hook(probe: Probe) -> None:
    ran = probe.python("""
        import os
        print("before")
        os.execlp("sh", "sh", "-c", "config-get port; echo after >&2; exit 4")
        print("never")
    """)
    assert (ran.exit_status, ran.stdout, ran.stderr) == (4, "before\n80\n", "after\n")


def test_exec_of_what_is_not_there_is_an_error_that_the_hook_can_catch(probe: Probe) -> None:
    ran = probe.python("""
        import os
        try:
            os.execvp("no-such-program", ["no-such-program"])
        except FileNotFoundError as error:
            print("caught")
        os.execv("/no/such/program", ["x"])
    """)
    assert (ran.exit_status, ran.stdout, type(ran.exception)) == (1, "caught\n", FileNotFoundError)


def test_nothing_but_memory_sides_is_taken(probe: Probe, tmp_path: Path) -> None:
    side = hooktools.FileSide(tmp_path)
    with pytest.raises(TypeError, match="MemorySide"):
        execute(probe.directory, "hooks/probe", probe.environment, side)
    assert sys.argv
