"""A unit of a built charm: its hooks as Juju runs them, and what they leave."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .machine import Machine

__all__ = ["TOOLS", "Unit"]

#: The hook tools that the charm and its layers start.
TOOLS = [
    "action-set",
    "application-version-set",
    "config-get",
    "goal-state",
    "is-leader",
    "juju-log",
    "leader-get",
    "network-get",
    "relation-get",
    "relation-ids",
    "relation-list",
    "relation-set",
    "status-get",
    "status-set",
    "unit-get",
]

_TOOL = """\
#!/bin/sh
tool=${0##*/}
echo "$tool $*" >>"$TOOLS_SAID"
case $tool in
    config-get) echo '{"port": 80, "title": ""}' ;;
    relation-ids) echo '["website:1"]' ;;
    relation-list) echo '["proxy/0"]' ;;
    relation-get | leader-get | goal-state) echo '{}' ;;
    network-get) echo '{"ingress-addresses": ["10.0.0.1"]}' ;;
    status-get) echo '{"status": "unknown", "message": ""}' ;;
    is-leader) echo true ;;
    unit-get) echo '"10.0.0.1"' ;;
esac
"""


def _project(file: str) -> str:
    """The project that a wheel or an sdist is of."""
    return re.sub(r"[-_.]+", "-", file.partition("-")[0]).lower()


class Unit:
    """One unit on a machine, in a directory of its own."""

    def __init__(self, machine: Machine, directory: Path, charm: Path) -> None:
        self.machine = machine
        self.directory = directory
        self.charm = directory / "unit" / "charm"
        self._said = directory / "said"
        self._manifest: List[str] = []
        self._tools = directory / "tools"
        self._tools.mkdir(parents=True)
        (self._tools / "hook-tool").write_text(_TOOL)
        (self._tools / "hook-tool").chmod(0o755)
        for tool in TOOLS:
            (self._tools / tool).symlink_to("hook-tool")
        self.deploy(charm)

    def deploy(
        self, charm: Path, wheels: Sequence[Path] = (), options: Optional[Mapping[str, Any]] = None
    ) -> None:
        """Put a revision of the charm in place of the one before, as Juju does: what the unit wrote stays.

        Args:
            wheels: what takes the place of other releases in its wheelhouse.
            options: for layer:basic, as layer.yaml has them.
        """
        for name in self._manifest:
            path = self.charm / name
            if path.is_symlink() or path.exists():
                path.unlink()
        self._manifest = [
            path.relative_to(charm).as_posix() for path in sorted(charm.rglob("*")) if not path.is_dir()
        ]
        replaced = {_project(wheel.name) for wheel in wheels}
        for name in list(self._manifest):
            target = self.charm / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if name.startswith("wheelhouse/") and _project(target.name) in replaced:
                self._manifest.remove(name)
                continue
            shutil.copy2(str(charm / name), str(target))
        for wheel in wheels:
            shutil.copy2(str(wheel), str(self.charm / "wheelhouse"))
            self._manifest.append("wheelhouse/" + wheel.name)
        if options:
            self._set_options(options)
        for hook in ("website-relation-joined", "website-relation-changed"):
            shutil.copy2(str(self.charm / "hooks" / "hook.template"), str(self.charm / "hooks" / hook))
            (self.charm / "hooks" / hook).chmod(0o755)

    def _set_options(self, options: Mapping[str, Any]) -> None:
        """layer.yaml is one of charm-tools; JSON is YAML."""
        path = self.charm / "layer.yaml"
        text = path.read_text()
        for name, value in options.items():
            lines = [line for line in text.splitlines() if line.strip().startswith('"%s":' % name)]
            if len(lines) != 1:
                raise ValueError("layer.yaml has no option %s:\n%s" % (name, text))
            before = lines[0].partition(":")[0]
            text = text.replace(lines[0], "%s: %s" % (before, json.dumps(value)))
        path.write_text(text)

    def variables(self, hook: str) -> Dict[str, str]:
        """The environment of a hook."""
        found = {
            **self.machine.environment([str(self._tools)]),
            "TOOLS_SAID": str(self._said),
            "CHARM_DIR": str(self.charm),
            "JUJU_CHARM_DIR": str(self.charm),
            "JUJU_UNIT_NAME": "layered/0",
            "JUJU_MODEL_NAME": "life",
            "JUJU_CONTEXT_ID": "layered/0-%s-1" % hook,
            "JUJU_HOOK_NAME": hook,
            "JUJU_VERSION": "3.6.0",
        }
        if "-relation-" in hook:
            endpoint = hook.partition("-relation-")[0]
            found.update(JUJU_RELATION=endpoint, JUJU_RELATION_ID=endpoint + ":1", JUJU_REMOTE_UNIT="proxy/0")
        return found

    def run(self, hook: str, entry: Optional[str] = None, **variables: str) -> List[str]:
        """Run a hook, or an action by its path; what was said by it to hook tools, call by call.

        Raises:
            MachineError: it failed.
        """
        self._said.write_text("")
        environment = {**self.variables(hook), **variables}
        if entry:
            environment["JUJU_ACTION_NAME"] = hook
            environment["JUJU_HOOK_NAME"] = ""
        self.machine.run([entry or "hooks/" + hook], self.charm, environment)
        return self._said.read_text().splitlines()

    def python(self, script: str) -> str:
        """What a script prints in the charm's environment, outside hooks."""
        venv = self.charm.parent / ".venv" / "bin" / "python"
        python = str(venv) if venv.exists() else self.machine.python
        environment = {**self.machine.environment(), "CHARM_DIR": str(self.charm)}
        return self.machine.run([python, "-c", script], self.charm, environment).strip()

    def flags(self) -> List[str]:
        script = "from charms.reactive import get_flags; print(*sorted(get_flags()))"
        return self.python(script).split()
