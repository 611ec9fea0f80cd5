"""A simulated Juju unit: a charm, the Juju side of it, and hooks that run in it one after the other."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any, ContextManager, Dict, FrozenSet, Iterator, List, Mapping, Optional, Tuple, Union

from charms_reactive.testing import hooktools
from charms_reactive.testing._running import bootstrap, inprocess
from charms_reactive.testing._running.agent_server import AgentServer, Answers, agent_address
from charms_reactive.testing._running.processes import Ended, end_processes, execute, processes
from charms_reactive.testing.errors import CharmError
from charms_reactive.testing.explain import Record
from charms_reactive.testing.hooks import Hook

from . import translation
from .charm import Charm, listed
from .disk import CharmFiles, Rows, deployed, write_rows
from .environment import hook_environment, search_path
from .run import ActionOutcome, HookRun, LogEntry, ToolCall
from .state import State, Status

#: The version that the simulated Juju claims to be: the newest that reactive charms are deployed with.
JUJU_VERSION = "3.6.0"


class SimulatedUnit:
    """A unit of a charm in a directory, which goes on from hook to hook as a deployed one does.

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
        in_process: run hooks in this interpreter, and answer hook tools without processes.
        juju_version: whose shape the hook tools have, for example ``4.0.0``.
        engine: ``native`` or ``pure``; by default what the environment says, else the framework's choice.
        addresses: whether remote units of a state have in their data what Juju puts there
            (``ingress-address``, ``egress-subnets`` and, until Juju 3, ``private-address``), where
            the state says nothing else.

    Attributes:
        charm: what is known of the charm.
        side: what the hook tools ask.
        rows: of the unit state when the last hook had ended.

    Raises:
        CharmError: the directory holds no charm, or an option is unknown or of the wrong type.
        FileExistsError: the unit's directory is not empty.
    """

    def __init__(
        self,
        charm: Union[str, os.PathLike[str], Charm],
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
        in_process: bool = False,
        juju_version: str = JUJU_VERSION,
        engine: Optional[str] = None,
        addresses: bool = False,
    ) -> None:
        self.charm = charm if isinstance(charm, Charm) else Charm(charm)
        self.directory = Path(directory).resolve()
        self.charm_dir = self.directory / "charm"
        self.juju_dir = self.directory / "juju"
        self.log_file = self.directory / "unit.log"
        self.environment: Dict[str, str] = dict(environment or {})
        self.python = Path(python or sys.executable)
        self.timeout = timeout
        self.model = model
        self.model_uuid = str(uuid.uuid4())
        self.in_process = in_process
        self.juju_version = juju_version
        self.engine = engine
        self.addresses = addresses
        self.name = name or "%s/0" % self.charm.name
        self.application = self.name.partition("/")[0]
        self._moved = (str(self.charm_dir), deployed(self.name))
        self._hooks_run = 0
        # Known without a look at the disk, between load() and the hook that follows.
        self._flags_loaded: Optional[FrozenSet[str]] = None

        self.directory.mkdir(parents=True, exist_ok=True)
        if any(self.directory.iterdir()):
            raise FileExistsError("%s is not empty" % self.directory)
        self._files = CharmFiles(self.charm, self.charm_dir)
        beginning = State(leader=leader, address=address, resources=resources or {})
        juju = translation.juju_of(beginning, self.charm, self.name, juju_version)
        self.side: Union[hooktools.FileSide, hooktools.MemorySide]
        if in_process:
            self.juju_dir.mkdir()
            self.side = hooktools.MemorySide(juju, context="")
        else:
            self.side = hooktools.install(self.juju_dir, juju)
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
            if option in self.charm.options and value is None:
                values[option] = self.charm.default(option)
            else:
                values[option] = self.charm.checked(option, value)
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
        if endpoint not in self.charm.endpoints:
            there = listed(self.charm.endpoints)
            raise CharmError("the charm has no endpoint %r; it has %s" % (endpoint, there))
        with self._change() as juju:
            identity = "%s:%d" % (endpoint, juju["relations-made"])
            juju["relations-made"] += 1  # Juju never uses an id again
            juju["relations"][identity] = hooktools.new_relation(juju, application, units, application_data)
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
            known.setdefault("departed", {}).pop(unit, None)

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
            raise CharmError("%r is not in relation %s: %s are" % (member, relation, listed(bags)))
        return dict(bags[member])

    # -- the charm side -----------------------------------------------------------------------

    @property
    def state_file(self) -> Path:
        """The SQLite file that is the unit state, and holds the flags."""
        elsewhere = self.environment.get("UNIT_STATE_DB")
        return self.charm_dir / (elsewhere or ".unit-state.db")

    @property
    def flags(self) -> FrozenSet[str]:
        """The flags that are set in the unit state on disk."""
        return frozenset(Rows(self.state_file, self._moved).flags)

    def refresh(self, charm: Union[str, os.PathLike[str], Charm]) -> None:
        """Get another revision of the charm, as ``juju refresh`` gives it; runs no ``upgrade-charm``.

        Options that both have keep their values.

        Raises:
            CharmError: the directory holds no charm, or one of another name.
        """
        new = charm if isinstance(charm, Charm) else Charm(charm)
        if new.name != self.charm.name:
            raise CharmError("a unit of %s cannot become one of %s" % (self.charm.name, new.name))
        with self._change() as juju:
            translation.refresh(juju, self.charm, new)
        self._files.refresh(new)
        self.charm = new

    # -- states -------------------------------------------------------------------------------

    def load(self, state: State) -> None:
        """Be in a state: whatever the unit was before is gone."""
        self.load_normal(self.normal(state))

    def load_normal(self, state: State) -> None:
        """:meth:`load` a state that :meth:`normal` has made."""
        juju = translation.juju_of(state, self.charm, self.name, self.juju_version, self.addresses)
        with self._change() as there:
            there.clear()
            there.update(juju)
        self._files.restore(state.files)
        moved = (self._moved[1], self._moved[0])
        write_rows(self.state_file, moved, state.flags, state.flag_values, state.stored, state.tables)
        self._flags_loaded = state.flags

    def dump(self, rows: Optional[Rows] = None) -> State:
        """The state that the unit is in, as a value.

        Args:
            rows: of the unit state, for whoever has just read them.
        """
        rows = Rows(self.state_file, self._moved) if rows is None else rows
        return translation.state_of(self._read(), rows, self._files.changed(), self.charm, self.addresses)

    def normal(self, state: State) -> State:
        """The state with what is usual filled in, as it would be read back: names of peers, for example."""
        return translation.normal(state, self.charm, self.name)

    # -- hooks and actions --------------------------------------------------------------------

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

    def run_relation(
        self, relation: str, event: str, unit: Optional[str] = None, **environment: str
    ) -> HookRun:
        """Run a relation hook to its end; see :meth:`run`.

        A unit that departs is listed no more when its hook starts, while its data can be read as long as the
        relation lasts. A relation that is broken has no units, and is gone after its hook has
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
                    raise CharmError("%s is not in %s: %s are" % (unit, relation, listed(known["units"])))
                if event == "departed":
                    variables["JUJU_DEPARTING_UNIT"] = unit
                    if unit in known["units"]:
                        known["departing"][unit] = known["units"].pop(unit)
            if event == "broken" and known["units"]:
                raise CharmError("%s still has units: %s" % (relation, listed(known["units"])))
        variables.update(environment)
        run = self.run("%s-relation-%s" % (relation.partition(":")[0], event), **variables)
        if run.succeeded:
            with self._change() as juju:
                if event == "broken":
                    del juju["relations"][relation]
                elif event == "departed":
                    known = juju["relations"][relation]
                    gone = known["departing"].pop(unit, None)
                    if gone is not None:
                        known.setdefault("departed", {})[unit] = gone
        return run

    def run_hook(self, hook: Hook) -> HookRun:
        """Run a hook that was completed; see :func:`charms_reactive.testing.hooks.complete`."""
        about = hook.relation_event
        if about is not None:
            assert hook.relation is not None
            return self.run_relation(hook.relation, about[1], hook.unit, **hook.environment)
        variables = translation.variables(hook, self._read())
        return self.run(hook.name, **{**variables, **hook.environment})

    def run_action(
        self, action: str, parameters: Optional[Mapping[str, Any]] = None, **environment: str
    ) -> HookRun:
        """Run an action to its end, with the defaults that ``actions.yaml`` gives its parameters.

        Raises:
            CharmError: the charm has no such action, or the action no such parameter.
        """
        values = self.charm.parameters(action, parameters or {})
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
        context = "%s-%s-%s" % (self.name, name, os.urandom(16).hex())
        record = self.juju_dir / "record"
        with contextlib.suppress(FileNotFoundError):
            record.unlink()
        environment = self._hook_environment(path, context)
        environment["CHARMS_REACTIVE_RECORD"] = str(record)
        environment.update(variables)
        with self._change() as juju:
            translation.enter(juju, environment, parameters)
            if parameters is None:
                translation.begin(juju, name)
        before = self.flags if self._flags_loaded is None else self._flags_loaded
        self._flags_loaded = None
        self.side.calls = []
        self.side.context = context
        exception: Optional[BaseException] = None
        leftovers: Tuple[str, ...] = ()
        records: List[Record] = []
        try:
            if self.in_process:
                done = self._run_in_process(path, environment, records)
                ended = Ended(done.exit_status, done.timed_out, done.duration, done.cpu)
                stdout, stderr, exception = done.stdout, done.stderr, done.exception
                leftovers = done.leftovers
            else:
                command = bootstrap.command(executable, self.charm_dir)
                with self._agent(environment):
                    ended = execute(command, self.charm_dir, environment, self.juju_dir, self.timeout)
                stdout, stderr = (
                    (self.juju_dir / stream).read_text(encoding="utf-8", errors="replace")
                    for stream in ("stdout", "stderr")
                )
        finally:
            self.side.context = ""
        action, reboot = self._settle(name, ended, stdout, stderr)
        log, tools = self._calls()
        self._write_log(name, log, stdout, stderr)
        self.rows = Rows(self.state_file, self._moved)
        failed_hook = ended.exit_status != 0 and parameters is None
        return HookRun(
            name=name,
            exit_status=ended.exit_status,
            timed_out=ended.timed_out,
            log=log,
            tools=tools,
            stdout=stdout,
            stderr=stderr,
            status=Status("error", 'hook failed: "%s"' % name) if failed_hook else self.status,
            flags_before=before,
            flags_after=frozenset(self.rows.flags),
            duration=ended.duration,
            cpu=ended.cpu,
            max_rss=ended.max_rss,
            action=action,
            record=records[0] if records else Record.read(record),
            exception=exception,
            statuses=translation.statuses(tools),
            reboot=reboot,
            leftovers=leftovers,
        )

    def _run_in_process(
        self, path: str, environment: Mapping[str, str], records: List[Record]
    ) -> inprocess.Executed:
        return inprocess.execute(
            self.charm_dir,
            path,
            environment,
            self.side,
            timeout=self.timeout,
            engine=self.engine,
            juju_dir=self.juju_dir,
            record=lambda document: records.append(Record(document)),
        )

    @contextlib.contextmanager
    def _agent(self, environment: Dict[str, str]) -> Iterator[None]:
        """Have an agent listen where the environment of a hook says, unless it was told of another one."""
        address = environment["JUJU_AGENT_SOCKET_ADDRESS"]
        if address != agent_address(self.juju_dir, self.juju_version):
            yield
            return
        with AgentServer(Answers(self.side, environment), address) as agent:
            environment["JUJU_AGENT_SOCKET_ADDRESS"] = agent.address
            yield

    def _hook_environment(self, path: str, context: str) -> Dict[str, str]:
        return hook_environment(
            juju_version=self.juju_version,
            model_type=self._read()["model"]["type"],
            engine=self.engine,
            context={
                "CHARM_DIR": str(self.charm_dir),
                "JUJU_AGENT_SOCKET_ADDRESS": agent_address(self.juju_dir, self.juju_version),
                "JUJU_CHARM_DIR": str(self.charm_dir),
                "JUJU_CONTEXT_ID": context,
                "JUJU_DISPATCH_PATH": path,
                "JUJU_MODEL_NAME": self.model,
                "JUJU_MODEL_UUID": self.model_uuid,
                "JUJU_UNIT_NAME": self.name,
                "JUJU_VERSION": self.juju_version,
            },
            given=self.environment,
            search=search_path(self.juju_dir / "bin", self.python, self.environment),
        )

    def _settle(
        self, name: str, ended: Ended, stdout: str, stderr: str
    ) -> Tuple[Optional[ActionOutcome], str]:
        """Let what was buffered take effect, or forget it; the action's outcome, and the reboot asked for."""
        succeeded = ended.exit_status == 0
        with self._change() as juju:
            action = juju["action"]
            hooktools.settle(juju, succeeded)
            juju["action"] = None
            reboot, juju["reboot"] = juju["reboot"], ""
            if action is None and succeeded and reboot != "now":
                translation.end(juju, name)
        if action is None:
            return None, reboot
        messages = tuple(action["messages"])
        outcome = ActionOutcome(
            action["results"], action["failure"], messages, ended.exit_status, stdout, stderr
        )
        return outcome, reboot

    def _calls(self) -> Tuple[Tuple[LogEntry, ...], Tuple[ToolCall, ...]]:
        """What the hook-tool processes recorded of themselves."""
        log: List[LogEntry] = []
        tools: List[ToolCall] = []
        of_process: Dict[int, int] = {}
        for fields in self.side.calls:
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

    def _read(self) -> Dict[str, Any]:
        return self.side.read()

    def _change(self) -> ContextManager[Dict[str, Any]]:
        """The Juju side for a change, under the lock that the hook tools take."""
        return self.side.change()


def _relation(juju: Dict[str, Any], relation: str) -> Dict[str, Any]:
    """One relation of the Juju side, for a change."""
    if relation not in juju["relations"]:
        raise CharmError("there is no relation %r; there is %s" % (relation, listed(juju["relations"])))
    found: Dict[str, Any] = juju["relations"][relation]
    return found
