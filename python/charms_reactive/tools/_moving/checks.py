"""What decides each row from the charm's code."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Dict, Iterable, Iterator, List, Set, Tuple

from charms_reactive.tools._charm.knowledge import KINDS, Reading
from charms_reactive.tools._charm.model import FlagUse, Function, Place, SourceFile
from charms_reactive.tools._charm.names import HOLE, overlap
from charms_reactive.tools._charm.syntax import dotted, place_of
from charms_reactive.tools._lint import code, declared, flags
from charms_reactive.tools._lint.rules import Rule, Settings

from .rows import Concern, add, no_check


def _of_rules(reading: Reading, *rules: Rule) -> Iterator[Concern]:
    for rule in rules:
        assert rule.check is not None
        for finding in rule.check(reading, Settings()):
            meant = "; did you mean %s?" % finding.meant if finding.meant else ""
            yield finding.place, finding.message + meant


def _python(reading: Reading) -> Iterator[SourceFile]:
    return (file for file in reading.files if file.tree is not None)


def _bash(reading: Reading) -> Iterator[SourceFile]:
    return (file for file in reading.files if file.kind == "bash")


def _scripts(reading: Reading) -> List[SourceFile]:
    """The scripts of handlers in bash."""
    return [file for file in reading.files if file.kind == "bash" and file.discovered]


def _lines(file: SourceFile, pattern: str) -> Iterator[Tuple[Place, str]]:
    for number, line in enumerate(file.lines, 1):
        for match in re.finditer(pattern, line.partition("#")[0]):
            yield Place(file.path, number, match.start() + 1, match.end() + 1), match.group().strip()


def _told(files: Iterable[SourceFile], pattern: str, message: str) -> Iterator[Concern]:
    """The same of each place of these files that matches."""
    for file in files:
        for place, _ in _lines(file, pattern):
            yield place, message


def _calls(reading: Reading, *names: str) -> Iterator[Concern]:
    """Calls of these functions, by their dotted names."""
    for file in _python(reading):
        words = {name.rpartition(".")[2] for name in names}
        if not any(word in file.text for word in words):
            continue
        assert file.tree is not None
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call):
                called = dotted(node.func)
                first, _, rest = called.partition(".")
                origin = file.imports.get(first, first) + ("." + rest if rest else "")
                if origin in names:
                    yield place_of(node.func, file), "%s is called" % origin


# -- the rows of the table ----------------------------------------------------------------------------------
_PIN = re.compile(
    r"^\s*(?:charms[._-]reactive\s*(?:\[[^]]*\])?\s*(?:==|<=|~=|<)\s*(?:0|1\.[0-5])\b.*"
    r"|.*(?:git\+|github\.com|https?://)\S*charms[._-]reactive.*)$",
    re.IGNORECASE,
)
_HELPERS = re.compile(r"^\s*charmhelpers\s*(?:==|<=|<|~=)\s*(0\.\d+(?:\.\d+)?)", re.IGNORECASE)


@add(
    "install",
    "1.6 installs on CPython 3.8 to 3.14, with or without setuptools; it needs charmhelpers 0.20.24",
    "take out pins and forks that were there for its sake",
)
def install(reading: Reading) -> Iterator[Concern]:
    for name in ("wheelhouse.txt", "requirements.txt", "constraints.txt"):
        for directory in ("", "../") if reading.root.name == "src" else ("",):
            try:
                lines = (reading.root / (directory + name)).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                continue
            for number, line in enumerate(lines, 1):
                place = Place(directory + name, number, 1, len(line) + 1)
                helpers = _HELPERS.match(line)
                if _PIN.match(line):
                    yield place, "1.5 is asked for: %s" % line.strip()
                elif helpers and _numbers(helpers.group(1)) < (0, 20, 24):
                    yield place, "charmhelpers is older than 0.20.24: %s" % line.strip()


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@add(
    "@when_file_changed",
    "asking whether a file has changed changes nothing; each handler hears each change once",
    "handlers that never ran do now: see that they may",
)
def file_changed(reading: Reading) -> Iterator[Concern]:
    watching = [
        one for one in reading.handlers if any("when_file_changed" in words for words in one.predicates)
    ]
    for handler in watching:
        if handler.conditions:
            yield handler.place, "%s waits for flags, too, and never ran in 1.5" % handler.name
        elif len(watching) > 1:
            yield handler.place, "%s is one of several; of those of one file only one ran" % handler.name


@add(
    "@only_once",
    "what has run is remembered by module and name, so that a line above the function makes no difference",
    "if an edit was meant to run it again: give the function another name",
)
def only_once(reading: Reading) -> Iterator[Concern]:
    yield from _decorated(reading, "only_once")


def _decorated(reading: Reading, *names: str) -> Iterator[Concern]:
    for file in reading.files:
        for function in file.functions:
            for decorator in function.decorators:
                if decorator.name in names:
                    yield decorator.place, "@%s of %s" % (decorator.name, function.name)


@add(
    "loops",
    "handlers that fire one another for 100 iterations are named in a WARNING; in strict mode it is an error",
    "look for the warning, and let one of the handlers clear the flag it runs for",
)
def loops(reading: Reading) -> Iterator[Concern]:
    yield from _of_rules(reading, flags.ping_pong)


@add("trigger cycles", "a cycle of triggers is a TriggerCycleError that names it", "break the cycle")
def trigger_cycles(reading: Reading) -> Iterator[Concern]:
    yield from _of_rules(reading, flags.trigger_cycle)


no_check("queue", "a handler that was tested once more than needed did not run for it")
no_check(
    "tracer",
    "a charm does not see who is tested, except by what its predicates do, which are the framework's",
)


@add(
    "start of a hook of layer:basic",
    "setuptools and inspect are not imported until somebody asks for them",
    "a module that relied on another one having imported pkg_resources, distutils or inspect has to import "
    "it. CHARMS_REACTIVE_LIGHT_START=0; see What a hook costs",
)
def light_start(reading: Reading) -> Iterator[Concern]:
    for file in _python(reading):
        for name in ("pkg_resources", "distutils", "inspect"):
            if name not in file.text or any(one.partition(".")[0] == name for one, _, _ in file.imported):
                continue
            assert file.tree is not None
            for node in ast.walk(file.tree):
                if isinstance(node, ast.Subscript) and dotted(node.value) == "sys.modules":
                    key = getattr(node.slice, "value", node.slice)
                    if name in (key, getattr(key, "value", None)):
                        yield (
                            place_of(node, file),
                            "sys.modules is asked for %s, which nobody may have imported" % name,
                        )


@add(
    "log",
    "messages go over the agent's socket, and the trace of the flags is off",
    "to have the trace again: option reactive-log: trace, or CHARMS_REACTIVE_LOG=trace",
)
def log(reading: Reading) -> Iterator[Concern]:
    yield from _told(reading.files, r"REACTIVE_LOG_OPTS|\btracer\b", "the trace of 1.5 is named")


@add(
    "hook tools",
    "the agent is asked over its socket, without a process",
    "a charm that watches processes to see its hook tools: CHARMS_REACTIVE_TOOLS=process, or the option "
    "reactive-tools: process",
)
def hook_tools(reading: Reading) -> Iterator[Concern]:
    for file in reading.files:
        name = file.path.rpartition("/")[2]
        if name in _TOOLS:
            yield Place(file.path), "a program of the charm stands for the hook tool %s" % name


_TOOLS = frozenset(
    [
        "action-get", "action-set", "config-get", "is-leader", "juju-log", "leader-get", "leader-set",
        "network-get", "relation-get", "relation-ids", "relation-list", "relation-set", "status-get",
        "status-set", "storage-get", "unit-get",
    ]
)  # fmt: skip


@add(
    "unit directory",
    "each hook leaves what it did in .unit-state.db-history, beside the unit state",
    "to have none: the option reactive-history: 0, or CHARMS_REACTIVE_HISTORY=0",
)
def unit_directory(reading: Reading) -> Iterator[Concern]:
    pattern = r"\.unit-state\.db\*|\.unit-state\.db-|glob\([^)]*unit-state"
    yield from _told(reading.files, pattern, "files beside the unit state are taken together")


@add(
    "order",
    "handlers run sorted by file, and then as they stand in it",
    "if two handlers must run in an order, let the first set a flag for the second",
)
def order(reading: Reading) -> Iterator[Concern]:
    waiting: Dict[Tuple[Tuple[str, Tuple[str, ...]], ...], List[Function]] = {}
    for handler in reading.handlers:
        if handler.conditions and handler.function is not None and not handler.endpoint:
            key = tuple(sorted((one.kind, tuple(sorted(one.flags))) for one in handler.conditions))
            waiting.setdefault(key, []).append(handler.function)
    for functions in waiting.values():
        files = sorted({function.file.path for function in functions})
        if len(files) > 1:
            for function in functions:
                others = ", ".join(path for path in files if path != function.file.path)
                yield function.place, "%s waits for the same as a handler of %s" % (function.name, others)


no_check("errors", "only the words of the log differ")


@add(
    "rollback",
    "a hook that fails leaves all flags as they were, also once a bash handler has run",
    "handlers before the failed one run again: they have to bear it, as in charms without bash",
)
def rollback(reading: Reading) -> Iterator[Concern]:
    if any(not handler.shell for handler in reading.handlers):
        for file in _scripts(reading):
            if file.functions:
                yield Place(file.path), "its handlers are rolled back with those in Python"


@add("locked unit state", "the lock is given back while a bash handler runs, and taken again after it")
def locked(reading: Reading) -> Iterator[Concern]:
    if not _scripts(reading):
        return
    for file in _python(reading):
        yield from ((place, "the unit state is locked") for place, _ in _lines(file, r"locking_mode"))
        for name, place, _ in file.imported:
            if name.partition(".")[0] == "ops_reactive_interface":
                yield place, "ops_reactive_interface keeps the unit state locked"


@add(
    "what a hook leaves running",
    "what a failed hook has started is refused the unit state, until a hook has succeeded",
    "start daemons in a hook that then succeeds",
)
def left_running(reading: Reading) -> Iterator[Concern]:
    pattern = r"\b(?:charms\.reactive|nohup|setsid)\b[^&|;]*(?<!&)&\s*$"
    yield from _told(_bash(reading), pattern, "a process is left in the background")
    for place, message in _calls(reading, "subprocess.Popen"):
        file = reading.by_path[place.file]
        if "charms.reactive" in file.text and re.search(
            r"start_new_session|preexec_fn|setsid|nohup", file.text
        ):
            yield place, message


@add("exceptions from outside", "where a signal's handler raises in set_flag, what is on disk counts")
def signals(reading: Reading) -> Iterator[Concern]:
    yield from _calls(reading, "signal.signal", "signal.alarm", "signal.setitimer")


@add("forks", "a process that is forked, and ends with sys.exit(), does not finish the hook a second time")
def forks(reading: Reading) -> Iterator[Concern]:
    yield from _calls(reading, "os.fork")


@add("bash", "callbacks of triggers run for flags that bash sets; relation_call works on an Endpoint")
def bash(reading: Reading) -> Iterator[Concern]:
    changed = [
        use for file in _scripts(reading) for use in file.uses if use.how in ("set", "clear", "toggle")
    ]
    for trigger in reading.triggers:
        flag = trigger.when or trigger.when_not
        if trigger.callback and flag and any(overlap(flag, use.name) for use in changed):
            yield trigger.place, "its callback runs for what a script does to %r, too" % flag
    yield from _told(_scripts(reading), r"\brelation_call\b", "relation_call")


@add(
    "bash handlers",
    "each function that runs has a bash of its own",
    "variables that one function set for the next: write them to a file, or make it one function",
)
def bash_handlers(reading: Reading) -> Iterator[Concern]:
    for file in _scripts(reading):
        handlers = [function for function in file.functions if function.decorators]
        assigned = {function: set(_ASSIGNS.findall(function.body)) for function in handlers}
        outside = set(_ASSIGNS.findall(_outside(file)))
        for function in handlers:
            for name in sorted(set(_USES.findall(function.body)) - assigned[function] - outside):
                setters = [other.name for other in handlers if name in assigned[other]]
                if setters:
                    yield function.place, "%s uses %s, which %s sets" % (function.name, name, setters[0])


_ASSIGNS = re.compile(r"^[ \t]*(?:export[ \t]+|declare[ \t]+(?:-\w+[ \t]+)*)?([A-Za-z_]\w*)=", re.MULTILINE)
_USES = re.compile(r"\$\{?([A-Za-z_]\w*)")


def _outside(file: SourceFile) -> str:
    inside = "".join(function.body for function in file.functions)
    within = set(inside.splitlines())
    return "\n".join(line for line in file.lines if line not in within)


@add(
    "bash scripts that are not executable",
    "a WARNING says that the script is passed over",
    "chmod +x, or delete the script",
)
def not_executable(reading: Reading) -> Iterator[Concern]:
    for place, message in _of_rules(reading, code.not_executable):
        if reading.by_path[place.file].discovered:
            yield place, message


@add(
    "restricted hooks",
    "triggers end with the hook, always",
    "register triggers where every hook does, at the top of a module",
)
def restricted(reading: Reading) -> Iterator[Concern]:
    for file in _python(reading):
        for site in file.calls:
            if site.name == "register_trigger" and site.function is not None and not file.interface:
                yield site.place, "a trigger is registered in the function %s" % site.function.name


@add(
    "conversations",
    "departed units are dropped from those of scope GLOBAL and SERVICE; no conversation is named None",
)
def conversations(reading: Reading) -> Iterator[Concern]:
    for file in _python(reading):
        for info in file.classes.values():
            if any(base.rpartition(".")[2] == "RelationBase" for base in info.bases):
                scopes = [dotted(value).rpartition(".")[2] for value in info.values.get("scope", ())]
                if not scopes or any(scope in ("GLOBAL", "SERVICE") for scope in scopes):
                    yield (
                        info.place,
                        "class %s has conversations of scope %s" % (info.name, (scopes or ["GLOBAL"])[0]),
                    )


@add(
    "flag values",
    "set_flag of a flag that has a value leaves it, unless another one is given",
    'to take it away: clear_flag, then set_flag; or set_flag("x", None)',
)
def flag_values(reading: Reading) -> Iterator[Concern]:
    valued: Set[str] = set()
    plain: List[Tuple[str, Place]] = []
    for file in _python(reading):
        for site in file.calls:
            if site.of != "framework" or site.name not in ("set_flag", "set_state") or not site.node.args:
                continue
            if site.base and site.base.partition(".")[0] not in file.imports:
                continue
            names = reading.meaning.names(site.node.args[0], site.env)
            if len(site.node.args) > 1 or any(word.arg == "value" for word in site.node.keywords):
                valued.update(names)
            else:
                plain += [(name, site.place) for name in names]
    for name, place in plain:
        if name in valued:
            yield place, "%r has a value elsewhere, which this keeps" % name


@add(
    "relation data",
    "keys that go away, and data of applications, set changed flags as well",
    "handlers of changed run in more hooks than before: see that they bear a key that is gone",
)
def relation_data(reading: Reading) -> Iterator[Concern]:
    for handler in reading.handlers:
        for condition in handler.conditions:
            for flag, place in zip(condition.flags, condition.places):
                if re.match(r"endpoint\.[^.]+\.changed", flag) and condition.kind != "none":
                    yield place, "%s waits for %r" % (handler.name, flag)


@add(
    "publishing",
    "only what differs is published; del, pop and None remove a key",
    'an interface in which null means something: publish text by to_publish_raw["key"] = "null"',
)
def publishing(reading: Reading) -> Iterator[Concern]:
    for file in _python(reading):
        if "to_publish" not in file.text:
            continue
        assert file.tree is not None
        for node in ast.walk(file.tree):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Constant)
                and node.value.value is None
            ):
                for target in node.targets:
                    if isinstance(target, ast.Subscript) and "to_publish" in dotted(target.value):
                        yield place_of(target, file), "None is published, which removes the key"
            elif isinstance(node, ast.Delete):
                for target in node.targets:
                    if isinstance(target, ast.Subscript) and "to_publish" in dotted(target.value):
                        yield place_of(target, file), "a key is deleted, which is published now"
            elif isinstance(node, ast.Call) and re.search(r"to_publish\w*\.pop$", dotted(node.func)):
                yield place_of(node.func, file), "a key is popped, which is published now"


@add("app data", "received_app is the remote application's data, or empty")
def app_data(reading: Reading) -> Iterator[Concern]:
    for file in _python(reading):
        yield from _lines(file, r"\breceived_app(?:_raw)?\b")


@add("requests", "requests are kept for each endpoint; find() heeds its relation")
def requests(reading: Reading) -> Iterator[Concern]:
    for file in _python(reading):
        for info in file.classes.values():
            if any(
                base.rpartition(".")[2] in ("RequesterEndpoint", "ResponderEndpoint") for base in info.bases
            ):
                yield info.place, "class %s" % info.name


@add(
    "all_responses",
    "it is set as long as there are requests and none waits; a new request clears it",
    "a handler that was meant to run where nothing was asked: let it wait for something else",
)
def all_responses(reading: Reading) -> Iterator[Concern]:
    for handler in reading.handlers:
        for condition in handler.conditions:
            for flag, place in zip(condition.flags, condition.places):
                if (
                    flag.startswith("endpoint.")
                    and flag.endswith(".all_responses")
                    and condition.kind != "none"
                ):
                    yield place, "%s waits for %r" % (handler.name, flag)


@add("guard", "@not_unless logs, and raises in strict mode")
def guard(reading: Reading) -> Iterator[Concern]:
    yield from _decorated(reading, "not_unless")


@add(
    "what can never run",
    "it is said at WARNING, with file and line; in strict mode it is an error",
    "what it says",
)
def never_runs(reading: Reading) -> Iterator[Concern]:
    yield from _of_rules(
        reading,
        flags.placeholder,
        flags.nameless,
        declared.option,
        declared.endpoint,
        declared.action,
        declared.unknown_hook,
        code.arguments,
        code.coroutine,
        code.generator,
    )


@add(
    "handlers from a loop or a factory",
    "of functions of the same lines each is a handler, and not only the first",
    "handlers that never ran do now: see that they may",
)
def factories(reading: Reading) -> Iterator[Concern]:
    counted = Counter(
        (one.place.file, one.place.line, one.name)
        for one in reading.handlers
        if one.endpoint is None and one.exact
    )
    told = {key for key, number in counted.items() if number > 1}
    for handler in reading.handlers:
        key = (handler.place.file, handler.place.line, handler.name)
        function = handler.function
        if key in told or (not handler.exact and function is not None and function.outer is not None):
            yield handler.place, "%s is made in a function or a loop" % handler.name


@add(
    "a module that calls sys.exit(0)",
    "the same, with a WARNING that names the file; in strict mode an error",
    "take what is no module of handlers out of the charm",
)
def exits(reading: Reading) -> Iterator[Concern]:
    yield from _of_rules(reading, code.exits)


@add("bash scripts that declare nothing", "a WARNING names the script and what is wrong", "mend it")
def declares_nothing(reading: Reading) -> Iterator[Concern]:
    yield from _of_rules(reading, code.no_shebang, code.no_helper)


@add(
    "two functions under one wrapper",
    "each function is a handler, and not only the first that its wrapper was put around",
    "the second one runs now: see that it may",
)
def wrappers(reading: Reading) -> Iterator[Concern]:
    for file in _python(reading):
        wrapped: Dict[str, List[Function]] = {}
        for function in file.functions:
            names = [decorator.name for decorator in function.decorators]
            if any(name in KINDS or name in ("hook", "action") for name in names) and "" in names:
                for decorator in function.decorators:
                    if not decorator.name:
                        wrapped.setdefault(decorator.text, []).append(function)
        for text, functions in wrapped.items():
            if len(functions) > 1:
                for function in functions:
                    yield function.place, "%s is one of several below @%s" % (function.name, text)


# -- smaller things -----------------------------------------------------------------------------------------
no_check("A remote request that makes no sense", "it is about what the other side publishes")


@add("request.ingress_address falls back", "it is private-address where ingress-address is missing")
def ingress(reading: Reading) -> Iterator[Concern]:
    yield from _told(_python(reading), r"\brequest\.ingress_address\b", "request.ingress_address")


@add(
    "In a -relation-broken hook a legacy relation",
    "it speaks for a conversation with nobody, which is not stored",
)
def broken(reading: Reading) -> Iterator[Concern]:
    for file in _python(reading):
        if not any(
            base.rpartition(".")[2] == "RelationBase" for one in file.classes.values() for base in one.bases
        ):
            continue
        for function in file.functions:
            for decorator in function.decorators:
                if decorator.name == "hook" and any("broken" in name for name, _ in decorator.args):
                    yield decorator.place, "%s runs in a -relation-broken hook" % function.name


@add("Hidden files and directories", "they are not looked at; in 1.5 they failed the hook")
def hidden(reading: Reading) -> Iterator[Concern]:
    for top in ("reactive", "hooks/reactive", "hooks/relations"):
        for path in sorted((reading.root / top).rglob(".*.py")):
            yield Place(path.relative_to(reading.root).as_posix()), "the file is passed over"


no_check("The unit state has additional rows", "1.5 does not look at them, and a charm has no reason to")


@add(
    "A charm without layer:basic or layer:leadership",
    "config.* and leadership.* flags are managed by the framework",
)
def managed(reading: Reading) -> Iterator[Concern]:
    included = {name.rpartition(":")[2] for name, _ in reading.declared.includes}
    has = {file.path for file in reading.files}
    layers = {
        "config.": bool(included) or "lib/charms/layer/basic.py" in has,
        "leadership.": "leadership" in included or "reactive/leadership.py" in has,
    }
    own = {
        family
        for family in layers
        for use in reading.uses
        if use.how in ("set", "toggle") and use.name.startswith(family)
    }
    for use in reading.uses:
        for family, layered in layers.items():
            if use.name.startswith(family) and not layered and family not in own and _asks(use):
                yield use.place, "%r is kept true by the framework" % use.name


def _asks(use: FlagUse) -> bool:
    return use.how in ("condition", "read", "trigger") and HOLE not in use.name


@add(
    "endpoint_from_name gives the endpoint in an action",
    "it does before main(), too, where it was None in 1.5",
)
def in_actions(reading: Reading) -> Iterator[Concern]:
    for file in _python(reading):
        if file.path.startswith("actions/"):
            for site in file.calls:
                if site.name in ("endpoint_from_name", "relation_from_name"):
                    yield site.place, "%s in an action" % site.name


@add("On the command line, toggle_flag x False clears", "0, false, no, off and nothing count as false")
def toggles(reading: Reading) -> Iterator[Concern]:
    yield from _commands(
        reading,
        r"\btoggle_(?:flag|state)\s+\S+\s+['\"]?(?i:false|no|off|0)\b",
        "a flag is cleared here, which 1.5 set",
    )


def _commands(reading: Reading, pattern: str, message: str) -> Iterator[Concern]:
    yield from _told(_bash(reading), pattern, message)


@add(
    "charms.reactive when …, typed outside a hook",
    "it answers for the flags, whatever phase the last hook ended in",
)
def outside(reading: Reading) -> Iterator[Concern]:
    for file in reading.files:
        if file.kind == "bash" and not file.discovered:
            pattern = r"\bcharms\.reactive\s+(?:when|when_\w+|hook)\b"
            yield from ((place, word) for place, word in _lines(file, pattern))


@add("A command that cannot answer", "it exits with 2 and says why; in 1.5 it exited with 1, which means no")
def cannot_answer(reading: Reading) -> Iterator[Concern]:
    yield from _commands(reading, r"\$\?\s*(?:-eq|==|=)\s*1\b", "an exit status is compared with 1")


@add("charms.reactive in a directory that is no charm's", "it exits with 2 and says what to set")
def no_charm(reading: Reading) -> Iterator[Concern]:
    for file in reading.files:
        if file.kind == "bash" and not file.path.startswith(("reactive/", "hooks/", "actions/")):
            for place, word in _lines(file, r"\bcharms\.reactive\s+\w+_(?:flag|state)\b"):
                yield place, "%s, wherever this script is run" % word


no_check(
    "A bash script of handlers with a mistake",
    "only bash itself can tell, and the desk runs no program of a charm",
)
no_check(
    "In scripts of handlers PATH and PYTHONPATH",
    "a script that counts on the current directory cannot be told by its text",
)
no_check("A setting that makes no sense", "settings are given to units, and not by the charm")


@add("A file of handlers whose name is not UTF-8", "it works")
def odd_names(reading: Reading) -> Iterator[Concern]:
    for file in reading.files:
        if file.discovered and any("\udc80" <= letter <= "\udcff" for letter in file.path):
            yield Place(file.path), "its name is not UTF-8"


@add(
    "metadata.yaml with endpoints that charmhelpers cannot read",
    "the error names the place and what to write",
)
def odd_metadata(reading: Reading) -> Iterator[Concern]:
    for place, message in reading.declared.errors:
        if place.file == "metadata.yaml":
            yield place, message


@add("Two bash functions of one name are two handlers", "each runs as it was written")
def namesakes(reading: Reading) -> Iterator[Concern]:
    for file in _scripts(reading):
        counted = Counter(function.name for function in file.functions if function.decorators)
        for function in file.functions:
            if function.decorators and counted[function.name] > 1:
                yield function.place, "there are %d functions %s" % (counted[function.name], function.name)


@add("Of several bash functions that match", "each runs in a bash of its own; see bash handlers")
def own_bash(reading: Reading) -> Iterator[Concern]:
    yield from bash_handlers(reading)


no_check("A juju-log that fails does not fail the hook", "it is about the agent, and not about the charm")


# -- what is patched in tests -------------------------------------------------------------------------
#: Names of the inside of 1.5.3 that a patch no longer reaches.
PATCHED = (
    "charms.reactive.decorators._when_all",
    "charms.reactive.decorators._when_any",
    "charms.reactive.decorators._when_none",
    "charms.reactive.decorators._when_not_all",
    "charms.reactive.decorators._hook",
    "charms.reactive.decorators._restricted_hook",
    "charms.reactive.decorators.was_invoked",
    "charms.reactive.decorators.mark_invoked",
    "charms.reactive.decorators.any_file_changed",
    "charms.reactive.endpoints.data_changed",
    "charms.reactive.flags.TRIGGER_CALLBACKS",
    "charms.reactive.flags._get_trigger",
    "charms.reactive.relations.iter_entry_points",
    "charms.reactive.helpers._expand_replacements",
    "charms.reactive.relations._migrate_conversations",
    "charms.reactive.decorators._when_decorator",
)


def patched(reading: Reading) -> Iterator[Concern]:
    """The places of the charm's tests that patch one of these."""
    roots: Iterable[str] = ("tests", "unit_tests", "../unit_tests", "../tests")
    words = [name.partition("charms.reactive.")[2] for name in PATCHED]
    pattern = re.compile(r"reactive\.(%s)\b" % "|".join(re.escape(word) for word in words))
    for root in roots:
        if root.startswith("..") and reading.root.name != "src":
            continue
        for path in sorted((reading.root / root).rglob("*.py")):
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                continue
            shown = root + path.as_posix()[len((reading.root / root).as_posix()) :]
            for number, line in enumerate(lines, 1):
                match = pattern.search(line)
                if match:
                    place = Place(shown, number, match.start() + 1, match.end() + 1)
                    yield place, "charms.%s is patched, without effect now" % match.group()


add(
    "Tests of a charm, with mocks",
    "patches of the inside of 1.5.3 have no effect; those of public names have",
    "the table on the page says what to patch, or to set, in their place",
)(patched)
