"""The hook tools of a simulated unit: one program under the name of every tool.

``SimulatedUnit`` copies this file into the unit's ``juju/lib`` directory and makes a symbolic link to
its launcher for each name in :data:`TOOLS`. A hook spawns these as it would spawn the tools of the Juju
agent. The simulated Juju side is the directory above ``lib``:

==============  =====================================================================================
``juju.json``   configuration, leadership, status, ports, relations …; replaced whole, under a lock
``context``     the id of the hook that runs now; empty between hooks, when tools are refused
``calls``       one line of JSON for each process: ``[time, pid, tool, [argument, …]]``, and
                ``[time, pid, exit status]`` for one that was refused
==============  =====================================================================================

A hook runs dozens of these processes, so start-up is what counts: nothing is imported that is not
needed (``json`` alone doubles the time), and ``juju-log``, the most frequent tool, needs no more than
an append to ``calls``. Answers, formats, messages and exit statuses are those of Juju's own tools: 2
for a command line that makes no sense, 1 for a request that is refused, and ``ERROR …`` on stderr.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, Dict, List, NoReturn, Optional, Sequence, Tuple, Type

    #: The simulated Juju side as it stands in juju.json.
    State = Dict[str, Any]

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
PORTS = "<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp"
STATUSES = ("maintenance", "blocked", "waiting", "active")


class RefusedError(Exception):
    """A tool refuses: its message, and the exit status that Juju gives it."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class UsageError(RefusedError):
    """The command line makes no sense."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 2)


class Arguments:
    """A command line taken apart: options anywhere before ``--``, the rest in order."""

    def __init__(self, tool: Tool, words: Sequence[str]) -> None:
        self.options: Dict[str, str] = {}
        self.rest: List[str] = []
        self.help = False
        waiting = iter(words)
        for word in waiting:
            if word == "--":
                self.rest.extend(waiting)
            elif word == "-" or not word.startswith("-"):
                self.rest.append(word)
            else:
                name, equals, value = word.partition("=")
                bare = name.lstrip("-")
                if bare in ("h", "help"):
                    self.help = True
                elif bare not in tool.options:
                    raise UsageError("option provided but not defined: %s" % name)
                elif tool.options[bare].endswith("="):
                    if not equals:
                        following = next(waiting, None)
                        if following is None:
                            raise UsageError("option needs an argument: %s" % name)
                        value = following
                    self.options[tool.options[bare][:-1]] = value
                else:
                    self.options[tool.options[bare]] = value or "true"

    def option(self, name: str, default: str = "") -> str:
        """The value of an option, or the default where it was not given."""
        return self.options.get(name, default)

    def flag(self, name: str) -> bool:
        """Whether a yes-or-no option was given, and not as ``=false``."""
        return self.options.get(name, "false").lower() in ("true", "1", "t")

    def first(self, default: str = "") -> str:
        """The first argument that is no option; takes it away."""
        return self.rest.pop(0) if self.rest else default

    def done(self) -> None:
        """Refuse what is left over."""
        if self.rest:
            raise UsageError("unrecognized args: [%s]" % " ".join('"%s"' % word for word in self.rest))


class Tool:
    """One hook tool: what runs it, how it is called, and its options.

    ``options`` maps each spelling of an option, without dashes, to its one name; the name ends with
    ``=`` if the option takes a value.
    """

    def __init__(self, run: Callable[[Arguments], None], usage: str, options: str = "") -> None:
        self.run = run
        self.usage = usage
        self.options: Dict[str, str] = {}
        for spellings in options.split():
            names = spellings.rstrip("=").split("|")
            for name in names:
                self.options[name] = names[-1] + ("=" if spellings.endswith("=") else "")

    def describe(self, name: str) -> str:
        """The text of ``--help``."""
        lines = ["Usage: %s [options] %s" % (name, self.usage), "", "Options:"]
        lines += ["-" * min(2, len(option)) + option for option in sorted(self.options)]
        return "\n".join(lines)


class Change:
    """The simulated Juju side, held for a change: locked, and replaced when the block ends well."""

    def __enter__(self) -> State:
        import fcntl

        self.lock = os.open(os.path.join(HOME, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.state = read()
        return self.state

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        try:
            if kind is None:
                import json

                path = os.path.join(HOME, "juju.json")
                with open(path + ".new", "w", encoding="utf-8") as new:
                    json.dump(self.state, new, indent=1, sort_keys=True)
                os.replace(path + ".new", path)
        finally:
            os.close(self.lock)


def read() -> State:
    """The simulated Juju side as it is now."""
    import json

    with open(os.path.join(HOME, "juju.json"), encoding="utf-8") as file:
        state: State = json.load(file)
    return state


# -- answers ----------------------------------------------------------------------------------------


def answer(arguments: Arguments, value: object) -> None:
    """Print a value in the format that was asked for, to the file that was asked for."""
    form = arguments.option("format", "smart")
    if form == "json":
        import json

        text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    elif form == "yaml":
        text = as_yaml(value)
    elif form == "smart":
        if isinstance(value, str):
            text = value
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            text = "\n".join(value)
        elif isinstance(value, bool):
            text = str(value)
        else:
            text = as_yaml(value)
    else:
        raise UsageError('invalid value "%s" for option --format: unknown format "%s"' % (form, form))
    text = text + "\n" if text else ""
    if arguments.option("output"):
        with open(arguments.option("output"), "w", encoding="utf-8") as output:
            output.write(text)
    else:
        show(text)


def show(text: str) -> None:
    """Write to stdout, whatever the locale's encoding is."""
    data = text.encode("utf-8", "surrogateescape")
    while data:
        data = data[os.write(1, data) :]


def as_yaml(value: object) -> str:
    """YAML as Juju prints it; nothing for nothing."""
    if value is None:
        return ""
    text: str = yaml().safe_dump(value, default_flow_style=False, allow_unicode=True, width=10**6)
    # A bare scalar is followed by an end-of-document mark that Juju does not print.
    return text[: -len("...\n")].rstrip("\n") if text.endswith("\n...\n") else text.rstrip("\n")


def yaml() -> Any:
    """PyYAML, from where the parent found it: these processes run without site-packages."""
    import importlib

    with open(os.path.join(HOME, "lib", "yaml-path"), encoding="utf-8") as file:
        sys.path.append(file.read())
    return importlib.import_module("yaml")


def pairs(words: Sequence[str]) -> Dict[str, str]:
    """``key=value`` arguments as a mapping."""
    found: Dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise UsageError('expected "key=value", got "%s"' % word)
        if key in found:
            raise UsageError('key "%s" specified more than once' % key)
        found[key] = value
    return found


# -- log, status, version ---------------------------------------------------------------------------


def juju_log(arguments: Arguments) -> None:
    if not arguments.rest:
        raise UsageError("no message specified")
    # The line in ``calls`` is the message; whoever reads that file finds it with log_entry().


def log_entry(words: Sequence[str]) -> Tuple[str, str]:
    """Level and message of a ``juju-log`` command line."""
    arguments = Arguments(TOOLS["juju-log"], words)
    level = arguments.option("log-level", "INFO").upper()
    if arguments.flag("debug"):
        level = "DEBUG"
    elif level == "WARN":
        level = "WARNING"
    return (level if level in LEVELS else "INFO"), " ".join(arguments.rest)


def status_set(arguments: Arguments) -> None:
    if not arguments.rest:
        raise UsageError("invalid args, require <status> [message]")
    status = arguments.first()
    message = arguments.first()
    if status not in STATUSES:
        raise UsageError('invalid status "%s", expected one of [%s]' % (status, " ".join(STATUSES)))
    arguments.done()
    whole = arguments.flag("application")
    with Change() as juju:
        if whole and not juju["leader"]:
            raise RefusedError("setting application status: this unit is not the leader")
        juju["status"]["application" if whole else "unit"] = {"status": status, "message": message}


def status_get(arguments: Arguments) -> None:
    arguments.done()
    juju = read()
    whole = arguments.flag("application")
    if whole and not juju["leader"]:
        raise RefusedError("finding application status: this unit is not the leader")
    details = arguments.flag("include-data")

    def described(status: Dict[str, str]) -> Dict[str, object]:
        if not details:
            return {"status": status["status"]}
        return {"status": status["status"], "message": status["message"], "status-data": {}}

    unit = juju["status"]["unit"]
    shown = juju["status"]["application"] if whole else unit
    if not details and arguments.option("format", "smart") == "smart":
        answer(arguments, shown["status"])
    elif whole:
        whole_answer = dict(described(shown), units={juju["unit"]: described(unit)})
        answer(arguments, {"application-status": whole_answer})
    else:
        answer(arguments, described(shown))


def application_version_set(arguments: Arguments) -> None:
    if not arguments.rest:
        raise UsageError("no version specified")
    version = arguments.first()
    arguments.done()
    with Change() as juju:
        juju["version"] = version


# -- configuration, leadership, places --------------------------------------------------------------


def config_get(arguments: Arguments) -> None:
    key = arguments.first()
    whole = arguments.flag("all")
    if key and whole:
        raise UsageError('cannot use argument --all together with key "%s"' % key)
    arguments.done()
    config = read()["config"]
    if key:
        answer(arguments, config.get(key))
    else:
        answer(arguments, {name: value for name, value in config.items() if whole or value is not None})


def is_leader(arguments: Arguments) -> None:
    arguments.done()
    answer(arguments, read()["leader"])


def leader_get(arguments: Arguments) -> None:
    key = arguments.first()
    arguments.done()
    settings = read()["leader-settings"]
    if not key or key == "-":
        answer(arguments, settings)
    else:
        answer(arguments, settings.get(key))


def leader_set(arguments: Arguments) -> None:
    changes = pairs(arguments.rest)
    with Change() as juju:
        if not juju["leader"]:
            raise RefusedError("cannot write leadership settings: cannot write settings: not the leader")
        update(juju["leader-settings"], changes)


def unit_get(arguments: Arguments) -> None:
    if not arguments.rest:
        raise UsageError("no setting specified")
    key = arguments.first()
    arguments.done()
    address = read()["address"]
    if key not in ("private-address", "public-address"):
        raise RefusedError("unknown setting %s" % key, 2)
    answer(arguments, address)


def network_get(arguments: Arguments) -> None:
    if not arguments.rest:
        raise UsageError("no arguments specified")
    binding = arguments.first()
    arguments.done()
    juju = read()
    if arguments.option("relation"):
        relation_id(arguments, juju)
    if binding not in juju["bindings"]:
        raise RefusedError('no network config found for binding "%s"' % binding)
    address = juju["address"]
    subnet = address + ("/128" if ":" in address else "/32")
    parts = {"bind-address": address, "egress-subnets": [subnet], "ingress-address": address}
    wanted = [name for name in sorted(parts) if arguments.flag(name)]
    if arguments.flag("primary-address"):
        if wanted:
            raise RefusedError("--primary-address must be the only flag specified")
        answer(arguments, address)
    elif len(wanted) == 1:
        answer(arguments, parts[wanted[0]])
    elif wanted:
        answer(arguments, {name: parts[name] for name in wanted})
    else:
        interface = {
            "mac-address": "",
            "interface-name": "lo",
            "addresses": [{"hostname": "", "value": address, "cidr": subnet, "address": address}],
        }
        answer(
            arguments,
            {
                "bind-addresses": [interface],
                "egress-subnets": [subnet],
                "ingress-addresses": [address],
            },
        )


# -- ports: what a hook opens or closes is there after it has succeeded -----------------------------


def port_range(word: str) -> str:
    """``8080``, ``8080/tcp``, ``80-90/udp`` or ``icmp`` in the form in which ports are listed."""
    asked = word.lower()
    if asked in ("icmp", "icmp/icmp"):
        return "icmp"
    numbers, _, protocol = asked.partition("/")
    protocol = protocol or "tcp"
    first, dash, last = numbers.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        raise UsageError('expected %s; got "%s"' % (PORTS, word))
    low, high = int(first), int(last or first)
    if low > high:
        raise UsageError("invalid port range %s/%s; expected fromPort <= toPort" % (numbers, protocol))
    for port in (low, high):
        if not 1 <= port <= 65535:
            raise UsageError('port must be in the range [1, 65535]; got "%d"' % port)
    if protocol not in ("tcp", "udp"):
        raise UsageError('protocol must be "tcp", "udp", or "icmp"; got "%s"' % protocol)
    return "%d/%s" % (low, protocol) if low == high else "%d-%d/%s" % (low, high, protocol)


def change_port(arguments: Arguments, opened: bool) -> None:
    if not arguments.rest:
        raise UsageError("no port or range specified")
    ports = port_range(arguments.first())
    arguments.done()
    with Change() as juju:
        juju["pending"]["ports"][ports] = opened


def open_port(arguments: Arguments) -> None:
    change_port(arguments, True)


def close_port(arguments: Arguments) -> None:
    change_port(arguments, False)


def opened_ports(arguments: Arguments) -> None:
    arguments.done()
    ports = read()["ports"]
    answer(arguments, ["%s (*)" % port for port in ports] if arguments.flag("endpoints") else ports)


# -- relations: what a hook sets is sent after it has succeeded -------------------------------------


def relation_id(arguments: Arguments, juju: State, asked: str = "") -> str:
    """The relation that is meant: by argument, by option, or the one whose hook this is."""
    name = asked or arguments.option("relation")
    if not name:
        current: str = juju["hook"]["relation-id"]
        if not current:
            raise UsageError("no relation id specified")
        return current
    number = name.rpartition(":")[2]
    if not number.isdigit():
        raise UsageError('invalid value "%s" for option -r: invalid relation id' % name)
    for known in juju["relations"]:
        if known.rpartition(":")[2] == number:
            return str(known)
    raise UsageError('invalid value "%s" for option -r: relation not found' % name)


def relation_ids(arguments: Arguments) -> None:
    juju = read()
    endpoint = arguments.first(juju["hook"]["relation-id"].partition(":")[0])
    arguments.done()
    if not endpoint:
        raise UsageError("no endpoint name specified")
    answer(arguments, sorted(known for known in juju["relations"] if known.partition(":")[0] == endpoint))


def relation_list(arguments: Arguments) -> None:
    arguments.done()
    juju = read()
    relation = juju["relations"][relation_id(arguments, juju)]
    if arguments.flag("app"):
        answer(arguments, relation["application"])
    else:
        answer(arguments, sorted(relation["units"]))


def relation_get(arguments: Arguments) -> None:
    juju = read()
    identity = relation_id(arguments, juju)
    relation = juju["relations"][identity]
    key = arguments.first("-")
    hook = juju["hook"]
    whole = arguments.flag("app")
    who = arguments.first(hook["remote-application"] if whole else hook["remote-unit"])
    arguments.done()
    if not who and hook["remote-application"]:
        who, whole = hook["remote-application"], True
    if not who:
        raise UsageError("no unit or application specified")
    if whole:
        who = who.partition("/")[0]
    elif "/" not in who:
        raise UsageError('expected unit name, got application name "%s"' % who)
    pending = juju["pending"]["relations"].get(identity, {})
    local_application = juju["unit"].partition("/")[0]
    if who == juju["unit"]:
        bag = dict(relation["local-unit"])
        update(bag, pending.get("unit", {}))
    elif whole and who == local_application:
        # Juju keeps an application's own data from its other units; peers read it as remote data.
        if not juju["leader"] and relation["application"] != local_application:
            raise RefusedError("permission denied")
        bag = dict(relation["local-application"])
        update(bag, pending.get("application", {}))
    elif whole and who == relation["application"]:
        bag = relation["remote-application"]
    elif who in relation["units"]:
        bag = relation["units"][who]
    elif who in relation["departing"]:
        bag = relation["departing"][who]
    else:
        raise RefusedError("unknown unit %s" % who if not whole else "permission denied")
    answer(arguments, bag if key == "-" else bag.get(key))


def relation_set(arguments: Arguments) -> None:
    given = pairs(arguments.rest)
    settings: Dict[str, str] = {}
    juju = read()
    identity = relation_id(arguments, juju)
    source = arguments.option("file")
    if source:
        if source == "-":
            text = sys.stdin.buffer.read().decode("utf-8")
        else:
            with open(source, encoding="utf-8") as file:
                text = file.read()
        loaded = yaml().safe_load(text)
        if loaded is not None and not isinstance(loaded, dict):
            raise RefusedError("cannot read settings from %s: not a mapping" % source)
        for key, value in (loaded or {}).items():
            settings[str(key)] = "" if value is None else str(value)
    settings.update(given)
    whole = arguments.flag("app")
    if whole and not juju["leader"]:
        raise RefusedError("cannot write relation settings: permission denied")
    with Change() as juju:
        pending = juju["pending"]["relations"].setdefault(identity, {})
        pending.setdefault("application" if whole else "unit", {}).update(settings)


def update(bag: Dict[str, str], changes: Dict[str, str]) -> None:
    """Settings as Juju keeps them: an empty value takes the key away."""
    for key, value in changes.items():
        if value:
            bag[key] = value
        else:
            bag.pop(key, None)


# -- actions ----------------------------------------------------------------------------------------


def action(juju: State) -> Dict[str, Any]:
    """The action that runs; there is none in a hook."""
    running: Optional[Dict[str, Any]] = juju["action"]
    if running is None:
        raise RefusedError("not running an action")
    return running


def action_get(arguments: Arguments) -> None:
    path = arguments.first()
    arguments.done()
    found: Any = action(read())["parameters"]
    for key in path.split(".") if path else ():
        found = found.get(key) if isinstance(found, dict) else None
    answer(arguments, found)


def action_set(arguments: Arguments) -> None:
    changes: List[Tuple[List[str], str]] = []
    for word in arguments.rest:
        path, equals, value = word.partition("=")
        if not equals:
            raise UsageError('argument "%s" must be of the form key...=value' % word)
        keys = path.split(".")
        for key in keys:
            if not (key[:1].isalnum() and key[-1:].isalnum() and key == key.lower()) or not all(
                letter.isalnum() or letter == "-" for letter in key
            ):
                raise UsageError(
                    'key "%s" must start and end with lowercase alphanumeric, and contain only '
                    "lowercase alphanumeric, hyphens and periods" % key
                )
        changes.append((keys, value))
    with Change() as juju:
        results = action(juju)["results"]
        for keys, value in changes:
            place = results
            for key in keys[:-1]:
                if not isinstance(place.get(key), dict):
                    place[key] = {}
                place = place[key]
            place[keys[-1]] = value


def action_fail(arguments: Arguments) -> None:
    message = arguments.first("action failed without reason given, check action for errors")
    arguments.done()
    with Change() as juju:
        action(juju)["failure"] = message


def action_log(arguments: Arguments) -> None:
    if not arguments.rest:
        raise UsageError("no message specified")
    with Change() as juju:
        action(juju)["messages"].append(" ".join(arguments.rest))


# -- what a simulated unit has none or little of ----------------------------------------------------


def storage_list(arguments: Arguments) -> None:
    arguments.first()
    arguments.done()
    answer(arguments, [])


def storage_get(arguments: Arguments) -> None:
    storage = arguments.option("s")
    if storage:
        raise UsageError('invalid value "%s" for option -s: storage not found' % storage)
    raise UsageError("no storage specified")


def goal_state(arguments: Arguments) -> None:
    arguments.done()
    juju = read()
    relations: Dict[str, Dict[str, object]] = {}
    for identity, relation in juju["relations"].items():
        there = relations.setdefault(identity.partition(":")[0], {})
        there[relation["application"]] = {"status": "joined"}
        for unit in relation["units"]:
            there[unit] = {"status": "active"}
    answer(
        arguments,
        {"units": {juju["unit"]: {"status": juju["status"]["unit"]["status"]}}, "relations": relations},
    )


def resource_get(arguments: Arguments) -> None:
    if not arguments.rest:
        raise UsageError("missing required resource name")
    name = arguments.first()
    arguments.done()
    path = read()["resources"].get(name)
    if path is None:
        raise RefusedError("could not download resource: resource#%s not found" % name)
    show(path)


def credential_get(arguments: Arguments) -> None:
    arguments.done()
    raise RefusedError("cannot access cloud credentials: permission denied")


ANSWERS = "format= o|output="

#: Every tool that a simulated unit offers.
TOOLS: Dict[str, Tool] = {
    "action-fail": Tool(action_fail, "[<failure message>]"),
    "action-get": Tool(action_get, "[<key>[.<key>.<key>...]]", ANSWERS),
    "action-log": Tool(action_log, "<message>"),
    "action-set": Tool(action_set, "<key>=<value> [<key>=<value> ...]"),
    "application-version-set": Tool(application_version_set, "<new-version>"),
    "close-port": Tool(close_port, PORTS, "format= endpoints="),
    "config-get": Tool(config_get, "[<key>]", ANSWERS + " a|all"),
    "credential-get": Tool(credential_get, "", ANSWERS),
    "goal-state": Tool(goal_state, "", ANSWERS),
    "is-leader": Tool(is_leader, "", ANSWERS),
    "juju-log": Tool(juju_log, "<message>", "debug l|log-level= format="),
    "leader-get": Tool(leader_get, "[<key>]", ANSWERS),
    "leader-set": Tool(leader_set, "<key>=<value> [<key>=<value> ...]"),
    "network-get": Tool(
        network_get,
        "<binding-name> [--ingress-address] [--bind-address] [--egress-subnets]",
        ANSWERS + " r|relation= bind-address egress-subnets ingress-address primary-address",
    ),
    "open-port": Tool(open_port, PORTS, "format= endpoints="),
    "opened-ports": Tool(opened_ports, "", ANSWERS + " endpoints"),
    "relation-get": Tool(relation_get, "[<key> [<unit id>]]", ANSWERS + " r|relation= app"),
    "relation-ids": Tool(relation_ids, "[<name>]", ANSWERS),
    "relation-list": Tool(relation_list, "", ANSWERS + " r|relation= app"),
    "relation-set": Tool(relation_set, "key=value [key=value ...]", "r|relation= file= app format="),
    "resource-get": Tool(resource_get, "<resource name>"),
    "status-get": Tool(status_get, "[--include-data] [--application]", ANSWERS + " include-data application"),
    "status-set": Tool(status_set, "<maintenance | blocked | waiting | active> [message]", "application"),
    "storage-get": Tool(storage_get, "[<key>]", ANSWERS + " s="),
    "storage-list": Tool(storage_list, "[<storage-name>]", ANSWERS),
    "unit-get": Tool(unit_get, "<setting>", ANSWERS),
}


def record(*fields: object) -> None:
    """Append one line to ``calls``: in one write, so that lines of processes never mix."""
    try:
        from _json import encode_basestring_ascii as quoted  # Found without importing json.
    except ImportError:
        from json import dumps as quoted
    parts = []
    for field in fields:
        if isinstance(field, (list, tuple)):
            parts.append("[%s]" % ",".join([quoted(word) for word in field]))
        else:
            parts.append(quoted(field) if isinstance(field, str) else repr(field))
    calls = os.open(os.path.join(HOME, "calls"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.write(calls, ("[%s]\n" % ",".join(parts)).encode("ascii"))
    os.close(calls)


def check_context() -> None:
    """Refuse whoever is not part of the hook that runs now, as the agent does."""
    context = os.environ.get("JUJU_CONTEXT_ID", "")
    if not context:
        raise RefusedError("JUJU_CONTEXT_ID not set")
    with open(os.path.join(HOME, "context"), encoding="utf-8") as file:
        if file.read() != context:
            raise RefusedError('bad request: no hook runs with context id "%s"' % context)


def run(name: str, words: Sequence[str]) -> int:
    """Be the hook tool ``name``; the exit status."""
    try:
        check_context()
        record(time.time(), os.getpid(), name, words)
    except (RefusedError, OSError) as error:
        # A process that outlived its hook is none of this hook's: not recorded.
        sys.stderr.write("ERROR %s\n" % error)
        return 1
    status = 0
    try:
        tool = TOOLS[name]
        arguments = Arguments(tool, words)
        if arguments.help:
            show(tool.describe(name) + "\n")
        else:
            tool.run(arguments)
    except RefusedError as error:
        sys.stderr.write("ERROR %s\n" % error)
        status = error.status
    except OSError as error:
        sys.stderr.write("ERROR %s\n" % error)
        status = 1
    if status:
        record(time.time(), os.getpid(), status)
    return status


def main() -> NoReturn:
    """Run as the tool under whose name this process was started, and end it."""
    status = run(os.path.basename(sys.argv[0]), sys.argv[1:])
    sys.stderr.flush()
    # Nothing is left to be written or joined, so the interpreter need not be taken down tidily.
    os._exit(status)
