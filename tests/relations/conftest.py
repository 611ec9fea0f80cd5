"""A charm whose hooks run in this process, on each engine, with Juju's answers made up."""

from __future__ import annotations

import sqlite3
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Iterator, List, Optional

import pytest
from charmhelpers.core import hookenv
from fakes import Juju

import charms_reactive
from charms_reactive import bus
from charms_reactive._unit_state import unit_state
from charms_reactive.testing._running.framework_state import renew
from fresh import VARIABLES, enter, forget_charm_modules, fresh

__all__ = ["charm", "fresh", "juju"]

# First in every module of a charm here.
_IMPORTS = """\
from charm_told import tell
from charms.reactive import *
from charms.reactive.patterns.request_response import *
"""


class Charm:
    """A charm directory, with its unit state, and hooks that run in this process.

    Attributes:
        directory: of the charm.
        juju: what Juju answers.
        told: what the charm's handlers have given to ``tell()`` in the last hook.
    """

    def __init__(self, directory: Path, juju: Juju, engine_module: ModuleType, patches: Any) -> None:
        self.directory = directory
        self.juju = juju
        self.told: List[Any] = []
        self._engine_module = engine_module
        self._patches = patches
        directory.mkdir(parents=True)
        self.write("metadata.yaml", "name: app\n")
        told = ModuleType("charm_told")
        told.tell = self.told.append  # type: ignore[attr-defined]
        patches.setitem(sys.modules, "charm_told", told)

    def write(self, path: str, text: str) -> Path:
        """Write a file of the charm; common indentation is taken away."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def metadata(self, **roles: Dict[str, str]) -> None:
        """Write ``metadata.yaml`` from the interfaces of the endpoints: ``requires={"db": "mysql"}``."""
        lines = ["name: app"]
        for role, endpoints in roles.items():
            lines.append("%s:" % role)
            lines.extend("  %s: {interface: %s}" % endpoint for endpoint in endpoints.items())
        self.write("metadata.yaml", "\n".join(lines) + "\n")

    def interface(self, interface: str, role: str, text: str) -> Path:
        """Write the module of an interface layer, with the usual names imported and ``tell(x)``."""
        return self.write("hooks/relations/%s/%s.py" % (interface, role), _IMPORTS + textwrap.dedent(text))

    def handlers(self, text: str, name: str = "app") -> Path:
        """Write a module of handlers, with the usual names imported and ``tell(x)``."""
        return self.write("reactive/%s.py" % name, _IMPORTS + textwrap.dedent(text))

    def enter(
        self, hook: str, relation: Optional[str] = None, unit: Optional[str] = None, **variables: str
    ) -> None:
        """Be in a hook, as a new process, without running anything; a remote unit implies its relation."""
        self.leave()
        if relation is not None:
            known = self.juju.relations.get(relation)
            application = unit.partition("/")[0] if unit else known.application if known else ""
            variables = {
                "JUJU_RELATION": relation.partition(":")[0],
                "JUJU_RELATION_ID": relation,
                "JUJU_REMOTE_UNIT": unit or "",
                "JUJU_REMOTE_APP": application,
                **variables,
            }
        for variable in VARIABLES:
            self._patches.delenv(variable, raising=False)
        variables = {"JUJU_HOOK_NAME": hook, "JUJU_UNIT_NAME": self.juju.unit, **variables}
        for variable, value in variables.items():
            self._patches.setenv(variable, value)
        self.juju.calls.clear()

    def run(
        self, hook: str, relation: Optional[str] = None, unit: Optional[str] = None, **variables: str
    ) -> List[Any]:
        """Run a whole hook; returns what the charm told in it.

        The calls of hook tools in ``juju.calls`` are this hook's afterwards.
        """
        self.enter(hook, relation, unit, **variables)
        self.told.clear()
        charms_reactive.main()
        return list(self.told)

    def start(
        self, hook: str, relation: Optional[str] = None, unit: Optional[str] = None, **variables: str
    ) -> None:
        """Begin a hook, up to where handlers would run; the test does their work."""
        self.enter(hook, relation, unit, **variables)
        self.told.clear()
        bus.discover()
        hookenv._run_atstart()

    def finish(self) -> None:
        """End a hook that was begun with :meth:`start`, as one that succeeds."""
        hookenv._run_atexit()
        unit_state.unit.commit()

    def leave(self) -> None:
        """Forget everything that a process would not have before its hook begins."""
        renew(self._engine_module)
        forget_charm_modules()

    @property
    def flags(self) -> List[str]:
        """The flags that are set now."""
        return charms_reactive.get_flags()

    def rows(self, prefix: str = "reactive.") -> Dict[str, Any]:
        """The committed rows of the unit state below a prefix, without it; values as JSON text."""
        connection = sqlite3.connect(str(self.directory / ".unit-state.db"))
        try:
            rows = connection.execute("SELECT key, data FROM kv ORDER BY key").fetchall()
        finally:
            connection.close()
        return {key[len(prefix) :]: data for key, data in rows if key.startswith(prefix)}

    def lines(self, level: Optional[str] = None) -> List[str]:
        """Every line that reached Juju's log, at one level or at all."""
        return [
            line
            for logged_level, message in self.juju.log
            if level in (None, logged_level)
            for line in message.splitlines()
        ]


@pytest.fixture
def juju(monkeypatch: pytest.MonkeyPatch) -> Juju:
    """A Juju without relations, with our unit ``app/0`` as the leader."""
    it = Juju()
    it.install(monkeypatch)
    return it


@pytest.fixture
def charm(
    engine_module: ModuleType, juju: Juju, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Charm]:
    """A charm without endpoints and handlers, about to run its first hook, on each engine."""
    it = Charm(tmp_path / "charm", juju, engine_module, monkeypatch)
    enter(it.directory, monkeypatch)
    it.enter("update-status")
    yield it
    it.leave()
