"""Units that note their status, and a Juju of small shell scripts, for tests of the unit's status."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from charms_reactive import status
from charms_reactive._juju import juju_log
from charms_reactive._juju.environment import hookenv
from framework.conftest import engine_name, framework, one_unit, unit

__all__ = ["engine_name", "framework", "one_unit", "unit"]


class Held:
    """Any object with a status, and a memory of all that it was given."""

    def __init__(self) -> None:
        self.history: List[Any] = []

    @property
    def status(self) -> Any:
        return self.history[-1] if self.history else None

    @status.setter
    def status(self, status: Any) -> None:
        self.history.append(status)


class Juju:
    """The hook tools of the status, as processes; what they set is in files.

    Attributes:
        logged: what reached Juju's log, each a pair of level and message.
    """

    def __init__(self, directory: Path, patches: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.logged: List[Any] = []
        self._patches = patches
        directory.mkdir()
        self.tool("status-set", _SET)
        self.tool("status-get", _GET)
        self.lead(True)
        self.hook("update-status", "1")
        patches.setenv("PATH", "%s:/usr/bin:/bin" % directory)
        patches.setattr(hookenv, "log", lambda message, level=None: self.logged.append((level, message)))
        patches.setattr(hookenv, "cache", {})
        hookenv.cache.clear()

    def tool(self, name: str, script: str) -> None:
        """Put a hook tool in place."""
        path = self.directory / name
        path.write_text(
            '#!/bin/sh\ncd %s\necho %s "$@" >>calls\n%s' % (shlex.quote(str(self.directory)), name, script)
        )
        path.chmod(0o755)

    def lead(self, leader: bool) -> None:
        """Make the unit the leader of its application, or not."""
        self.tool("is-leader", "echo %s\n" % json.dumps(leader))
        hookenv.cache.clear()

    def hook(self, name: str, number: str) -> None:
        """Be in another hook."""
        self._patches.setenv("JUJU_HOOK_NAME", name)
        self._patches.setenv("JUJU_CONTEXT_ID", "app/0-%s-%s" % (name, number))
        hookenv.cache.clear()

    @property
    def calls(self) -> List[str]:
        """The processes that were started, without those of the log; emptied by asking."""
        path = self.directory / "calls"
        calls = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return calls

    @property
    def status(self) -> str:
        """The unit's status, as ``name: message``."""
        return (self.directory / "unit").read_text().strip()

    @property
    def application_status(self) -> str:
        return (self.directory / "application").read_text().strip()

    def set_otherwise(self, text: str) -> None:
        """Set the unit's status as another program does it."""
        (self.directory / "unit").write_text(text)

    def lines(self, level: str) -> List[str]:
        juju_log.hand_over()
        return [message for logged, message in self.logged if logged == level]


_SET = """\
what=unit
while :; do case $1 in --application) what=application ;; --) ;; *) break ;; esac; shift; done
echo "$1: $2" >$what
"""

_GET = """\
told() { printf '{"status":"%s","message":"%s","status-data":{}}' "${1%%: *}" "${1#*: }"; }
touch unit application
case $* in
*--application*) printf '{"application-status":'; told "$(cat application)"; echo '}' ;;
*) told "$(cat unit)" ;;
esac
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A status module that nobody has used."""
    monkeypatch.setattr(status, "_state", status._State())
    yield
    assert status._state.innermost.get() is None, "a test has left a context open"


@pytest.fixture
def held() -> Held:
    """A unit that is any object with a status."""
    return Held()


@pytest.fixture
def juju(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Juju:
    """A Juju, and this process in its update-status hook."""
    monkeypatch.setattr(juju_log, "_waiting", [])
    return Juju(tmp_path / "juju", monkeypatch)
