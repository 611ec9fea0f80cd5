"""The command ``charms.reactive``: flags and tests for shell handlers, actions and people.

Commands that test answer by their exit status, 0 for yes and 1 for no, and print nothing; 2 means
that the question could not be answered, with the reason on stderr.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
import traceback
from typing import (
    Any,
    Callable,
    Collection,
    Dict,
    Iterable,
    List,
    NamedTuple,
    NoReturn,
    Optional,
    Sequence,
    Tuple,
)

from . import flags, helpers, relations
from ._commands import place
from ._commands.quick import is_on, split_id
from ._dispatch import done_once, watched_files
from ._errors import ReactiveError, in_words
from ._juju import environment, juju_log
from ._unit_state import unit_state
from ._unit_state.rows import HOOK_VARIABLE, lock_timeout, odd_lock_timeout
from ._version import __version__
from .endpoints import Endpoint
from .external import FlagWatch

__all__ = ["main"]

_YES, _NO, _TROUBLE = 0, 1, 2

#: The commands that are not part of what units have, each with its module.
_AT_THE_DESK = {
    "simulate": "testing._terminal.simulate",
    "replay": "testing._terminal.replay",
    "lint": "tools._lint.command",
    "graph": "tools._graph.command",
    "check-1.5": "tools._moving.command",
}
#: Commands for people that units have as well.
_ON_THE_UNIT = {
    "explain": "testing.explain",
    "history": "_history.timeline",
    "why": "_history.why",
    "snapshot": "_history.snapshots",
}
#: Commands for people, which parse their own words.
_WITH_PARSERS = (*_AT_THE_DESK, *_ON_THE_UNIT)


class CommandError(ReactiveError):
    """A command was given arguments that make no sense."""


# -- handlers of shell scripts ------------------------------------------------------------------
class HandlerSpec(NamedTuple):
    """A function of a script with its conditions, as ``charms.reactive test`` gets it."""

    name: str
    id: str
    tests: Sequence[Tuple[str, Sequence[str]]]

    @property
    def stable_id(self) -> str:
        """The id without its line, so that editing the script does not change it."""
        path, line, name = split_id(self.id)
        return "%s::%s" % (path, name) if line else self.id


def _parse_handler_spec(spec: str) -> HandlerSpec:
    """Read ``NAME ID [TEST "ARGUMENTS"]…``, quoted as a shell does it, the arguments once more."""
    try:
        words = shlex.split(spec)
        tests = [(test, shlex.split(arguments)) for test, arguments in zip(words[2::2], words[3::2])]
    except ValueError as error:
        raise CommandError("cannot read the handler %r: %s" % (spec, error)) from None
    if len(words) < 2 or len(words) % 2:
        raise CommandError("a handler is given as 'NAME ID [TEST \"ARGUMENTS\"]…', not %r" % spec)
    for test, _ in tests:
        if test not in _FLAG_TESTS and test not in ("hook", "when_file_changed", "only_once", *_NEWS):
            raise CommandError("there is no test %r, asked for by handler %s" % (test, words[0]))
    return HandlerSpec(words[0], words[1], tests)


# Decorators that 1.5.x does not have. That a function is invoked by hand is not kept for them.
_NEWS = ("when_set", "when_cleared", "when_changed", "once_per", "unless_hook")

_FLAG_TESTS: Dict[str, Callable[[Iterable[str]], bool]] = {
    "when": helpers._when_all,
    "when_all": helpers._when_all,
    "when_any": helpers._when_any,
    "when_not": helpers._when_none,
    "when_none": helpers._when_none,
    "when_not_all": helpers._when_not_all,
}

_FLAG_QUESTIONS = {
    "when": "Are all of the flags set",
    "when_all": "Are all of the flags set",
    "when_any": "Is one of the flags set",
    "when_not": "Is none of the flags set",
    "when_none": "Is none of the flags set",
    "when_not_all": "Is one of the flags not set",
}


def _matches(handler: HandlerSpec) -> bool:
    watched = [flag for test, arguments in handler.tests if test in _FLAG_TESTS for flag in arguments]
    if watched and not FlagWatch.watch(handler.id, watched):
        return False
    for test, arguments in handler.tests:
        if test in _FLAG_TESTS:
            holds = _FLAG_TESTS[test](arguments)
        elif test == "hook":
            holds = helpers._hook(arguments)
        elif test == "only_once":
            holds = not _done_before(handler.id)
        elif test in _NEWS:
            holds = _is_news(handler, test, arguments)
        else:
            holds = watched_files.FileWatch(handler.stable_id, arguments).changed()
        if not holds:
            return False
    return True


def _is_news(handler: HandlerSpec, test: str, arguments: Sequence[str]) -> bool:
    from ._dispatch import changes, edges

    path, _, name = split_id(handler.id)
    stable_id = "%s::%s" % (os.path.relpath(path, environment.charm_dir()), name)
    if test == "unless_hook":
        return changes.not_in_hook(*arguments)
    if test in ("when_set", "when_cleared"):
        return any(edges.is_news(flag, test == "when_set", stable_id) for flag in arguments)
    try:
        return changes.watch_of_words(test, stable_id, arguments).is_new()
    except ValueError as error:
        raise CommandError(str(error)) from None


def _file_watches(handler: HandlerSpec) -> List[watched_files.FileWatch]:
    return [
        watched_files.FileWatch(handler.stable_id, arguments)
        for test, arguments in handler.tests
        if test == "when_file_changed"
    ]


def _done_before(handler_id: str) -> bool:
    path, line, name = split_id(handler_id)
    if not line:
        return helpers.was_invoked(handler_id)
    return done_once.done_before("%s::%s" % (path, name), path, line, name)


# -- commands -----------------------------------------------------------------------------------
def _test(handlers: Sequence[str]) -> str:
    specs = [_parse_handler_spec(spec) for spec in handlers]
    for spec in specs:  # every handler starts from the same state of its files
        for watch in _file_watches(spec):
            watch.take_baseline()
    return ",".join(spec.name for spec in specs if _matches(spec))


def _invoking(handlers: Sequence[str]) -> None:
    for spec in handlers:
        for watch in _file_watches(_parse_handler_spec(spec)):
            watch.consume()


def _mark_invoked(handler_ids: Sequence[str]) -> None:
    for handler_id in handler_ids:
        path, line, name = split_id(handler_id)
        done_once.remember(handler_id, *(["%s::%s" % (path, name)] if line else []))


def _toggle_flag(flag: str, should_set: str) -> None:
    flags.toggle_flag(flag, is_on(should_set))


def _relation_call(
    method: str,
    arguments: Sequence[str],
    relation_name: Optional[str],
    flag: Optional[str],
    state: Optional[str],
) -> Any:
    asked = relation_name or flag or state
    if asked:
        _make_endpoint(asked)
    answer = relations.relation_call(method, relation_name, flag, state, *arguments)
    # A hook publishes when it succeeds; for what this process has written there is no later.
    for endpoint in Endpoint._endpoints.values():
        for connected in endpoint.relations:
            connected._flush_data()
    return answer


def _make_endpoint(asked: str) -> None:
    """Make the instance of the endpoint that a name or flag is about; a hook makes all at its start."""
    parts = asked.split(".")
    Endpoint._instance(parts[1] if parts[0] == "endpoint" and len(parts) > 1 else parts[0])


def _relation_id(relation_name: str, unit: str) -> str:
    hookenv = environment.hookenv
    if hookenv.relation_type() == relation_name:
        # In a departed hook the unit is no longer listed; and this way nobody has to be asked.
        remote = hookenv.remote_unit() or ""
        if remote.split("/")[0] == unit.split("/")[0]:
            return str(hookenv.relation_id())
    relation_id = hookenv.relation_id(relation_name, unit)
    if relation_id is None:
        raise CommandError("no relation of endpoint %r with %r" % (relation_name, unit))
    return str(relation_id)


def _render_template(source: str, target: str) -> None:
    content = _rendered(source)
    directory, name = os.path.split(os.path.abspath(target))
    unfinished = ""
    try:
        os.makedirs(directory, exist_ok=True)
        # Never leave half a file where a service may read it; and by a name that nobody can have put there.
        descriptor, unfinished = tempfile.mkstemp(prefix=".%s." % name, dir=directory)
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o444)
            file.write(content)
        os.replace(unfinished, target)
    except (OSError, ValueError) as error:
        if unfinished:
            os.unlink(unfinished)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CommandError("cannot write %s: %s" % (target, reason)) from error


def _rendered(source: str) -> str:
    # charmhelpers' own renderer imports its host module, which refuses most Linux distributions.
    try:
        import jinja2
    except ImportError as error:
        raise CommandError("templates need Jinja2: put it into the charm's wheelhouse (%s)" % error) from None

    directory = os.path.join(environment.charm_dir(), "templates")
    try:
        templates = jinja2.Environment(loader=jinja2.FileSystemLoader(directory))
        return templates.get_template(source).render(os.environ)
    except jinja2.TemplateNotFound as error:
        name = error.name or str(error)
        by = "" if name == source else " (asked for by %s)" % source
        raise CommandError("there is no template %s below %s%s" % (name, directory, by)) from None
    except Exception as error:  # a template can fail in any way that Python can
        # Jinja has the template's own lines in the traceback; of a syntax error, in the error.
        where, line = getattr(error, "name", None) or source, getattr(error, "lineno", None)
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename.startswith(os.path.join(directory, "")):
                where, line = os.path.relpath(frame.filename, directory), frame.lineno
        where += ":%d" % line if line else ""
        reason = getattr(error, "message", None) if isinstance(error, jinja2.TemplateError) else None
        raise CommandError("template %s: %s" % (where, reason or in_words(error))) from error


# -- the commands as functions ------------------------------------------------------------------
# So they are in 1.5.x, where the command line is made of them, and charms' tools may call them.
def hook(*hook_patterns: str) -> bool:
    """Whether the current hook matches one of the patterns."""
    return helpers._hook(hook_patterns)


def when(*desired_flags: str) -> bool:
    """The same as :func:`when_all`."""
    return helpers._when_all(desired_flags)


def when_all(*desired_flags: str) -> bool:
    """Whether all of the flags are set; within a dispatch in the phase in which flags are looked at."""
    return helpers._when_all(desired_flags)


def when_any(*desired_flags: str) -> bool:
    """Whether any of the flags is set; see :func:`when_all`."""
    return helpers._when_any(desired_flags)


def when_not(*desired_flags: str) -> bool:
    """The same as :func:`when_none`."""
    return helpers._when_none(desired_flags)


def when_none(*desired_flags: str) -> bool:
    """Whether none of the flags is set; see :func:`when_all`."""
    return helpers._when_none(desired_flags)


def when_not_all(*desired_flags: str) -> bool:
    """Whether any of the flags is not set; see :func:`when_all`."""
    return helpers._when_not_all(desired_flags)


def when_file_changed(*filenames: str) -> bool:
    """Whether any of the files has changed since this was asked last."""
    return helpers.any_file_changed(filenames)


def only_once(handler_id: str) -> bool:
    """Whether a handler has not been invoked yet; its id as in :func:`mark_invoked`."""
    return not _done_before(handler_id)


def mark_invoked(*handler_ids: str) -> None:
    """Remember that handlers have been invoked, for :func:`only_once`."""
    _mark_invoked(handler_ids)


def test(*handlers: str) -> str:
    """The names of those handlers whose tests pass, each given as ``NAME ID [TEST "ARGUMENTS"]…``.

    Raises:
        CommandError: one is given otherwise, or asks for a test that does not exist.
    """
    return _test(handlers)


def render_template(source: str, target: str) -> None:
    """Render a template of the charm, with the environment as its variables.

    Raises:
        CommandError: there is no such template, it has a mistake in it, or the target cannot be written.
    """
    _render_template(source, target)


# -- the command line ---------------------------------------------------------------------------
class _Command(NamedTuple):
    """A subcommand: what to call, and whether its answer is printed, an exit status, or nothing."""

    run: Callable[[argparse.Namespace], Any]
    answers: str  # "value", "test" or "nothing"
    asks: bool  # whether it leaves the unit state as it is


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(_TROUBLE, "%s: %s\n" % (self.prog, message))


class _CommandLine(_Parser):
    """The parser of the whole command line, whose help shows the subcommands in groups.

    Attributes:
        groups: the title of each, with its subcommands and what is said of them.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.groups: List[Tuple[str, List[Tuple[str, str]]]] = []

    def format_help(self) -> str:
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        for title, commands in self.groups:
            formatter.start_section(title)
            formatter.add_arguments(
                [argparse.Action([], name, metavar=name, help=summary) for name, summary in commands]
            )
            formatter.end_section()
        formatter.start_section(self._optionals.title)
        formatter.add_arguments(self._optionals._group_actions)
        formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()


class _CommandTable:
    """The subcommands, each with its parser."""

    @property
    def names(self) -> Collection[str]:
        """Of all of them, and of those that have a parser of their own."""
        return [*self._subparsers.choices, *_WITH_PARSERS]

    def __init__(self, parser: _CommandLine) -> None:
        self._groups = parser.groups
        self._subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def group(self, title: str, *commands: Tuple[str, str]) -> None:
        """Begin a group; ``commands`` are those of it that have a parser of their own."""
        self._groups.append((title, list(commands)))

    def add(
        self,
        name: str,
        summary: str,
        run: Callable[[argparse.Namespace], Any],
        answers: str,
        *arguments: str,
        options: Sequence[str] = (),
        asks: Optional[bool] = None,
    ) -> None:
        """Add a subcommand; an argument that ends in ``*`` takes any number of words.

        What has an answer asks, unless ``asks`` says otherwise.
        """
        parser = self._subparsers.add_parser(name, description=summary)
        self._groups[-1][1].append((name, summary))
        for argument in arguments:
            if argument.endswith("*"):
                parser.add_argument(argument[:-1], nargs="*")
            else:
                parser.add_argument(argument)
        for option in options:
            parser.add_argument("--" + option)
        parser.set_defaults(spec=_Command(run, answers, answers != "nothing" if asks is None else asks))


def _parser() -> Tuple[argparse.ArgumentParser, Collection[str]]:
    """The parser, and the names of the subcommands."""
    parser = _CommandLine(
        prog="charms.reactive",
        description="Runs a reactive charm's hooks without Juju, tells why its handlers ran, and reads and "
        "changes the flags of a unit.",
        epilog="charms.reactive COMMAND --help tells more.",
    )
    parser.add_argument("--version", action="version", version="charms.reactive %s" % __version__)
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--format", choices=sorted(_FORMATS), default="raw", help="how to print an answer")
    for name in _FORMATS:
        formats.add_argument(
            "-" + name[0],
            "--" + name,
            dest="format",
            action="store_const",
            const=name,
            help=argparse.SUPPRESS,
        )
    table = _CommandTable(parser)
    add = table.add

    table.group(
        "what a charm does",
        ("simulate CHARM HOOK…", "Run hooks without Juju; show which handlers run and what they change."),
        ("explain FILE", "Tell why the handlers of a recorded hook ran, or did not."),
        ("replay SNAPSHOT HOOK", "Run a hook of a unit again, from a snapshot or a copy of the unit."),
    )
    table.group(
        "what a charm is",
        ("lint CHARM", "Look for mistakes in its code and declarations."),
        ("graph CHARM", "Draw its handlers and flags, as a picture or a page."),
        ("check-1.5 CHARM", "Tell what moving from 1.5 changes for it."),
    )
    table.group(
        "what the unit has done",
        ("history", "Show its last hooks: when, how long, what ran, how it ended."),
        ("why HANDLER|FLAG", "Tell why a handler ran or did not, or who has changed a flag."),
        ("snapshot", "Print the unit as a state, for simulate, replay and tests."),
    )
    table.group("flags of the unit")
    add("get_flags", "Print the flags that are set.", lambda _: flags.get_flags(), "value")
    add("set_flag", "Set a flag.", lambda a: _set_flag(a), "nothing", "flag", options=["value"])
    add("clear_flag", "Clear a flag.", lambda a: flags.clear_flag(a.flag), "nothing", "flag")
    add(
        "toggle_flag",
        "Set a flag, or clear it for 0, false, no, off or nothing.",
        lambda a: _toggle_flag(a.flag, a.should_set),
        "nothing",
        "flag",
        "should_set",
    )
    add("is_flag_set", "Is the flag set?", lambda a: flags.is_flag_set(a.flag), "test", "flag")
    add(
        "all_flags_set",
        "Are all of the flags set?",
        lambda a: flags.all_flags_set(*a.flags),
        "test",
        "flags*",
    )
    add(
        "any_flags_set", "Is one of the flags set?", lambda a: flags.any_flags_set(*a.flags), "test", "flags*"
    )
    add(
        "get_unset_flags",
        "Print those of the flags that are not set.",
        lambda a: flags.get_unset_flags(*a.flags),
        "value",
        "flags*",
    )
    add(
        "register_trigger",
        "Set or clear a flag whenever another one changes, until the hook ends.",
        lambda a: flags.register_trigger(a.when, a.when_not, a.set_flag, a.clear_flag),
        "nothing",
        options=["when", "when_not", "set_flag", "clear_flag"],
    )
    table.group("hook, relations and files")
    add(
        "any_hook",
        "Does the current hook match?",
        lambda a: helpers.any_hook(*a.patterns),
        "test",
        "patterns*",
    )
    add(
        "relation_id",
        "Print the id of the relation with a unit or application.",
        lambda a: _relation_id(a.relation_name, a.unit),
        "value",
        "relation_name",
        "unit",
    )
    add(
        "relation_call",
        "Call a method of a relation's object and print what it returns.",
        lambda a: _relation_call(a.method, a.arguments, a.relation_name, a.flag, a.state),
        "value",
        "method",
        "arguments*",
        options=["relation_name", "flag", "state"],
        asks=False,
    )
    add(
        "render_template",
        "Render a template of the charm with the environment variables.",
        lambda a: _render_template(a.source, a.target),
        "nothing",
        "source",
        "target",
        asks=True,
    )
    table.group("for charms.reactive.sh: conditions of a handler in bash, and what is kept of it")
    add(
        "hook",
        "Does the current hook match, in phase hooks?",
        lambda a: helpers._hook(a.patterns),
        "test",
        "patterns*",
    )
    for name, test in _FLAG_TESTS.items():
        add(name, _FLAG_QUESTIONS[name] + ", in phase other?", _flag_test(test), "test", "flags*")
    add(
        "when_file_changed",
        "Has one of the files changed since this was last asked?",
        lambda a: helpers.any_file_changed(a.files),
        "test",
        "files*",
        asks=False,  # it remembers what it has seen
    )
    add("only_once", "Has the handler not run before?", lambda a: not _done_before(a.id), "test", "id")
    add(
        "test",
        "Print the names of the handlers that match.",
        lambda a: _test(a.handlers),
        "value",
        "handlers*",
        asks=False,
    )
    add(
        "invoking",
        "Note that handlers see their files now.",
        lambda a: _invoking(a.handlers),
        "nothing",
        "handlers*",
    )
    add("mark_invoked", "Remember that handlers ran.", lambda a: _mark_invoked(a.ids), "nothing", "ids*")
    table.group("old names")
    old = "Old name of %s."
    add("set_state", old % "set_flag", lambda a: _set_flag(a), "nothing", "flag", options=["value"])
    add("remove_state", old % "clear_flag", lambda a: flags.clear_flag(a.flag), "nothing", "flag")
    add("is_state", old % "is_flag_set", lambda a: flags.is_flag_set(a.flag), "test", "flag")
    add("all_states", old % "all_flags_set", lambda a: flags.all_flags_set(*a.flags), "test", "flags*")
    add("any_states", old % "any_flags_set", lambda a: flags.any_flags_set(*a.flags), "test", "flags*")
    add(
        "get_states",
        "Print the flags that are set, with their values.",
        lambda _: flags.get_states(),
        "value",
    )
    return parser, table.names


def _flag_test(test: Callable[[Iterable[str]], bool]) -> Callable[[argparse.Namespace], bool]:
    return lambda arguments: test(arguments.flags)


def _set_flag(arguments: argparse.Namespace) -> None:
    if arguments.value is None:
        flags.set_flag(arguments.flag)
    else:
        flags.set_flag(arguments.flag, arguments.value)


# -- output -------------------------------------------------------------------------------------
def _print_raw(answer: Any) -> None:
    if isinstance(answer, (list, tuple)):
        answer = "\n".join(map(str, answer))
    sys.stdout.write(str(answer))


def _print_json(answer: Any) -> None:
    import json

    json.dump(answer, sys.stdout)


def _print_yaml(answer: Any) -> None:
    import yaml

    yaml.safe_dump(answer, sys.stdout)


def _print_py(answer: Any) -> None:
    import pprint

    pprint.pprint(answer)


def _print_rows(answer: Any, dialect: str) -> None:
    import csv

    if isinstance(answer, dict):
        rows: List[Any] = [[key, value] for key, value in answer.items()]
    elif isinstance(answer, (list, tuple)):
        rows = [row if isinstance(row, (list, tuple)) else [row] for row in answer]
    else:
        rows = [[answer]]
    csv.writer(sys.stdout, dialect=dialect).writerows(rows)


_FORMATS: Dict[str, Callable[[Any], None]] = {
    "raw": _print_raw,
    "json": _print_json,
    "yaml": _print_yaml,
    "py": _print_py,
    "csv": lambda answer: _print_rows(answer, "excel"),
    "tab": lambda answer: _print_rows(answer, "excel-tab"),
}


def _run(arguments: argparse.Namespace) -> int:
    command: _Command = arguments.spec
    unit = unit_state.unit
    unit.record_changes = True  # for the dispatch that may be waiting for this process
    unit.lock_timeout = lock_timeout(os.environ.get(HOOK_VARIABLE) is not None)
    odd = odd_lock_timeout()
    if odd and sys.stderr is not None:
        print("charms.reactive: %s" % odd, file=sys.stderr)
    with place.of_state(asks=command.asks):
        unit.fresh()
        flags.load_triggers()
        answer = command.run(arguments)
        # Without a stdout it was closed: nobody wants to read this.
        if command.answers == "value" and sys.stdout is not None:
            _print(arguments.format, answer)
        unit.flush()
    juju_log.hand_over()
    return _NO if command.answers == "test" and not answer else _YES


class _CannotPrintError(ReactiveError):
    """Nobody can read the answer."""


def _print(answer_format: str, answer: Any) -> None:
    try:
        _FORMATS[answer_format](answer)
        sys.stdout.flush()
    except OSError as error:
        # Keep the interpreter from trying again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # then the reader has seen enough
            raise _CannotPrintError("cannot print the answer: %s" % (error.strerror or error)) from error


def _meant(word: str, names: Collection[str]) -> str:
    """What may have been meant, for the end of a sentence."""
    import difflib  # for this alone

    # One that is very near is meant, and no other.
    close = difflib.get_close_matches(word, names, 1, 0.8) or difflib.get_close_matches(word, names, 2)
    return "; did you mean %s?" % " or ".join(close) if close else "; --help lists them"


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run a subcommand.

    Args:
        argv: its name and arguments; the process's own by default.

    Returns:
        The exit status: 0 for done or yes, 1 for no, 2 for a question that could not be answered.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    name = ""
    try:
        if words and words[0] in _WITH_PARSERS:
            name = " " + words[0]
            return _for_the_desk(words[0], words[1:])
        parser, names = _parser()
        if words and words[0] in _FORMAT_OPTIONS:
            _refuse_format(parser, words)
        if words and not words[0].startswith("-") and words[0] not in names:
            parser.error("there is no subcommand %r%s" % (words[0], _meant(words[0], names)))
        arguments = parser.parse_args(words)
        if not arguments.command:
            parser.print_help(sys.stderr)
            return _TROUBLE
        name = " " + arguments.command
        return _run(arguments)
    except (ReactiveError, ValueError) as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 -- status 1 would be the answer no
        reason = "%s: %s" % (type(error).__name__, error)
        if sys.stderr is not None:
            traceback.print_exc()
    if sys.stderr is not None:  # else it was closed, and print() would take stdout, where answers belong
        print("charms.reactive%s: %s" % (name, reason), file=sys.stderr)
    juju_log.hand_over()
    return _TROUBLE


_FORMAT_OPTIONS = frozenset(
    ["--format", *("--format=" + name for name in _FORMATS), *("--" + name for name in _FORMATS)]
    + ["-" + name[0] for name in _FORMATS]
)


def _refuse_format(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """End here, if a format is asked of a command that has none."""
    command = words[2:3] if words[0] == "--format" else words[1:2]
    if command and command[0] in _WITH_PARSERS:
        own = "--json" if command[0] == "simulate" else "--format json"
        parser.error(
            "%s prints no answer in a format: leave out %s; its own options stand behind its name "
            "(%s has %s)" % (command[0], " ".join(words[: words.index(command[0])]), command[0], own)
        )


def _for_the_desk(name: str, words: List[str]) -> int:
    """Run a command that has a parser of its own; no hook has a use for what it imports."""
    import importlib

    try:
        module = importlib.import_module("charms_reactive." + {**_AT_THE_DESK, **_ON_THE_UNIT}[name])
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("charms_reactive."):
            raise
        from . import testing

        # What the sdist has in that place, as units do.
        where = getattr(testing, "WHERE", "charms_reactive.testing is incomplete")
        print("error: %s" % where, file=sys.stderr)
        return _TROUBLE
    run: Callable[[List[str]], int] = module.main
    return run(words)


if __name__ == "__main__":
    sys.exit(main())
