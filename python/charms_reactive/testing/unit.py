"""A simulated Juju unit: a charm, the Juju side in a directory, and hooks run as processes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import py_compile
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional, Tuple, Union

import yaml

from . import hooktools

#: The version that the simulated Juju claims to be: the newest that reactive charms are deployed with.
JUJU_VERSION = "3.6.0"

#: What a hook inherits of this process's environment. Juju gives its hooks a bare one, too.
INHERITED = ("COVERAGE_PROCESS_START", "HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "TZ")

_FLAG_ROWS = "reactive.states."
_INVOKING = "Invoking reactive handler: "


class CharmError(Exception):
    """The charm cannot do what was asked of the unit: no such hook, option, action or endpoint."""


@dataclass(frozen=True)
class LogEntry:
    """One ``juju-log`` call.

    Attributes:
        level: ``TRACE``, ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.
        message: the text, which may have several lines.
        time: seconds since the epoch.
    """

    level: str
    message: str
    time: float = 0.0


@dataclass(frozen=True)
class Status:
    """A workload status: its name (``active``, ``blocked``, …) and its message."""

    status: str
    message: str = ""

    def __str__(self) -> str:
        return "%s: %s" % (self.status, self.message) if self.message else self.status


@dataclass(frozen=True)
class ToolCall:
    """One process of a hook tool.

    Attributes:
        tool: its name, for example ``config-get``.
        arguments: what followed the name.
        exit_status: 0, or what it was refused with.
    """

    tool: str
    arguments: Tuple[str, ...] = ()
    exit_status: int = 0


@dataclass(frozen=True)
class ActionOutcome:
    """What an action told whoever ran it.

    Attributes:
        results: from ``action-set``, nested as its keys are.
        failure: the message of ``action-fail``; ``None`` if the action did not fail itself.
        messages: from ``action-log``.
    """

    results: Mapping[str, Any]
    failure: Optional[str] = None
    messages: Tuple[str, ...] = ()


@dataclass(frozen=True)
class HookRun:
    """What one hook or action did.

    Attributes:
        name: of the hook or action.
        exit_status: of its process; negative for the signal that ended it.
        timed_out: whether it was killed because it took too long.
        log: what it said through ``juju-log``, in order.
        tools: the hook-tool processes it spawned, in order.
        stdout: what it wrote there.
        stderr: what it wrote there.
        status: the unit's status afterwards as ``juju status`` shows it, so ``error`` if a hook failed.
        flags_before: the flags in the unit state when it started.
        flags_after: the flags in the unit state when it had ended.
        duration: wall-clock seconds.
        cpu: seconds of processor time, of the hook and of all processes it waited for.
        max_rss: peak memory of the largest of these processes, in KiB.
        action: what the action told; ``None`` for a hook.
    """

    name: str
    exit_status: int
    timed_out: bool
    log: Tuple[LogEntry, ...]
    tools: Tuple[ToolCall, ...]
    stdout: str
    stderr: str
    status: Status
    flags_before: FrozenSet[str]
    flags_after: FrozenSet[str]
    duration: float
    cpu: float
    max_rss: int
    action: Optional[ActionOutcome] = None

    @property
    def succeeded(self) -> bool:
        """Whether the process ended well and, for an action, did not report a failure."""
        return self.exit_status == 0 and (self.action is None or self.action.failure is None)

    @property
    def flags_set(self) -> Tuple[str, ...]:
        """The flags that it set, sorted."""
        return tuple(sorted(self.flags_after - self.flags_before))

    @property
    def flags_cleared(self) -> Tuple[str, ...]:
        """The flags that it cleared, sorted."""
        return tuple(sorted(self.flags_before - self.flags_after))

    @property
    def handlers(self) -> Tuple[str, ...]:
        """The ids of the handlers that were invoked, in order, as the framework logged them."""
        lines = [line for entry in self.log if entry.level == "INFO" for line in entry.message.splitlines()]
        return tuple(line[len(_INVOKING) :].strip() for line in lines if line.startswith(_INVOKING))

    @property
    def error(self) -> Optional[str]:
        """Why it failed, in one line; ``None`` if it succeeded.

        The last line of the last traceback in the log or on stderr, else the last line that says
        anything.
        """
        if self.succeeded:
            return None
        if self.action is not None and self.action.failure is not None:
            return self.action.failure
        if self.timed_out:
            return "killed after %.0f s" % self.duration
        errors = [entry.message for entry in self.log if entry.level in ("ERROR", "CRITICAL")]
        texts = [text for text in errors + [self.stderr] if text.strip()]
        for text in reversed(texts):
            if "Traceback (most recent call last)" in text:
                return _last_of_traceback(text)
        if texts:
            return texts[-1].strip().splitlines()[-1].strip()
        return "exit status %d" % self.exit_status


def processes(directory: Union[str, os.PathLike[str]]) -> Tuple[int, ...]:
    """The ids of the processes that hooks of the unit in this directory have started and that still run.

    They are told by their environment, whatever the charm itself knows of them.
    """
    mark = b"JUJU_CHARM_DIR=" + os.fsencode(Path(directory).resolve() / "charm")
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            theirs = mark in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # Gone meanwhile, or somebody else's.
        if theirs and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return tuple(sorted(found))


def end_processes(directory: Union[str, os.PathLike[str]], patience: float = 5.0) -> Tuple[int, ...]:
    """End what hooks of the unit in this directory left running.

    Args:
        directory: where the unit lives; there need not be a :class:`SimulatedUnit` for it.
        patience: seconds from asking (``SIGTERM``) to killing.

    Returns:
        The ids of the processes that were there.
    """
    there = processes(directory)
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = processes(directory)
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = processes(directory)
    return there


def _last_of_traceback(text: str) -> str:
    """The line of the last traceback that names the exception."""
    lines = text.rpartition("Traceback (most recent call last)")[2].splitlines()[1:]
    for line in lines:
        if line and not line.startswith(" "):
            return line.strip()
    return lines[-1].strip() if lines else ""


class SimulatedUnit:
    """A unit of a charm, whose Juju is a directory.

    Args:
        charm: directory of the charm. It is copied, as Juju unpacks a charm for each unit.
        directory: where the unit lives; made if need be, and must be empty. It gets ``charm`` (the
            copy), ``juju`` (the simulated Juju side with the hook tools) and ``unit.log``.
        name: of the unit; by default the charm's name with ``/0``.
        config: options that differ from the defaults in ``config.yaml``.
        leader: whether the unit leads its application.
        environment: more environment variables for every hook.
        python: the interpreter whose directory is on the hooks' ``PATH``, after the hook tools: that
            is the framework they find. By default the one that runs now.
        model: name of the model.
        address: of the unit, in all its networks.
        resources: paths of the charm's resources, by name.
        timeout: seconds that a hook may take before it is killed.

    Raises:
        CharmError: the directory holds no charm, or an option is unknown or of the wrong type.
        FileExistsError: the unit's directory is not empty.
    """

    def __init__(
        self,
        charm: Union[str, os.PathLike[str]],
        directory: Union[str, os.PathLike[str]],
        *,
        name: Optional[str] = None,
        config: Optional[Mapping[str, Any]] = None,
        leader: bool = True,
        environment: Optional[Mapping[str, str]] = None,
        python: Optional[Union[str, os.PathLike[str]]] = None,
        model: str = "simulated",
        address: str = "127.0.0.1",
        resources: Optional[Mapping[str, str]] = None,
        timeout: float = 120.0,
    ) -> None:
        source = Path(charm).resolve()
        if not (source / "metadata.yaml").is_file() and not (source / "charmcraft.yaml").is_file():
            raise CharmError("%s is not a charm: it has no metadata.yaml" % source)
        self.directory = Path(directory).resolve()
        self.charm_dir = self.directory / "charm"
        self.juju_dir = self.directory / "juju"
        self.log_file = self.directory / "unit.log"
        self.environment: Dict[str, str] = dict(environment or {})
        self.python = Path(python or sys.executable)
        self.timeout = timeout
        self.model = model
        self.model_uuid = str(uuid.uuid4())

        self.directory.mkdir(parents=True, exist_ok=True)
        if any(self.directory.iterdir()):
            raise FileExistsError("%s is not empty" % self.directory)
        shutil.copytree(
            source, self.charm_dir, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
        revision = self.charm_dir / "revision"
        if not revision.exists():
            revision.write_text("0\n")  # Juju writes one, and charmhelpers' HookData reads it.

        metadata = self._declared("metadata.yaml") or self._declared("charmcraft.yaml")
        self.name = name or "%s/0" % metadata["name"]
        self.application = self.name.partition("/")[0]
        self._endpoints = {
            endpoint for role in ("requires", "provides", "peers") for endpoint in metadata.get(role) or {}
        }
        bindings = sorted(self._endpoints | set(metadata.get("extra-bindings") or {}))
        self._options: Dict[str, Dict[str, Any]] = self._declared("config.yaml").get("options") or {}
        self._actions = self._declared("actions.yaml")
        self._hooks_run = 0

        _install_tools(self.juju_dir)
        self._write(
            {
                "action": None,
                "address": address,
                "bindings": bindings,
                "config": {option: spec.get("default") for option, spec in self._options.items()},
                "hook": {"relation-id": "", "remote-application": "", "remote-unit": ""},
                "leader": leader,
                "leader-settings": {},
                "pending": {"ports": {}, "relations": {}},
                "ports": [],
                "relations": {},
                "relations-made": 0,
                "resources": dict(resources or {}),
                "status": {
                    "application": {"status": "unknown", "message": ""},
                    "unit": {"status": "waiting", "message": "installing agent"},
                },
                "unit": self.name,
                "version": "",
            }
        )
        if config:
            self.set_config(**config)

    def __repr__(self) -> str:
        return "SimulatedUnit(%r, %r)" % (self.name, str(self.directory))

    # -- the Juju side ------------------------------------------------------------------------

    @property
    def config(self) -> Dict[str, Any]:
        """All options with their values; ``None`` where there is neither a value nor a default."""
        return dict(self._read()["config"])

    def set_config(self, **options: Any) -> None:
        """Set options, as ``juju config`` does; ``None`` puts an option back to its default.

        An option whose name has a dash is given as ``set_config(**{"reactive-log": "trace"})``. The
        charm learns of it in its next hook.

        Raises:
            CharmError: there is no such option, or the value is not of its type.
        """
        values = {}
        for option, value in options.items():
            if option not in self._options:
                raise CharmError("the charm has no option %r; it has %s" % (option, _listed(self._options)))
            spec = self._options[option]
            values[option] = spec.get("default") if value is None else _checked(option, spec, value)
        with self._change() as juju:
            juju["config"].update(values)

    @property
    def leader(self) -> bool:
        """Whether the unit leads its application; can be set."""
        return bool(self._read()["leader"])

    @leader.setter
    def leader(self, leader: bool) -> None:
        with self._change() as juju:
            juju["leader"] = leader

    @property
    def leader_settings(self) -> Dict[str, str]:
        """What ``leader-set`` has set."""
        return dict(self._read()["leader-settings"])

    def set_leader_settings(self, **settings: Optional[str]) -> None:
        """Let the application's leader, whichever unit that is, change its settings.

        An empty value or ``None`` takes a setting away. The charm learns of it in its next hook.
        """
        with self._change() as juju:
            changes = {key: "" if value is None else value for key, value in settings.items()}
            hooktools.update(juju["leader-settings"], changes)

    @property
    def status(self) -> Status:
        """The status that the charm has set for the unit."""
        return Status(**self._read()["status"]["unit"])

    @property
    def application_status(self) -> Status:
        """The status that the charm has set for the application."""
        return Status(**self._read()["status"]["application"])

    @property
    def version(self) -> str:
        """What ``application-version-set`` has set."""
        return str(self._read()["version"])

    @property
    def ports(self) -> Tuple[str, ...]:
        """The ports that are open, for example ``("80/tcp",)``."""
        return tuple(self._read()["ports"])

    def add_relation(
        self,
        endpoint: str,
        application: str,
        units: Optional[Mapping[str, Mapping[str, str]]] = None,
        application_data: Optional[Mapping[str, str]] = None,
    ) -> str:
        """Relate the unit; runs no hook.

        Args:
            endpoint: the charm's own name of the relation.
            application: on the other side; of a peer relation the unit's own.
            units: the data of each remote unit, by unit name.
            application_data: the data of the remote application.

        Returns:
            The relation's id, for example ``db:0``.

        Raises:
            CharmError: the charm has no such endpoint.
        """
        if endpoint not in self._endpoints:
            raise CharmError("the charm has no endpoint %r; it has %s" % (endpoint, _listed(self._endpoints)))
        with self._change() as juju:
            identity = "%s:%d" % (endpoint, juju["relations-made"])
            juju["relations-made"] += 1  # Juju never uses an id again
            address = juju["address"]
            juju["relations"][identity] = {
                "application": application,
                "departing": {},
                "units": {unit: dict(data) for unit, data in (units or {}).items()},
                "remote-application": dict(application_data or {}),
                "local-unit": {
                    "egress-subnets": address + ("/128" if ":" in address else "/32"),
                    "ingress-address": address,
                    "private-address": address,
                },
                "local-application": {},
            }
        return identity

    @property
    def relations(self) -> Tuple[str, ...]:
        """The ids of the relations there are, sorted."""
        return tuple(sorted(self._read()["relations"]))

    def related_units(self, relation: str) -> Tuple[str, ...]:
        """The remote units that are in a relation, sorted.

        Raises:
            CharmError: there is no such relation.
        """
        return tuple(sorted(_relation(self._read(), relation)["units"]))

    def add_unit(self, relation: str, unit: str, data: Optional[Mapping[str, str]] = None) -> None:
        """Let a remote unit enter a relation, with its data; runs no hook.

        Raises:
            CharmError: there is no such relation, it is with another application, or the unit is in it.
        """
        with self._change() as juju:
            known = _relation(juju, relation)
            application = known["application"]
            if unit.partition("/")[0] != application:
                raise CharmError("%s cannot be in %s, which is with %s" % (unit, relation, application))
            if unit in known["units"] or unit == self.name:
                raise CharmError("%s is in %s already" % (unit, relation))
            known["units"][unit] = dict(data or {})

    def set_relation_data(self, relation: str, whose: str, data: Mapping[str, Optional[str]]) -> None:
        """Let a remote unit or application change its data; runs no hook.

        Args:
            relation: the relation's id.
            whose: name of a remote unit or of the remote application; of this unit's own application
                where another unit leads it.
            data: what changes; an empty value or ``None`` takes a key away.

        Raises:
            CharmError: there is no such relation, or it has no such member.
        """
        changes = {key: "" if value is None else value for key, value in data.items()}
        with self._change() as juju:
            known = _relation(juju, relation)
            if whose in known["units"]:
                bag = known["units"][whose]
            elif whose == self.application:
                bag = known["local-application"]
            elif whose == known["application"]:
                bag = known["remote-application"]
            else:
                raise CharmError("%r is not on the other side of %s" % (whose, relation))
            hooktools.update(bag, changes)

    def run_relation(
        self, relation: str, event: str, unit: Optional[str] = None, **environment: str
    ) -> HookRun:
        """Run a relation hook to its end; see :meth:`run`.

        A unit that departs is listed no more when its hook starts, while its data can be read until the
        hook has succeeded. A relation that is broken has no units, and is gone after its hook has
        succeeded.

        Args:
            relation: the relation's id.
            event: ``created``, ``joined``, ``changed``, ``departed`` or ``broken``.
            unit: the remote unit; ``None`` where the hook is about the relation or about the remote
                application's data.
            **environment: more environment variables.

        Raises:
            CharmError: there is no such relation, or it has no such unit, or units that have not departed.
        """
        variables = {"JUJU_RELATION_ID": relation}
        with self._change() as juju:
            known = _relation(juju, relation)
            if unit is not None:
                variables["JUJU_REMOTE_UNIT"] = unit
                if unit not in known["units"] and not (event == "departed" and unit in known["departing"]):
                    raise CharmError("%s is not in %s: %s are" % (unit, relation, _listed(known["units"])))
                if event == "departed":
                    variables["JUJU_DEPARTING_UNIT"] = unit
                    if unit in known["units"]:
                        known["departing"][unit] = known["units"].pop(unit)
            if event == "broken" and known["units"]:
                raise CharmError("%s still has units: %s" % (relation, _listed(known["units"])))
        variables.update(environment)
        run = self.run("%s-relation-%s" % (relation.partition(":")[0], event), **variables)
        if run.succeeded:
            with self._change() as juju:
                if event == "broken":
                    del juju["relations"][relation]
                elif event == "departed":
                    juju["relations"][relation]["departing"].pop(unit, None)
        return run

    def relation_data(self, relation: str, whose: Optional[str] = None) -> Dict[str, str]:
        """The data in a relation of one unit or application; by default of this unit.

        Raises:
            CharmError: there is no such relation, or it has no such member.
        """
        known = _relation(self._read(), relation)
        bags = dict(known["units"])
        bags[known["application"]] = known["remote-application"]
        bags[self.application] = known["local-application"]
        bags[self.name] = known["local-unit"]
        member = whose or self.name
        if member not in bags:
            raise CharmError("%r is not in relation %s: %s are" % (member, relation, _listed(bags)))
        return dict(bags[member])

    # -- the charm side -----------------------------------------------------------------------

    @property
    def state_file(self) -> Path:
        """The unit state: the SQLite file that holds the flags."""
        elsewhere = self.environment.get("UNIT_STATE_DB")
        return self.charm_dir / (elsewhere or ".unit-state.db")

    @property
    def flags(self) -> FrozenSet[str]:
        """The flags that are set in the unit state on disk."""
        if not self.state_file.exists():
            return frozenset()
        with contextlib.closing(sqlite3.connect(str(self.state_file))) as state:
            try:
                rows = state.execute(
                    "SELECT key FROM kv WHERE substr(key, 1, ?) = ?", (len(_FLAG_ROWS), _FLAG_ROWS)
                ).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return frozenset()
                raise
        return frozenset(key[len(_FLAG_ROWS) :] for (key,) in rows)

    def run(self, hook: str, **environment: str) -> HookRun:
        """Run a hook to its end.

        The charm's ``dispatch`` is run if it has one, else ``hooks/NAME``. What the hook set in
        relations and the ports it opened take effect if it succeeds, and are forgotten if it fails.

        Args:
            hook: its name, for example ``config-changed``.
            environment: more environment variables, for this hook only. ``JUJU_RELATION_ID`` and
                ``JUJU_REMOTE_UNIT`` say which relation hook it is; what follows from them is added.

        Raises:
            CharmError: the charm has neither ``dispatch`` nor a file for that hook.
        """
        variables = {"JUJU_HOOK_NAME": hook}
        relation = environment.get("JUJU_RELATION_ID", "")
        if relation:
            variables["JUJU_RELATION"] = relation.partition(":")[0]
            variables["JUJU_REMOTE_UNIT"] = ""
            remote = environment.get("JUJU_REMOTE_UNIT", "").partition("/")[0]
            variables["JUJU_REMOTE_APP"] = remote or self._application_of(relation)
        variables.update(environment)
        return self._run(hook, "hooks/" + hook, variables, None)

    def run_action(
        self, action: str, parameters: Optional[Mapping[str, Any]] = None, **environment: str
    ) -> HookRun:
        """Run an action to its end, with the defaults that ``actions.yaml`` gives its parameters.

        Raises:
            CharmError: the charm has no such action, or the action no such parameter.
        """
        if action not in self._actions:
            raise CharmError("the charm has no action %r; it has %s" % (action, _listed(self._actions)))
        specs: Dict[str, Any] = (self._actions[action] or {}).get("params") or {}
        given = dict(parameters or {})
        for parameter in given:
            if parameter not in specs:
                raise CharmError(
                    "action %r has no parameter %r; it has %s" % (action, parameter, _listed(specs))
                )
        values = {key: spec["default"] for key, spec in specs.items() if "default" in spec}
        values.update(given)
        task = str(self._hooks_run + 1)
        variables = {
            "JUJU_HOOK_NAME": "",  # Juju does set it, and leaves it empty.
            "JUJU_ACTION_NAME": action,
            "JUJU_ACTION_UUID": task,
            "JUJU_ACTION_TAG": "action-" + task,
        }
        variables.update(environment)
        return self._run(action, "actions/" + action, variables, values)

    def processes(self) -> Tuple[int, ...]:
        """The ids of the processes that hooks of this unit have started and that still run."""
        return processes(self.directory)

    def end_processes(self, patience: float = 5.0) -> Tuple[int, ...]:
        """End what hooks left running; see :func:`end_processes`."""
        return end_processes(self.directory, patience)

    # -- inside -------------------------------------------------------------------------------

    def _run(
        self,
        name: str,
        path: str,
        variables: Mapping[str, str],
        parameters: Optional[Mapping[str, Any]],
    ) -> HookRun:
        executable = self.charm_dir / "dispatch"
        if not executable.exists():
            executable = self.charm_dir / path
        if not executable.exists():
            raise CharmError("the charm has neither dispatch nor %s" % path)
        self._hooks_run += 1
        context = "%s-%s-%d" % (self.name, name, self._hooks_run)
        environment = self._hook_environment(path, context)
        environment.update(variables)
        with self._change() as juju:
            juju["hook"] = {
                "relation-id": environment.get("JUJU_RELATION_ID", ""),
                "remote-application": environment.get("JUJU_REMOTE_APP", ""),
                "remote-unit": environment.get("JUJU_REMOTE_UNIT", ""),
            }
            if parameters is not None:
                juju["action"] = {
                    "failure": None,
                    "messages": [],
                    "parameters": dict(parameters),
                    "results": {},
                }
        before = self.flags
        (self.juju_dir / "calls").write_bytes(b"")
        self._enter(context)
        try:
            exit_status, timed_out, duration, cpu, max_rss = self._execute(executable, environment)
        finally:
            self._enter("")
        action = self._settle(exit_status == 0)
        log, tools = self._calls()
        stdout = (self.juju_dir / "stdout").read_text(encoding="utf-8", errors="replace")
        stderr = (self.juju_dir / "stderr").read_text(encoding="utf-8", errors="replace")
        self._write_log(name, log, stdout, stderr)
        failed_hook = exit_status != 0 and parameters is None
        return HookRun(
            name=name,
            exit_status=exit_status,
            timed_out=timed_out,
            log=log,
            tools=tools,
            stdout=stdout,
            stderr=stderr,
            status=Status("error", 'hook failed: "%s"' % name) if failed_hook else self.status,
            flags_before=before,
            flags_after=self.flags,
            duration=duration,
            cpu=cpu,
            max_rss=max_rss,
            action=action,
        )

    def _hook_environment(self, path: str, context: str) -> Dict[str, str]:
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key in INHERITED or key.startswith("CHARMS_REACTIVE_")
        }
        # Not resolved: a virtual environment's interpreter is itself a symbolic link.
        search = [str(self.juju_dir / "bin"), str(self.python.parent.absolute())]
        search.append(os.environ.get("PATH", os.defpath))
        environment = {
            **inherited,
            "APT_LISTCHANGES_FRONTEND": "none",
            "CHARM_DIR": str(self.charm_dir),
            "CLOUD_API_VERSION": "",
            "DEBIAN_FRONTEND": "noninteractive",
            "JUJU_AGENT_SOCKET_ADDRESS": "@" + str(self.juju_dir / "agent.socket"),
            "JUJU_AGENT_SOCKET_NETWORK": "unix",
            "JUJU_API_ADDRESSES": "127.0.0.1:17070",
            "JUJU_AVAILABILITY_ZONE": "simulated",
            "JUJU_CHARM_DIR": str(self.charm_dir),
            "JUJU_CHARM_FTP_PROXY": "",
            "JUJU_CHARM_HTTP_PROXY": "",
            "JUJU_CHARM_HTTPS_PROXY": "",
            "JUJU_CHARM_NO_PROXY": "",
            "JUJU_CONTEXT_ID": context,
            "JUJU_DISPATCH_PATH": path,
            "JUJU_MACHINE_ID": "0",
            "JUJU_METER_INFO": "not set",
            "JUJU_METER_STATUS": "AMBER",
            "JUJU_MODEL_NAME": self.model,
            "JUJU_MODEL_UUID": self.model_uuid,
            "JUJU_PRINCIPAL_UNIT": "",
            "JUJU_SLA": "unsupported",
            "JUJU_UNIT_NAME": self.name,
            "JUJU_VERSION": JUJU_VERSION,
            "LANG": "C.UTF-8",
            "TERM": "tmux-256color",
            **self.environment,
        }
        if "PATH" in self.environment:
            search = [search[0], self.environment["PATH"]]
        environment["PATH"] = os.pathsep.join(search)
        return environment

    def _execute(
        self, executable: Path, environment: Mapping[str, str]
    ) -> Tuple[int, bool, float, float, int]:
        """Run one process; exit status, whether it was killed, seconds, processor seconds, KiB."""
        # Files, not pipes: a daemon that the charm starts keeps these open after the hook has ended.
        with open(self.juju_dir / "stdout", "wb") as stdout, open(self.juju_dir / "stderr", "wb") as stderr:
            started = time.perf_counter()
            try:
                process = subprocess.Popen(
                    [str(executable)],
                    cwd=str(self.charm_dir),
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                )
            except OSError as error:
                stderr.write(("cannot run %s: %s\n" % (executable, error)).encode())
                return 126, False, time.perf_counter() - started, 0.0, 0
            killed = threading.Event()

            def kill() -> None:
                killed.set()
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

            timer = threading.Timer(self.timeout, kill)
            timer.start()
            try:
                # wait4() tells what the process used, which Popen does not.
                _, ended, used = os.wait4(process.pid, 0)
            except BaseException:
                kill()
                raise
            finally:
                timer.cancel()
            duration = time.perf_counter() - started
        exit_status = -os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)
        process.returncode = exit_status
        return exit_status, killed.is_set(), duration, used.ru_utime + used.ru_stime, used.ru_maxrss

    def _settle(self, succeeded: bool) -> Optional[ActionOutcome]:
        """Let what was buffered take effect, or forget it; the action's outcome, if there was one."""
        with self._change() as juju:
            pending = juju["pending"]
            juju["pending"] = {"ports": {}, "relations": {}}
            if succeeded:
                for identity, changes in pending["relations"].items():
                    relation = juju["relations"].get(identity)
                    if relation is not None:
                        hooktools.update(relation["local-unit"], changes.get("unit", {}))
                        hooktools.update(relation["local-application"], changes.get("application", {}))
                opened = set(juju["ports"])
                for port, is_open in pending["ports"].items():
                    if is_open:
                        opened.add(port)
                    else:
                        opened.discard(port)
                juju["ports"] = sorted(opened, key=_port_order)
            action = juju["action"]
            juju["action"] = None
        if action is None:
            return None
        return ActionOutcome(action["results"], action["failure"], tuple(action["messages"]))

    def _calls(self) -> Tuple[Tuple[LogEntry, ...], Tuple[ToolCall, ...]]:
        """What the hook-tool processes recorded of themselves."""
        log: List[LogEntry] = []
        tools: List[ToolCall] = []
        of_process: Dict[int, int] = {}
        for line in (self.juju_dir / "calls").read_text(encoding="ascii").splitlines():
            fields = json.loads(line)
            if len(fields) == 3:
                index = of_process[fields[1]]
                tools[index] = ToolCall(tools[index].tool, tools[index].arguments, fields[2])
                continue
            at, process, tool, arguments = fields
            of_process[process] = len(tools)
            tools.append(ToolCall(tool, tuple(arguments)))
            if tool == "juju-log":
                with contextlib.suppress(hooktools.RefusedError):
                    level, message = hooktools.log_entry(arguments)
                    log.append(LogEntry(level, message, at))
        return tuple(log), tuple(tools)

    def _write_log(self, name: str, log: Tuple[LogEntry, ...], stdout: str, stderr: str) -> None:
        """Add to ``unit.log`` what Juju would have added to the unit's log."""
        now = time.time()
        entries = [(entry.time, entry.level, "juju-log", entry.message) for entry in log]
        entries += [(now, "DEBUG", name, line) for line in stdout.splitlines()]
        entries += [(now, "WARNING", name, line) for line in stderr.splitlines()]
        with open(self.log_file, "a", encoding="utf-8", errors="backslashreplace") as file:
            for at, level, source, text in entries:
                stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
                file.write("%s %s unit.%s.%s %s\n" % (stamp, level, self.name, source, text))

    def _application_of(self, relation: str) -> str:
        known = self._read()["relations"].get(relation)
        if known is None:
            raise CharmError("there is no relation %r" % relation)
        return str(known["application"])

    def _declared(self, name: str) -> Dict[str, Any]:
        """One of the charm's YAML files; empty if there is none."""
        path = self.charm_dir / name
        if not path.exists():
            return {}
        try:
            declared = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            raise CharmError("%s is not YAML: %s" % (path, error)) from error
        if not isinstance(declared, dict):
            raise CharmError("%s is not a mapping" % path)
        return declared

    def _enter(self, context: str) -> None:
        (self.juju_dir / "context").write_text(context, encoding="utf-8")

    def _read(self) -> Dict[str, Any]:
        with open(self.juju_dir / "juju.json", encoding="utf-8") as file:
            juju: Dict[str, Any] = json.load(file)
        return juju

    def _write(self, juju: Dict[str, Any]) -> None:
        path = self.juju_dir / "juju.json"
        new = path.with_name("juju.json.new")
        new.write_text(json.dumps(juju, indent=1, sort_keys=True), encoding="utf-8")
        os.replace(new, path)

    @contextlib.contextmanager
    def _change(self) -> Iterator[Dict[str, Any]]:
        """The Juju side for a change, under the lock that the hook tools take."""
        with open(self.juju_dir / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            juju = self._read()
            yield juju
            self._write(juju)


def _relation(juju: Dict[str, Any], relation: str) -> Dict[str, Any]:
    """One relation of the Juju side, for a change."""
    if relation not in juju["relations"]:
        raise CharmError("there is no relation %r; there is %s" % (relation, _listed(juju["relations"])))
    found: Dict[str, Any] = juju["relations"][relation]
    return found


def _install_tools(juju_dir: Path) -> None:
    """Make the hook tools of one unit: ``lib`` with the program, ``bin`` with a link for each name."""
    lib = juju_dir / "lib"
    tools = juju_dir / "bin"
    lib.mkdir(parents=True)
    tools.mkdir()
    program = lib / "hooktools.py"
    shutil.copyfile(hooktools.__file__, program)
    # Compiled now, so that no hook pays for it and processes that start together do not all do it.
    py_compile.compile(str(program), doraise=True)
    (lib / "yaml-path").write_text(str(Path(yaml.__file__).resolve().parent.parent), encoding="utf-8")
    launcher = lib / "hook-tool"
    interpreter = os.path.abspath(sys.executable)
    # -S, -E and -s leave out site-packages and the environment's say: half of the start-up time.
    first = "#!%s -SEs\n" % interpreter
    if len(first) > 127 or len(first.split()) != 2:
        # The kernel takes neither a long path nor one with a blank; a shell does.
        first = "#!/bin/sh\n''''exec '%s' -SEs \"$0\" \"$@\" #'''\n" % interpreter
    launcher.write_text(first + "import hooktools\n\nhooktools.main()\n", encoding="utf-8")
    launcher.chmod(0o755)
    for name in hooktools.TOOLS:
        (tools / name).symlink_to(Path("..", "lib", "hook-tool"))
    (juju_dir / "context").write_text("")


def _checked(option: str, spec: Mapping[str, Any], value: Any) -> Any:
    """A value for an option, in the option's type."""
    kind = spec.get("type", "string")
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    good = {
        "string": isinstance(value, str),
        "secret": isinstance(value, str),
        "int": number and int(value) == value,
        "float": number,
        "boolean": isinstance(value, bool),
    }
    if kind not in good:
        raise CharmError("option %r has the type %r, which Juju does not know" % (option, kind))
    if not good[kind]:
        raise CharmError("option %r is of type %s, which %r is not" % (option, kind, value))
    return value


def _port_order(port: str) -> Tuple[str, int]:
    numbers, _, protocol = port.partition("/")
    first = numbers.partition("-")[0]
    return protocol, int(first) if first.isdigit() else 0


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
