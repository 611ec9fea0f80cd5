"""The example of the manual's chapter "Reactive with Bash", as it was written for 1.5, in hooks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import List

import pytest

from framework.support import Finished

from .conftest import BashUnit

CHAPTER = """\
#!/bin/bash
source charms.reactive.sh

@when 'db.database.available' 'admin-pass'
function render_config() {
    db_conn=$(relation_call --flag 'db.database.available' connection_string)
    admin_pass=$(config-get 'admin-pass')
    charms.reactive render_template 'app-config.j2' '/etc/app.conf'
}

@when_not 'db.database.available'
function no_db() {
    status-set waiting 'Waiting on database'
}

@when_not 'admin-pass'
function no_db() {
    status-set blocked 'Missing admin password'
}

@when_file_changed '/etc/app.conf'
function restart_service() {
    service myapp restart
}

reactive_handler_main
"""

INTERFACE = """\
import os
from charms.reactive import Endpoint


class Database(Endpoint):
    def connection_string(self):
        with open(os.environ["TOLD"], "a") as file:
            file.write("asked %s\\n" % self.endpoint_name)
        return "db://%s" % self.endpoint_name
"""

# The script writes to /etc; here that is a directory of the test's own.
OWN_ETC = 'mount --bind "$OWN_ETC" /etc && exec "$@"'
NAMESPACE = ["unshare", "--map-root-user", "--mount", "/bin/sh", "-c", OWN_ETC, "sh"]


class Chapter:
    """A unit with the chapter's script in it."""

    def __init__(self, unit: BashUnit, etc: Path) -> None:
        self.unit = unit
        self.config = etc / "app.conf"
        etc.mkdir()
        unit.env["OWN_ETC"] = str(etc)
        self._namespace = NAMESPACE if self._can_mount() else []
        unit.write("metadata.yaml", "name: app\nrequires: {db: {interface: sql}}\n")
        unit.write("hooks/relations/sql/requires.py", INTERFACE)
        unit.write("templates/app-config.j2", "unit={{ JUJU_UNIT_NAME }} size={{ SIZE }}\n")
        unit.answer("config-get", "secret")
        unit.answer("service", "")
        unit.answer("status-set", "")
        text = CHAPTER if self._namespace else CHAPTER.replace("/etc/app.conf", str(self.config))
        unit.write("reactive/app.sh", "", executable=True).write_text(text)
        unit.hook_file("hooks/update-status")

    def _can_mount(self) -> bool:
        environment = {"PATH": os.environ["PATH"], "OWN_ETC": self.unit.env["OWN_ETC"]}
        try:
            tried = subprocess.run([*NAMESPACE, "/bin/true"], env=environment, capture_output=True)
        except OSError:
            return False
        return tried.returncode == 0

    def hook(self, size: str) -> List[str]:
        """Run a hook; returns the names of the functions that were invoked."""
        before = len(self.unit.invoked())
        command = [*self._namespace, str(self.unit.directory / "hooks" / "update-status")]
        done: Finished = self.unit.execute(command, {"JUJU_HOOK_NAME": "update-status", "SIZE": size})
        assert done.status == 0, done.stderr
        return self.unit.invoked()[before:]

    def calls(self, tool: str) -> List[str]:
        """The last calls of a tool."""
        return [call for call in self.unit.calls() if call.startswith(tool)]


@pytest.fixture
def chapter(unit: BashUnit, tmp_path: Path) -> Chapter:
    return Chapter(unit, tmp_path / "etc")


def test_the_chapter_runs_as_written(chapter: Chapter) -> None:
    unit = chapter.unit
    # Neither a database nor a password: each function tells what it is there for, the last one last.
    assert chapter.hook("1") == ["reactive/app.sh:12:no_db", "reactive/app.sh:17:no_db"]
    assert chapter.calls("status-set") == [
        "status-set waiting Waiting on database",
        "status-set blocked Missing admin password",
    ]
    assert unit.command("set_flag", "db.database.available").status == 0
    assert chapter.hook("1") == ["reactive/app.sh:17:no_db"]
    assert chapter.calls("status-set")[2:] == ["status-set blocked Missing admin password"]
    assert unit.command("set_flag", "admin-pass").status == 0
    assert chapter.hook("1") == ["reactive/app.sh:5:render_config", "reactive/app.sh:22:restart_service"]
    assert unit.told() == ["asked db"]
    assert chapter.calls("config-get") == ["config-get admin-pass"]
    assert chapter.config.read_text() == "unit=app/0 size=1"
    assert chapter.calls("service") == ["service myapp restart"]
    # Rendered again in each hook, and the service is restarted when that has made a difference.
    assert chapter.hook("1") == ["reactive/app.sh:5:render_config"]
    assert chapter.hook("2") == ["reactive/app.sh:5:render_config", "reactive/app.sh:22:restart_service"]
    assert chapter.config.read_text() == "unit=app/0 size=2"
    assert chapter.calls("status-set")[3:] == []
