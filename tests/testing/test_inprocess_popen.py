"""Hook tools without a process: all of what ``subprocess`` offers works as with one, and the two agree."""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path

import pytest
from inprocess import Probe

from charms_reactive.testing import hooktools
from charms_reactive.testing._running import inprocess

pytestmark = pytest.mark.long


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    return Probe(tmp_path / "charm")


# Each prints what it sees; the same program runs here and as a process, where hook tools are processes.
PROGRAMS = {
    "call": "print(subprocess.call(['config-get', 'port']))",
    "check_call": "print(subprocess.check_call(['status-set', 'active']))",
    "check_output": "print(subprocess.check_output(['config-get', 'port']))",
    "text": "print(repr(subprocess.check_output(['config-get', 'motto'], text=True)))",
    "universal_newlines": "print(subprocess.check_output(['config-get', 'motto'], universal_newlines=True))",
    "encoding": "print(repr(subprocess.check_output(['config-get', 'motto'], encoding='latin-1')))",
    "errors": "print(ascii(subprocess.check_output(['config-get', 'motto'], errors='replace')))",
    "contradiction": "subprocess.run(['config-get'], text=True, universal_newlines=False)",
    "run": "print(subprocess.run(['config-get', 'port'], stdout=subprocess.PIPE, check=True))",
    "capture_output": "done = subprocess.run(['config-get', '-x'], capture_output=True); print(done)",
    "status": "print(subprocess.run(['config-get', 'a', 'b'], stderr=subprocess.DEVNULL).returncode)",
    "check": "subprocess.run(['relation-get', '-r', 'db:9', '-'], stderr=subprocess.PIPE, check=True)",
    "stderr in the error": """
        try:
            subprocess.check_output(["config-get", "-x"], stderr=subprocess.STDOUT)
        except subprocess.CalledProcessError as error:
            print(error.returncode, error.output, error.cmd, error)
    """,
    "getoutput": "print(subprocess.getoutput('config-get port'), subprocess.getstatusoutput('is-leader'))",
    "os.popen": "print(os.popen('config-get port').read())",
    "os.system": "print(os.system('config-get port'), os.WEXITSTATUS(os.system('config-get -x')))",
    "shell": "print(subprocess.check_output('config-get port', shell=True))",
    "shell with quotes": 'print(subprocess.check_output(\'status-set "active" "it works"\', shell=True))',
    "shell pipeline": "print(subprocess.check_output('config-get port | tr 8 9', shell=True))",
    "shell list": "print(subprocess.check_output(['config-get port'], shell=True))",
    "words in a shell list": "print(subprocess.check_output(['config-get \"$0\"', 'port'], shell=True))",
    "string": "print(subprocess.check_output('config-get'))",
    "bytes": "print(subprocess.check_output([b'config-get', b'port']))",
    "path": "from pathlib import Path; print(subprocess.check_output([Path('config-get'), 'port']))",
    "path of the tool": "import shutil; print(subprocess.check_output([shutil.which('config-get'), 'port']))",
    "path of no tool": "print(subprocess.check_output(['/no/such/place/config-get']))",
    "not there": "subprocess.call(['no-such-tool', 'x'])",
    "empty": "subprocess.call([])",
    "null byte": "subprocess.call(['config-get', 'a\\0b'])",
    "cwd": "print(subprocess.call(['config-get', '-o', 'out'], cwd='sub'), open('sub/out').read())",
    "cwd that is not there": "subprocess.call(['config-get'], cwd='no/such')",
    "env": "print(subprocess.call(['config-get'], env={'PATH': os.environ['PATH']}))",
    "env without a path": "subprocess.call(['config-get'], env={})",
    "env with a context": "print(subprocess.check_output(['config-get'], env=dict(os.environ, X='1')))",
    "file": """
        with open("out", "w+b") as out:
            subprocess.check_call(["config-get", "port"], stdout=out)
            out.seek(0)
            print(out.read())
    """,
    "file descriptor": """
        out = os.open("out", os.O_CREAT | os.O_RDWR)
        subprocess.check_call(["config-get", "port"], stdout=out)
        os.close(out)
        print(open("out").read())
    """,
    "descriptor of stderr": "print(subprocess.call(['config-get', 'port'], stdout=2))",
    "file without a descriptor": "import io; subprocess.call(['config-get'], stdout=io.BytesIO())",
    "sys.stdout": "subprocess.call(['config-get', 'port'], stdout=sys.stdout)",
    "DEVNULL": "print(subprocess.call(['config-get', 'port'], stdout=subprocess.DEVNULL))",
    "input": """
        done = subprocess.run(["relation-set", "-r", "db:0", "--file", "-"], input=b"a: b")
        print(done.returncode, subprocess.check_output(["relation-get", "-r", "db:0", "a", "probe/0"]))
    """,
    "text input": """
        done = subprocess.run(["relation-set", "-r", "db:0", "--file", "-"], input="a: ü", text=True)
        print(done.returncode, subprocess.check_output(["relation-get", "-r", "db:0", "a", "probe/0"]))
    """,
    "stdin from a file": """
        with open("in", "w") as file:
            file.write("a: c")
        with open("in") as file:
            subprocess.check_call(["relation-set", "-r", "db:0", "--file", "-"], stdin=file)
        print(subprocess.check_output(["relation-get", "-r", "db:0", "a", "probe/0"]))
    """,
    "stdin by hand": """
        process = subprocess.Popen(["relation-set", "-r", "db:0", "--file", "-"], stdin=subprocess.PIPE)
        print(process.poll())
        process.stdin.write(b"a: d")
        process.stdin.close()
        print(process.wait())
        print(subprocess.check_output(["relation-get", "-r", "db:0", "a", "probe/0"]))
    """,
    "input that nobody reads": "print(subprocess.run(['config-get', 'port'], input=b'x').returncode)",
    "output by hand": """
        process = subprocess.Popen(["config-get", "--format=yaml"], stdout=subprocess.PIPE)
        print(process.stdout.readline(), list(process.stdout), process.wait(), process.returncode)
        process.stdout.close()
    """,
    "output by hand as text": """
        with subprocess.Popen(["config-get", "--format=yaml"], stdout=subprocess.PIPE, text=True) as process:
            print([line for line in process.stdout])
        print(process.returncode)
    """,
    "unbuffered": """
        process = subprocess.Popen(["config-get", "port"], stdout=subprocess.PIPE, bufsize=0)
        print(process.stdout.read(1), process.communicate())
    """,
    "poll": """
        process = subprocess.Popen(["config-get", "port"], stdout=subprocess.PIPE)
        print(process.returncode, process.args, isinstance(process, subprocess.Popen), process.pid > 1)
        print(process.communicate(), process.poll(), process.returncode)
    """,
    "communicate with all three": """
        pipe = subprocess.PIPE
        process = subprocess.Popen(["relation-set", "-x"], stdin=pipe, stdout=pipe, stderr=pipe)
        print(process.communicate(b"a"), process.returncode)
    """,
    "communicate twice": """
        process = subprocess.Popen(["config-get"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        process.communicate(b"")
        process.communicate(b"more")
    """,
    "communicate with a timeout": """
        process = subprocess.Popen(["config-get", "port"], stdout=subprocess.PIPE)
        print(process.communicate(timeout=20))
    """,
    "wait with a timeout": """
        process = subprocess.Popen(["relation-set", "-r", "db:0", "--file", "-"], stdin=subprocess.PIPE)
        try:
            process.wait(timeout=0.5)
        except subprocess.TimeoutExpired as error:
            print(error.cmd)
        process.kill()
        print(process.wait())
    """,
    "signal to what has ended": """
        process = subprocess.Popen(["config-get", "port"])
        process.wait()
        process.terminate()
        print(process.wait())
    """,
    "pipeline by hand": """
        first = subprocess.Popen(["config-get", "port"], stdout=subprocess.PIPE)
        print(subprocess.check_output(["tr", "8", "9"], stdin=first.stdout), first.wait())
        first.stdout.close()
    """,
    "from a program": """
        first = subprocess.Popen(["echo", "a: e"], stdout=subprocess.PIPE)
        subprocess.check_call(["relation-set", "-r", "db:0", "--file", "-"], stdin=first.stdout)
        print(first.wait(), subprocess.check_output(["relation-get", "-r", "db:0", "a", "probe/0"]))
        first.stdout.close()
    """,
    "subclass": """
        class Mine(subprocess.Popen):
            pass
        with Mine(["config-get", "port"], stdout=subprocess.PIPE) as process:
            print(process.communicate(), type(process).__name__)
    """,
    "positional arguments": "print(Popen(['config-get', 'port'], -1, None, None, -1).communicate())",
    "a name from before": "print(Popen(['config-get', 'port'], stdout=subprocess.PIPE).communicate())",
    "preexec_fn": "print(subprocess.call(['config-get', 'port'], preexec_fn=None, close_fds=False))",
    "threads": """
        import concurrent.futures
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            calls = [pool.submit(subprocess.check_output, ["config-get", "port"]) for _ in range(8)]
            print({call.result() for call in calls})
    """,
    "asyncio": """
        import asyncio

        async def run():
            start = asyncio.create_subprocess_exec
            process = await start("config-get", "port", stdout=subprocess.PIPE)
            print(await process.communicate(), process.returncode)
        asyncio.run(run())
    """,
}

IMPORTS = "import os, subprocess, sys\nfrom subprocess import Popen\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_as_with_processes(probe: Probe, tmp_path: Path, name: str) -> None:
    (probe.directory / "sub").mkdir()
    program = IMPORTS + textwrap.dedent(PROGRAMS[name])
    bags = ("local-unit", "local-application", "remote-application", "units", "departing")
    probe.side.juju["relations"]["db:0"] = {"application": "pg", **{bag: {} for bag in bags}}
    home = tmp_path / "juju"
    inprocess._install(str(home), probe.side.juju)
    side = hooktools.FileSide(home)
    side.write(probe.side.juju)
    side.context = probe.side.context or ""
    inside = probe.python(program)
    for left in ("out", "in", "sub/out"):
        if (probe.directory / left).exists():
            (probe.directory / left).unlink()
    done = subprocess.run(
        [str(probe.directory / "hooks/probe")],
        cwd=str(probe.directory),
        env={
            **probe.environment,
            "JUJU_HOOK_NAME": "probe",
            "PYTHONUNBUFFERED": "1",
            "PATH": "%s%s%s" % (home / "bin", os.pathsep, probe.environment["PATH"]),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert inside.exit_status == done.returncode, inside.stderr
    assert inside.stdout == done.stdout.decode()
    last = (inside.stderr.splitlines() or [""])[-1], (done.stderr.decode().splitlines() or [""])[-1]
    assert last[0] == last[1]
    assert inside.leftovers == ()
    if name != "wait with a timeout":  # one that is killed before it has read its input has not begun here
        assert [call[2:] for call in probe.side.calls] == [call[2:] for call in side.calls]


def test_a_tool_that_this_juju_has_not_is_not_found(probe: Probe) -> None:
    """As leader-get in Juju 4."""
    probe.side.juju["juju-version"] = "4.0.0"
    ran = probe.python(IMPORTS + "subprocess.call(['leader-get'])")
    assert isinstance(ran.exception, FileNotFoundError)
    assert ran.exception.filename == "leader-get"


def test_the_charm_s_own_program_of_that_name(probe: Probe) -> None:
    probe.write("files/config-get", "#!/bin/sh\necho mine\n", executable=True)
    program = """
        import os, subprocess
        print(subprocess.check_output(["files/config-get"]), subprocess.check_output(["config-get", "port"]))
        os.environ["PATH"] = os.path.abspath("files") + ":" + os.environ["PATH"]
        print(subprocess.check_output(["config-get", "port"]))
    """
    assert probe.python(program).stdout == "b'mine\\n' b'80\\n'\nb'mine\\n'\n"


def test_a_charm_that_replaces_functions_of_subprocess(probe: Probe) -> None:
    """As layer:status does to hear of every status-set."""
    ran = probe.handlers("""
        import subprocess
        real = subprocess.call

        def call(command, *args, **kwargs):
            if command[0] == "status-set":
                print(command)
            return real(command, *args, **kwargs)

        subprocess.call = call

        @when_not("x")
        def handler():
            hookenv.status_set("active", "up")
    """)
    assert ran.stdout == "['status-set', 'active', 'up']\n", ran.stderr
    assert ["status-set", "active", "up"] in probe.calls
