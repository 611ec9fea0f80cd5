"""The command ``charms.reactive simulate``: hooks of a charm on a simulated unit, one after the other.

::

    charms.reactive simulate . install start --config port=8080
    charms.reactive simulate . db-relation-changed --relate db=mysql --data mysql/0 host=10.0.0.5
    charms.reactive simulate . action:backup name=weekly --state unit.json

What is shown is in :mod:`charms_reactive.testing._terminal.progress`; here is what is asked, and what is run.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import os
import signal
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, NoReturn, Optional, Sequence, Tuple

import yaml

from charms_reactive.testing._running.processes import end_processes
from charms_reactive.testing._unit.charm import Charm, listed
from charms_reactive.testing._unit.scenario import Outcome, Unit
from charms_reactive.testing._unit.simulated_unit import JUJU_VERSION
from charms_reactive.testing._unit.state import Relation, State, Storage
from charms_reactive.testing.errors import CharmError
from charms_reactive.testing.hooks import Hook, known_hooks

from .progress import JsonReport, Report, TextReport

__all__ = ["main"]

_GOOD, _FAILED, _COULD_NOT, _INTERRUPTED = 0, 1, 2, 130

_USAGE = "charms.reactive simulate CHARM HOOK… [options]"

_DESCRIPTION = """\
Run hooks and actions of a charm, one after the other, on a simulated unit: no Juju, no machine, no mocks.
The charm may be built or not. The first hook that fails ends the run, as it would stop a unit.
"""

_EPILOG = """\
what to run:
  install                       a hook, by the name that Juju calls it
  db-relation-joined            … of a relation; see --relate
  db-relation-joined:mysql/1    … about one remote unit, if there are several
  db-relation-changed:mysql     … about the data of the remote application
  data-storage-attached:data/1  … about one storage; secret-changed:LABEL about a secret
  action:backup name=weekly     an action, with its parameters

examples:
  charms.reactive simulate . install start --config port=8080
  charms.reactive simulate . install db-relation-changed --relate db=mysql:2 --data mysql/0 host=10.0.0.5
  charms.reactive simulate . update-status --flag app.installed --explain configure
  charms.reactive simulate . install --state unit.json
  charms.reactive simulate . config-changed --state unit.json --config port=80

exit status:
  0  every hook succeeded
  1  a hook or action failed
  2  something could not be done as asked: an option, a hook or the charm is not what it should be

--json prints one document when all is over: charm, unit, juju, in_process, engine, succeeded, error (why it
could not go on, or null), hooks (a list: name, kind, about, succeeded, exit_status, error, traceback,
seconds, handlers, flags_set, flags_cleared, status, statuses, changes, published, published_application,
tools, log, stdout, stderr, results, failure, messages, explanations) and state, which is what --state writes.
"""


def main(arguments: List[str]) -> int:
    """Run the command.

    Args:
        arguments: what follows ``charms.reactive simulate``.

    Returns:
        The exit status: 0 if all hooks succeeded, 1 if one failed, 2 if it could not do what was asked.
    """
    try:
        asked = _parse(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    report: Report = JsonReport() if asked.json else TextReport(verbose=asked.verbose)
    # A supervisor or a closed terminal ends this as ^C does: nothing that a hook started is left behind.
    ended_by: List[int] = []
    with _asked_to_end(ended_by):
        try:
            with report:
                return _simulate(asked, report)
        except (CharmError, OSError) as error:
            report.could_not(str(error))
            print("charms.reactive simulate: %s" % error, file=sys.stderr)
            return _COULD_NOT
        except KeyboardInterrupt:
            report.could_not("interrupted")
            print("charms.reactive simulate: interrupted", file=sys.stderr)
            return 128 + ended_by[0] if ended_by else _INTERRUPTED


@contextlib.contextmanager
def _asked_to_end(by: List[int]) -> Iterator[None]:
    """``SIGTERM`` and ``SIGHUP`` interrupt, for as long as the block."""

    def interrupt(number: int, _: object) -> None:
        by.append(number)
        raise KeyboardInterrupt

    try:
        before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    except ValueError:  # not the main thread, which alone is told of signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# -- what is asked ----------------------------------------------------------------------------------
class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(_COULD_NOT, "charms.reactive simulate: %s\n(--help tells how it is used)\n" % message)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(
        prog="charms.reactive simulate",
        usage=_USAGE,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
            prog, max_help_position=32, width=104
        ),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("charm", metavar="CHARM", help="directory of the charm")
    add("steps", metavar="HOOK", nargs="+", help="hooks and actions to run, in order; see below")

    unit = parser.add_argument_group("the unit, before the first hook")
    add = unit.add_argument
    many: Dict[str, Any] = {"action": "append", "default": []}
    add("--config", metavar="OPTION=VALUE", **many, help="set an option; VALUE may be @FILE")
    add(
        "--relate",
        metavar="ENDPOINT[=APP[:UNITS]]",
        **many,
        help="relate it to that many units of an application (default: 1)",
    )
    add(
        "--data",
        nargs=2,
        metavar=("WHOSE", "KEY=VALUE"),
        **many,
        help="data of a remote unit (mysql/0), or of all units on an endpoint; no value takes a key away",
    )
    add(
        "--app-data",
        nargs=2,
        metavar=("APP", "KEY=VALUE"),
        **many,
        help="data of a remote application, by its name or the endpoint's",
    )
    add("--leader", action="store_true", default=None, help="it leads its application (the default)")
    add("--no-leader", dest="leader", action="store_false", help="it does not")
    add("--flag", metavar="FLAG", **many, help="a flag that is set")
    add("--no-flag", metavar="FLAG", **many, help="a flag that is not, whatever --state says")
    add("--storage", metavar="NAME", **many, help="attach a storage")
    add("--resource", metavar="NAME=PATH", **many, help="a resource that can be fetched")
    add("--state", type=Path, metavar="FILE", help="go on from this file if it is there, and write it")

    how = parser.add_argument_group("how it is run")
    add = how.add_argument
    add("--processes", action="store_true", help="as Juju does: hooks and hook tools are processes")
    add("--juju", metavar="VERSION", default=JUJU_VERSION, help="whose hook tools (default: %(default)s)")
    add("--engine", choices=("native", "pure"), help="the framework's engine")
    add("--unit", metavar="NAME", help="name of the unit (default: the charm's name with /0)")
    add("--timeout", type=float, metavar="SECONDS", default=600.0, help="for one hook (default: %(default)g)")

    shown = parser.add_argument_group("what is shown")
    add = shown.add_argument
    add("--explain", metavar="HANDLER", **many, help="why this handler ran, or did not, in each hook")
    add(
        "-v", "--verbose", action="store_true", help="the log and the output of each hook, and all it changed"
    )
    add("--json", action="store_true", help="one JSON document instead of text; see below")
    return parser.parse_intermixed_args(arguments)


@dataclass(frozen=True)
class Step:
    """One hook or action to run.

    Attributes:
        name: of it.
        action: whether it is an action.
        about: what a hook is about: a remote unit, application, relation, storage or secret.
        parameters: of an action, as they were written.
    """

    name: str
    action: bool = False
    about: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """As it was written, without parameters."""
        if self.action:
            return "action:" + self.name
        return "%s:%s" % (self.name, self.about) if self.about else self.name


def _steps(words: Sequence[str]) -> List[Step]:
    """What to run, in order.

    Raises:
        CharmError: a parameter belongs to no action.
    """
    steps: List[Step] = []
    for word in words:
        if word.startswith("action:"):
            steps.append(Step(word[len("action:") :], action=True))
        elif "=" in word.partition(":")[0]:
            key, _, value = word.partition("=")
            if not steps or not steps[-1].action:
                raise CharmError(
                    "%s belongs to no action; an option of the charm is set by --config %s" % (word, word)
                )
            steps[-1] = replace(steps[-1], parameters={**steps[-1].parameters, key: value})
        else:
            name, _, about = word.partition(":")
            steps.append(Step(name, about=about))
    return steps


def _pair(text: str, what: str) -> Tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key:
        raise CharmError("%s is given as %s, not as %r" % (what, "NAME=VALUE", text))
    return key, value


# -- values -----------------------------------------------------------------------------------------
_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def _option(charm: Charm, text: str) -> Tuple[str, Any]:
    """An option and its value, of the type that config.yaml declares."""
    option, value = _pair(text, "--config")
    if option not in charm.options:
        raise CharmError("the charm has no option %r%s" % (option, _meant(option, charm.options)))
    if value.startswith("@"):
        try:
            value = Path(value[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CharmError("--config %s: %s" % (option, error)) from error
    kind = charm.options[option].get("type", "string")
    typed: Any = value
    try:
        if kind == "int":
            typed = int(value)
        elif kind == "float":
            typed = float(value)
        elif kind == "boolean":
            typed = _BOOLEANS[value.lower()]
    except (ValueError, KeyError):
        raise CharmError("option %r is of type %s, which %r is not" % (option, kind, value)) from None
    return option, charm.checked(option, typed)


def _parameters(charm: Charm, step: Step) -> Dict[str, Any]:
    """The parameters of an action: strings where actions.yaml says so, else what YAML makes of them.

    Raises:
        CharmError: the charm has no such action, the action no such parameter, or the value is no YAML.
    """
    if step.name not in charm.actions:
        raise CharmError("the charm has no action %r%s" % (step.name, _meant(step.name, charm.actions)))
    declared: Mapping[str, Any] = charm.actions[step.name].get("params") or {}
    values: Dict[str, Any] = {}
    for key, text in step.parameters.items():
        # Juju takes a dot for the way into a mapping.
        *path, last = [key] if key in declared else key.split(".")
        place = values
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise CharmError("parameter %r of action %s is given twice" % (part, step.name))
        place[last] = _parameter(step.name, key, text, (declared.get(key) or {}).get("type"))
    charm.parameters(step.name, values)
    return values


_JSON_TYPES: Dict[str, Tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _parameter(action: str, key: str, text: str, kind: Optional[str]) -> Any:
    if kind == "string":
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CharmError("parameter %r of action %s is no YAML: %s" % (key, action, error)) from error
    wanted = _JSON_TYPES.get(kind or "")
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean")):
        raise CharmError(
            "parameter %r of action %s is of type %s, which %r is not" % (key, action, kind, text)
        )
    return value


def _meant(wrong: str, known: Any) -> str:
    """What may have been meant, or else what there is, for the end of a sentence."""
    close = difflib.get_close_matches(wrong, sorted(known), 2)
    if close:
        return "; did you mean %s?" % " or ".join(close)
    return "; it has %s" % listed(known)


# -- the state --------------------------------------------------------------------------------------
def _given(asked: argparse.Namespace, charm: Charm, unit: str) -> State:
    """The state of the unit before the first hook."""
    state = _read(asked.state) if asked.state is not None else State()
    changes: Dict[str, Any] = {}
    if asked.config:
        changes["config"] = {**state.config, **dict(_option(charm, text) for text in asked.config)}
    if asked.flag or asked.no_flag:
        changes["flags"] = (state.flags | set(asked.flag)) - set(asked.no_flag)
    if asked.leader is not None:
        changes["leader"] = asked.leader
    if asked.resource:
        resources = dict(_pair(text, "--resource") for text in asked.resource)
        for name, path in resources.items():
            if not Path(path).exists():
                raise CharmError("resource %s: there is no file %s" % (name, path))
            resources[name] = str(Path(path).resolve())
        changes["resources"] = {**state.resources, **resources}
    for name in asked.storage:
        there = changes.get("storages", state.storages)
        taken = [storage.index for storage in there if storage.name == name]
        changes["storages"] = (*there, Storage(name, max(taken, default=-1) + 1))
    if changes:
        state = state.replace(**changes)
    for text in asked.relate:
        state = _related(state, charm, text, unit)
    for whose, text in asked.data:
        state = _with_data(state, whose, *_pair(text, "--data"))
    for whose, text in asked.app_data:
        state = _with_application_data(state, whose, *_pair(text, "--app-data"))
    return state


def _related(state: State, charm: Charm, text: str, own_name: str) -> State:
    """The state with the relation that ``ENDPOINT[=APP[:UNITS]]`` describes, new or changed."""
    endpoint, _, rest = text.partition("=")
    application, _, number = rest.partition(":")
    if endpoint not in charm.endpoints:
        raise CharmError("the charm has no endpoint %r%s" % (endpoint, _meant(endpoint, charm.endpoints)))
    if number and not number.isdigit():
        raise CharmError("--relate %s: %r is no number of units" % (text, number))
    own, _, own_number = own_name.partition("/")
    peers = charm.endpoints[endpoint].role == "peers"
    there = [relation for relation in state.relations if relation.endpoint == endpoint]
    if not application:
        application = own if peers else there[0].application if len(there) == 1 else "remote"
    numbers = (each for each in range(10**6) if not (peers and str(each) == own_number))
    for relation in there:
        if relation.application == application:
            if number:
                names = ["%s/%d" % (application, next(numbers)) for _ in range(int(number))]
                relation = replace(relation, units={unit: relation.units.get(unit, {}) for unit in names})
            return state.with_relation(relation)
    names = ["%s/%d" % (application, next(numbers)) for _ in range(int(number or 1))]
    return state.with_relation(Relation(endpoint, application, {unit: {} for unit in names}))


def _with_data(state: State, whose: str, key: str, value: str) -> State:
    """The state with one key of a remote unit's data changed, or of all units' on an endpoint."""
    endpoint, _, unit = whose.rpartition(":") if "/" in whose else (whose, "", "")
    found = False
    for relation in state.relations:
        if endpoint in ("", relation.endpoint) and (not unit or unit in relation.units):
            changed = {
                name: {**data, key: value} if unit in ("", name) else data
                for name, data in relation.units.items()
            }
            state = state.with_relation(replace(relation, units=changed))
            found = True
    if not found:
        units = {name for relation in state.relations for name in relation.units}
        there = {relation.endpoint for relation in state.relations} | units
        raise CharmError(
            "--data %s: the unit is related to no such unit%s" % (whose, _meant_of(whose, there))
        )
    return state


def _with_application_data(state: State, whose: str, key: str, value: str) -> State:
    found = False
    for relation in state.relations:
        if whose in (relation.endpoint, relation.application):
            state = state.with_relation(replace(relation, data={**relation.data, key: value}))
            found = True
    if not found:
        there = {name for relation in state.relations for name in (relation.endpoint, relation.application)}
        raise CharmError(
            "--app-data %s: the unit is related to no such application%s" % (whose, _meant_of(whose, there))
        )
    return state


def _meant_of(whose: str, there: Any) -> str:
    return _meant(whose, there) if there else "; relate it with --relate first"


def _read(path: Path) -> State:
    """The state that a run before this one wrote; of a new unit if there is no file.

    Raises:
        CharmError: the file holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if not path.absolute().parent.is_dir():
            raise CharmError("--state %s: there is no directory %s" % (path, path.parent)) from None
        return State()
    except UnicodeDecodeError:
        raise CharmError("--state %s: the file is not text" % path) from None
    try:
        return State.from_json(json.loads(text))
    except (CharmError, ValueError) as error:
        raise CharmError("--state %s: %s" % (path, error)) from error


def _write(path: Path, text: str) -> None:
    """Write the state; whoever reads the file meanwhile has the old one, and a kill leaves it whole."""
    target = Path(os.path.realpath(path))  # a link stays one
    new = target.with_name("%s.%d.new" % (target.name, os.getpid()))
    try:
        new.write_text(text, encoding="utf-8")
        os.replace(new, target)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


# -- the run ----------------------------------------------------------------------------------------
def _simulate(asked: argparse.Namespace, report: Report) -> int:
    directory = Path(asked.charm)
    if not directory.is_dir():
        raise CharmError("there is no directory %s" % asked.charm)
    if not asked.juju.partition(".")[0].isdigit():
        raise CharmError("--juju %s: a version is given as 3.6 or 4.0.1" % asked.juju)
    charm = Charm(directory)
    name = asked.unit or "%s/0" % charm.name
    if not name.partition("/")[2].isdigit():
        raise CharmError("--unit %s: a unit is named APPLICATION/NUMBER" % name)
    steps = _steps(asked.steps)
    parameters = [_parameters(charm, step) if step.action else {} for step in steps]
    for step in steps:
        if not step.action:
            _check_hook(charm, step, asked.juju)
    with tempfile.TemporaryDirectory(prefix="charms.reactive-") as temporary:
        place = Path(temporary).resolve()
        charm_dir = place / "unit" / "charm"
        state = _given(asked, charm, name)
        unit = Unit(
            charm,
            name=name,
            in_process=not asked.processes,
            juju_version=asked.juju,
            engine=asked.engine,
            timeout=asked.timeout,
            directory=place,
        )
        for step in steps:
            _check_file(charm_dir, step)

        def keep(state: State) -> None:
            if asked.state is not None:
                _write(asked.state, state.dumps())

        try:
            return _run(unit, state, list(zip(steps, parameters)), asked, report, keep)
        finally:
            left = end_processes(place / "unit")
            if left:
                report.ended_processes(len(left))


def _check_hook(charm: Charm, step: Step, juju_version: str) -> None:
    """Refuse a hook that Juju does not run for this charm, before any other has run."""
    known = known_hooks(charm, juju_version)
    if step.name in known:
        return
    if step.name in charm.actions:
        raise CharmError("%s is an action: write action:%s" % (step.name, step.name))
    about = Hook(step.name).relation_event
    if about is not None and about[0] not in charm.endpoints:
        meant = _meant(about[0], charm.endpoints)
        raise CharmError("%s: the charm has no endpoint %r%s" % (step.name, about[0], meant))
    close = difflib.get_close_matches(step.name, sorted(known | set(charm.actions)), 2)
    close = ["action:" + one if one in charm.actions else one for one in close]
    hint = "; did you mean %s?" % " or ".join(close) if close else ""
    raise CharmError("Juju %s runs no hook %r for this charm%s" % (juju_version, step.name, hint))


def _check_file(charm_dir: Path, step: Step) -> None:
    """Refuse a hook or action that a built charm has no file for."""
    path = ("actions/" if step.action else "hooks/") + step.name
    if not (charm_dir / "dispatch").exists() and not (charm_dir / path).exists():
        raise CharmError(
            "the charm is built and has neither dispatch nor %s, so Juju would run nothing" % path
        )


def _run(
    unit: Unit,
    state: State,
    steps: Sequence[Tuple[Step, Mapping[str, Any]]],
    asked: argparse.Namespace,
    report: Report,
    keep: Callable[[State], None],
) -> int:
    report.begin(unit, state, asked.engine)
    for step, parameters in steps:
        # Not before the hook's own checks: a hook that cannot be run is no hook that was begun.
        hook = None if step.action else _about(step, state)
        report.begin_hook(step.shown)
        outcome: Outcome
        if hook is None:
            outcome = unit.run_action(step.name, state, parameters)
        else:
            outcome = unit.run(hook, state)
        state = outcome.state
        keep(state)
        report.ran(step.shown, outcome, {handler: outcome.why(handler) for handler in asked.explain})
        if not outcome.succeeded:
            break
    report.end(state, asked.state, len(steps))
    return _GOOD if outcome.succeeded else _FAILED


def _about(step: Step, state: State) -> Hook:
    """The hook, with what it is about as the state has it."""
    hook = Hook(step.name)
    if hook.relation_event is not None:
        return _about_relation(step, hook.relation_event, state)
    if not step.about:
        return hook
    if hook.storage_event is not None:
        name = hook.storage_event[0]
        return replace(hook, storage=step.about if "/" in step.about else "%s/%s" % (name, step.about))
    if step.name.startswith("secret-"):
        label, _, revision = step.about.rpartition("/")
        if revision.isdigit():
            return replace(hook, secret=label, revision=int(revision))
        return replace(hook, secret=step.about)
    raise CharmError("%s is about nothing in particular, so not about %s" % (step.name, step.about))


def _about_relation(step: Step, event: Tuple[str, str], state: State) -> Hook:
    endpoint, kind = event
    there = [relation for relation in state.relations if relation.endpoint == endpoint]
    if not there:
        raise CharmError(
            "%s: nothing is related on %s; relate it with --relate %s" % (step.name, endpoint, endpoint)
        )
    about = step.about
    application = about.partition("/")[0]
    meant = [
        one for one in there if about in ("", one.id) or about.isdigit() or application == one.application
    ]
    if len(meant) != 1:
        names = ", ".join("%s (%s)" % (one.application, one.id) for one in there)
        if not meant:
            raise CharmError("%s: %s is not on the other side, but %s" % (step.name, about, names))
        raise CharmError(
            "%s: several are related there: %s; write %s:%s"
            % (step.name, names, step.name, there[0].application)
        )
    relation = meant[0]
    unit: Optional[str] = None
    if about.isdigit():
        unit = "%s/%s" % (relation.application, about)
    elif "/" in about or (about == relation.application and kind == "changed"):
        unit = about
    if unit is None and kind in ("joined", "changed", "departed") and len(relation.units) > 1:
        raise CharmError(
            "%s is about one unit, and there are %s; write %s:%s"
            % (step.name, listed(relation.units), step.name, next(iter(relation.units)))
        )
    return Hook(step.name, relation.id, unit)
