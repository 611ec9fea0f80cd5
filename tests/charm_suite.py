"""Suites of a charm's maintainer, run by a pytest of their own in which the plugin is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Dict

import pytest

CHARM = {
    "metadata.yaml": """\
        name: shop
        requires:
          db: {interface: mysql}
        """,
    "config.yaml": """\
        options:
          port: {type: int, default: 80}
        """,
    "reactive/shop.py": """\
        from charmhelpers.core import hookenv
        from charms.reactive import hook, set_flag, when, when_not


        @when_not("shop.installed")
        def install():
            set_flag("shop.installed")


        @when("shop.installed", "db.ready")
        def configure():
            hookenv.open_port(hookenv.config("port"))


        @hook("config-changed")
        def check_port():
            if hookenv.config("port") > 65535:
                raise ValueError("port %d is none" % hookenv.config("port"))
        """,
}


class Result:
    """How a run of pytest ended."""

    def __init__(self, status: int, output: str) -> None:
        self.status = status
        self.output = output

    def __repr__(self) -> str:
        return "exit status %d\n%s" % (self.status, self.output)

    @property
    def counts(self) -> Dict[str, int]:
        """How many tests passed, failed and so on."""
        last = self.output.rstrip().splitlines()[-1]
        return {
            what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|errors?|skipped)", last)
        }

    @property
    def said(self) -> str:
        """What failed assertions said: the lines with an E, without it."""
        lines = [line[1:].strip() for line in self.output.splitlines() if line.startswith("E ")]
        return "\n".join(lines)


class Suite:
    """A charm with its tests in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, files: Dict[str, str]) -> None:
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))

    def run(self, *arguments: str, **environment: str) -> Result:
        # Of CI pytest says more in its summary.
        not_these = ("PYTEST_", "CI", "BUILD_NUMBER")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(not_these)}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        if "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in environment:
            command += ["-p", "pytest_charms_reactive"]
        done = subprocess.run(
            [*command, *arguments],
            cwd=self.directory,
            env={**inherited, "COLUMNS": "200", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return Result(done.returncode, done.stdout)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """The charm above, and no tests yet."""
    it = Suite(tmp_path / "shop")
    it.write(CHARM)
    it.write({"pytest.ini": "[pytest]\ntestpaths = tests\n"})
    return it
