"""Make a hook of a simulated unit fail on purpose, for what a charm does then and afterwards.

For one run the charm's file for the hook is replaced by a program that calls it and fails at the moment that
was asked for, so the charm itself needs no change, in whichever way its hooks are run.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional

from charms_reactive.testing.errors import CharmError

#: When a hook may be made to fail.
MOMENTS = ("before", "after", "killed")


@dataclass(frozen=True)
class Fault:
    """One failure to come.

    Args:
        hook: the name of the hook whose next run fails; ``None`` for whichever comes next.
        when: ``before`` the charm is called; ``after`` its handlers have run, by an exception; or ``killed``
            at that moment by a signal, so that nothing can be put in order.
        message: of the failure.
    """

    hook: Optional[str]
    when: str = "before"
    message: str = "made to fail"

    def __post_init__(self) -> None:
        if self.when not in MOMENTS:
            raise CharmError("a hook can be made to fail %s, not %r" % (", ".join(MOMENTS), self.when))


# The framework runs charmhelpers' atexit functions after the handlers and before it commits.
_PROGRAM = """\
#!/usr/bin/env python3
import os
import runpy
import subprocess
import sys

WHEN, MESSAGE, CHARM = %(when)r, %(message)r, %(charm)r

def fail():
    if WHEN == "killed":
        if %(in_process)r:
            os._exit(137)
        os.kill(os.getpid(), 9)
    raise RuntimeError(MESSAGE)

if WHEN == "before":
    fail()
with open(CHARM, "rb") as file:
    python = b"python" in file.readline() or %(in_process)r
if not python:
    subprocess.call([CHARM])
    fail()
if os.path.isdir("lib"):
    sys.path.append("lib")
from charmhelpers.core import hookenv

hookenv.atexit(fail)
try:
    runpy.run_path(CHARM, run_name="__main__")
except SystemExit as ended:
    if ended.code:
        raise
fail()  # A hook without the framework ends here.
"""


@contextlib.contextmanager
def planted(fault: Fault, charm_dir: Path, hook: str, in_process: bool) -> Iterator[None]:
    """Have the charm's file for a hook replaced while the block runs.

    Raises:
        CharmError: the charm has no file for the hook.
    """
    path = hook_file(charm_dir, hook)
    if path is None:
        raise CharmError("the charm has no hook %s that could be made to fail" % hook)
    aside = path.with_name(".%s.charm" % path.name)
    os.replace(path, aside)
    try:
        text = _PROGRAM % {
            "when": fault.when,
            "message": fault.message,
            "charm": str(aside),
            "in_process": in_process,
        }
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        yield
    finally:
        os.replace(aside, path)


def hook_file(charm_dir: Path, hook: str) -> Optional[Path]:
    """What Juju runs for a hook; ``None`` if the charm has nothing for it, when Juju runs nothing."""
    for path in (charm_dir / "dispatch", charm_dir / "hooks" / hook):
        if path.exists():
            return path
    return None
