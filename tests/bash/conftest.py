"""A unit with handlers in bash, whose hooks are processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List

import pytest

from framework.conftest import engine_name, framework
from framework.support import Unit

__all__ = ["BashUnit", "engine_name", "framework"]

# A bash that notes with which arguments it was started; the kernel takes it as an interpreter.
COUNTING = """\
#!/bin/sh
echo "$@" >>"$TOOLS_SAID/starts"
exec /bin/bash "$@"
"""


class BashUnit(Unit):
    """A unit that is easily given scripts of handlers, and tells what was done with them."""

    def __init__(self, directory: Path, engine_name: str) -> None:
        super().__init__(directory, engine_name)
        self.tool("counting-bash", COUNTING)
        self.env["TOLD"] = str(directory / "told")

    def script(self, body: str, name: str = "reactive/foo.sh", head: str = "", options: str = "") -> Path:
        """A script of handlers; ``head`` comes before the helper is sourced, ``options`` after it.

        Its first line of ``body`` is line 4, unless ``head`` or ``options`` have several lines.
        """
        text = "#!%s/counting-bash\n%s\nsource charms.reactive.sh; %s\n%s\nreactive_handler_main\n"
        if not options:
            text = text.replace("; %s", "%s")
        path = self.write(name, "", executable=True)
        path.write_text(text % (self.bin, head, options, body), encoding="utf-8")
        return path

    def plain(self, text: str, name: str = "reactive/plain.sh") -> Path:
        """Any executable file."""
        return self.write(name, text.replace("#!/bin/bash", "#!%s/counting-bash" % self.bin), executable=True)

    def starts(self) -> List[str]:
        """How scripts were started since this was last asked: file and arguments."""
        path = self.said / "starts"
        if not path.exists():
            return []
        lines = path.read_text().splitlines()
        path.unlink()
        return [line.replace(str(self.directory) + os.sep, "") for line in lines]

    def told(self) -> List[str]:
        """The lines that handlers wrote to ``$TOLD`` since this was last asked."""
        path = Path(self.env["TOLD"])
        if not path.exists():
            return []
        lines = path.read_text().splitlines()
        path.unlink()
        return lines

    def succeed(self, hook: str = "update-status", **env: str) -> None:
        """Run a hook that must not fail."""
        done = self.run(hook, env=env)
        assert done.status == 0, done.stderr

    def fail(self, hook: str = "update-status", **env: str) -> str:
        """Run a hook that must fail; returns the last line of its stderr."""
        done = self.run(hook, env=env)
        assert done.status != 0
        return done.stderr.splitlines()[-1]


@pytest.fixture
def unit(engine_name: str, tmp_path: Path) -> BashUnit:
    """A unit on each engine."""
    return BashUnit(tmp_path, engine_name)


@pytest.fixture
def one_unit(tmp_path: Path) -> BashUnit:
    """A unit on one engine only: what is tested depends on none."""
    return BashUnit(tmp_path, "pure")
