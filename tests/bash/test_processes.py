"""What starting a script costs in processes: bash, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Dict

import pytest

from framework.support import BASH_HELPER

SCRIPT = """\
#!/bin/bash
set -eu
source charms.reactive.sh
%s
reactive_handler_main
"""

# In a namespace of their own processes are numbered from 1: the number of the last one tells how
# many there were before it.
NAMESPACE = ["unshare", "--map-root-user", "--pid", "--fork", "--mount-proc"]
COUNT = '"$@" >/dev/null && /bin/sh -c "echo \\$\\$"'


def _processes(script: Path, variables: Dict[str, str], fd: int) -> int:
    """How many processes a script was."""
    environment = {"PATH": "%s:/usr/bin:/bin" % BASH_HELPER.parent, **variables}
    command = [*NAMESPACE, "/bin/sh", "-c", COUNT, "sh", str(script)]
    last = subprocess.run(command, env=environment, stdout=subprocess.PIPE, pass_fds=(fd,), check=True)
    return int(last.stdout) - 2  # without the shell that starts it, and the one that tells


def _can_count() -> bool:
    try:
        return (
            subprocess.run([*NAMESPACE, "/bin/true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
        )
    except OSError:
        return False


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.sh"
    handlers = "\n".join("@when a%d\n@when_not b\n@hook x\nf%d() { :; }" % (n, n) for n in range(20))
    path.write_text(SCRIPT % handlers)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("what", ["declare", "invoke"])
def test_declaring_and_invoking_start_no_process(script: Path, tmp_path: Path, what: str) -> None:
    fd = os.open(str(tmp_path / "answer"), os.O_RDWR | os.O_CREAT)
    try:
        variables = {"CHARMS_REACTIVE_SHELL": "declare:%d" % fd if what == "declare" else "invoke:0:f7"}
        if _can_count():
            assert _processes(script, variables, fd) == 1
        else:  # without namespaces: nothing is to be found that could be started
            (tmp_path / "charms.reactive.sh").write_bytes(BASH_HELPER.read_bytes())
            environment = {"PATH": str(tmp_path), **variables}
            subprocess.run([str(script)], env=environment, pass_fds=(fd,), check=True)
        said = os.pread(fd, 1 << 20, 0)
    finally:
        os.close(fd)
    assert said.count(b"decorator\0") == (60 if what == "declare" else 0)
    assert (b"end\0" in said) == (what == "declare")


def test_the_count_sees_processes(script: Path, tmp_path: Path) -> None:
    if not _can_count():
        return  # nor is it used then
    script.write_text(script.read_text() + "x=$(:)\n/bin/true\n")
    with open(str(tmp_path / "answer"), "w") as file:
        assert _processes(script, {"CHARMS_REACTIVE_SHELL": "invoke:0:f7"}, file.fileno()) == 3


def test_no_command_substitution_or_pipe_on_the_way() -> None:
    text = BASH_HELPER.read_text(encoding="utf-8")
    begin, rest = text.split("# -- functions for scripts")
    way = begin + rest.split("# -- decorators")[1].split("# -- the protocol --test and --invoke")[0]
    code = [line.strip() for line in way.splitlines() if not line.lstrip().startswith("#")]
    substitution = re.compile(r"\$\((?!\()|`|<\(|<<")
    # Of two functions with one name the first has to be remembered; nothing but a subshell can do that.
    assert [line for line in code if substitution.search(line)] == [
        '__reactive_kept=$(declare -f -- "$__reactive_argument")'
    ]
