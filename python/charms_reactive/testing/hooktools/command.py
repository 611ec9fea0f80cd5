"""The command line of every hook tool: which tools there are, how each is called, and what answers it."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, Callable, ContextManager, Dict, List, Mapping, Optional, Sequence, Tuple

    from .side import Juju, Side

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORMATS = ("json", "smart", "yaml")

# What a tool that answers takes: all formats, or those that are not for people.
_ANSWER = "format: o|output="
_DATA = "format; o|output="
_PORTS = "<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp"
_SECRET = "description= expire= file= label= owner= rotate="

#: Every tool: the module that answers it (by a function of the tool's name with underscores), how it is
#: called, and its options. The spellings of one option are joined by ``|``; it ends with ``=`` if it takes a
#: value, with ``:`` if that is an output format, with ``;`` if that is ``json`` or ``yaml``, with ``#`` if it
#: is a whole number, and with ``@`` or ``%`` if it is the id of a relation or of a storage that there is.
TOOLS: Dict[str, Tuple[str, str, str]] = {
    "action-fail": ("actions", '["<failure message>"]', ""),
    "action-get": ("actions", "[<key>[.<key>.<key>...]]", _ANSWER),
    "action-log": ("actions", "<message>", ""),
    "action-set": ("actions", "<key>=<value> [<key>=<value> ...]", ""),
    "add-metric": ("metrics", "key1=value1 [key2=value2 ...]", "l|labels="),
    "application-version-set": ("status", "<new-version>", ""),
    "close-port": ("ports", _PORTS, "endpoints= format="),
    "config-get": ("settings", "[<key>]", _ANSWER + " a|all"),
    "credential-get": ("settings", "", _ANSWER),
    "goal-state": ("relations", "", _DATA),
    "is-leader": ("settings", "", _ANSWER),
    "juju-log": ("log", "<message>", "debug l|log-level= format="),
    "juju-reboot": ("machine", "", "now"),
    "k8s-raw-get": ("k8s", "", ""),
    "k8s-raw-set": ("k8s", "--file <core spec file>", "file="),
    "k8s-spec-get": ("k8s", "", ""),
    "k8s-spec-set": (
        "k8s",
        "--file <core spec file> [--k8s-resources <k8s spec file>]",
        "file= k8s-resources=",
    ),
    "leader-get": ("settings", "[<key>]", _ANSWER),
    "leader-set": ("settings", "<key>=<value> [...]", ""),
    "network-get": (
        "networks",
        "<binding-name> [--ingress-address] [--bind-address] [--egress-subnets]",
        _ANSWER + " r|relation@ bind-address egress-subnets ingress-address primary-address",
    ),
    "open-port": ("ports", _PORTS, "endpoints= format="),
    "opened-ports": ("ports", "", _ANSWER + " endpoints"),
    "payload-register": ("payloads", "<type> <class> <id> [tags...]", ""),
    "payload-status-set": ("payloads", "<class> <id> <status>", ""),
    "payload-unregister": ("payloads", "<class> <id>", ""),
    "pod-spec-get": ("k8s", "", ""),
    "pod-spec-set": (
        "k8s",
        "--file <core spec file> [--k8s-resources <k8s spec file>]",
        "file= k8s-resources=",
    ),
    "relation-get": ("relations", "[<key> [<unit id>]]", _ANSWER + " r|relation@ app"),
    "relation-ids": ("relations", "[<name>]", _ANSWER),
    "relation-list": ("relations", "", _ANSWER + " r|relation@ app"),
    "relation-model-get": ("relations", "", _ANSWER + " r|relation@"),
    "relation-set": ("relations", "key=value [key=value ...]", "app file= format= r|relation@"),
    "resource-get": ("storage", "<resource name>", ""),
    "secret-add": ("secrets", "[key[#base64|#file]=value...]", _SECRET),
    "secret-get": ("secrets", "<ID> [key[#base64]]", _DATA + " label= peek refresh"),
    "secret-grant": ("secrets", "<ID>", "r|relation@ unit="),
    "secret-ids": ("secrets", "", _ANSWER),
    "secret-info-get": ("secrets", "<ID>", _DATA + " label="),
    "secret-remove": ("secrets", "<ID>", "revision#"),
    "secret-revoke": ("secrets", "<ID>", "app|application= r|relation@ unit="),
    "secret-set": ("secrets", "<ID> [key[#base64]=value...]", _SECRET),
    "state-delete": ("state", "<key>", ""),
    "state-get": ("state", "[<key>]", _ANSWER + " strict"),
    "state-set": ("state", "key=value [key=value ...]", "file="),
    "status-get": ("status", "[--include-data] [--application]", _ANSWER + " include-data application"),
    "status-set": ("status", "<maintenance | blocked | waiting | active> [message]", "application"),
    "storage-add": ("storage", "<charm storage name>[=count] ...", ""),
    "storage-get": ("storage", "[<key>]", _ANSWER + " s%"),
    "storage-list": ("storage", "[<storage-name>]", _ANSWER),
    "unit-get": ("networks", "<setting>", _ANSWER),
}

#: Those that Juju 4 has no more, and those that Juju 3 has first, by the beginning of their names.
_UNTIL_JUJU_3 = ("add-metric", "k8s-", "leader-", "payload-", "pod-spec-")
_SINCE_JUJU_3 = ("relation-model-get", "secret-")

#: Hooks in which a tool may do next to nothing.
RESTRICTED_HOOKS = ("collect-metrics", "meter-status-changed")

#: Tools that work there, or that see to it themselves.
_UNRESTRICTED = ("add-metric", "juju-log", "opened-ports", "status-get")

#: What stands before the refusal of the others.
_RESTRICTED = {
    "credential-get": "cannot access cloud credentials: ",
    "is-leader": "leadership status unknown: ",
    "leader-get": "cannot read leadership settings: ",
    "leader-set": "cannot write leadership settings: ",
    "network-get": "bad request: ",
    "relation-get": "bad request: ",
    "relation-ids": "bad request: ",
    "relation-list": "bad request: ",
    "relation-model-get": "bad request: ",
    "relation-set": "bad request: ",
    "resource-get": "could not download resource: ",
    "secret-grant": "bad request: ",
    "secret-revoke": "bad request: ",
    "storage-get": "bad request: ",
}


class RefusedError(Exception):
    """A tool refuses: its message, and the exit status that Juju gives it."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class UsageError(RefusedError):
    """The command line makes no sense."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 2)


class HelpError(Exception):
    """Nothing is to be done but to print how the tool is called."""


class Request:
    """One call of a tool: the command line taken apart, and where the answer goes.

    Attributes:
        tool: its name.
        options: by name; text, and ``true`` or ``false`` for those without a value.
        rest: what is no option, in order.
        output: the parts of what it prints.
        complaints: the parts of what it says on stderr, whatever becomes of it.
    """

    __slots__ = (
        "complaints",
        "directory",
        "environ",
        "options",
        "output",
        "rest",
        "side",
        "stdin",
        "tool",
    )

    def __init__(
        self,
        side: Side,
        tool: str,
        words: Sequence[str],
        environ: Mapping[str, str],
        stdin: Callable[[], bytes],
        directory: str = "",
    ) -> None:
        self.side = side
        self.tool = tool
        self.environ = environ
        self.stdin = stdin
        self.directory = directory
        self.output: List[str] = []
        self.complaints: List[str] = []
        self.options, self.rest = parse(tool, words, self._wrong)

    # -- the command line ---------------------------------------------------------------------
    def _wrong(self, kind: str, value: str) -> str:
        """What is wrong with the id of a relation or of a storage; empty if there is such a one."""
        module = _module("relations" if kind == "@" else "storage")
        wrong: str = module.wrong_id(self.read(), value)
        return wrong

    def option(self, name: str, default: str = "") -> str:
        """The value of an option, or the default where it was not given."""
        return self.options.get(name, default)

    def flag(self, name: str) -> bool:
        """Whether a yes-or-no option was given, and not as ``=false``."""
        return name in self.options and self.options[name] == "true"

    def first(self, default: str = "") -> str:
        """The first argument that is no option; takes it away."""
        return self.rest.pop(0) if self.rest else default

    def done(self) -> None:
        """Refuse what is left over."""
        if self.rest:
            raise UsageError("unrecognized args: [%s]" % " ".join([quoted(word) for word in self.rest]))

    def deprecated_format(self) -> None:
        """Say that a tool that answers nothing has no format."""
        if self.options.get("format"):
            self.complaints.append('--format flag deprecated for command "%s"' % self.tool)

    # -- the Juju side ------------------------------------------------------------------------
    def read(self) -> Juju:
        """The Juju side as it is now; not to be changed."""
        return self.side.read()

    def change(self) -> ContextManager[Juju]:
        """The Juju side for a change; the block refuses before it changes anything."""
        return self.side.change()

    @property
    def hook(self) -> str:
        """The name of the hook that runs; empty for an action."""
        kind, _, name = self.environ.get("JUJU_DISPATCH_PATH", "").partition("/")
        if kind:
            return name if kind == "hooks" else ""
        found: str = self.environ.get("JUJU_HOOK_NAME") or self.side.read()["hook"].get("name", "")
        return found

    @property
    def restricted(self) -> bool:
        """Whether it is one of those in which a tool may do next to nothing."""
        return self.hook in RESTRICTED_HOOKS

    # -- the answer ---------------------------------------------------------------------------
    def answer(self, value: object) -> None:
        """Print a value in the format that was asked for, to the file that was asked for."""
        from .answers import formatted

        form = self.options.get("format")
        if form is None:
            form = "yaml" if spellings(self.tool)["format"][1] == ";" else "smart"
        text = formatted(form, value)
        path = self.options.get("output")
        if path:
            with open(self.path(path), "wb") as file:
                file.write(_as_bytes(text))
        else:
            self.output.append(text)

    # -- files --------------------------------------------------------------------------------
    def path(self, name: str) -> str:
        """A file that the command line names."""
        whole = os.path.expanduser(name) if name[:1] == "~" else name
        return os.path.join(self.directory or os.getcwd(), whole)

    def content(self, name: str) -> bytes:
        """What is in a file that the command line names; ``-`` is stdin."""
        if name == "-":
            return self.stdin()
        with open(self.path(name), "rb") as file:
            return file.read()

    def settings(self, name: str) -> Dict[str, str]:
        """The YAML mapping in such a file; its values are taken as text, and null as empty."""
        return self.mapping(self.content(name))

    def mapping(self, data: bytes) -> Dict[str, str]:
        """A YAML mapping of which Juju wants every value to be text; only of the first document."""
        settings: Dict[str, str] = _module("yaml_reader").text_mapping(data)
        return settings


#: How messages show what is no plain letter: by the names that Go has for some.
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r"}
_ESCAPED.update({"\t": "\\t", "\v": "\\v"})


def quoted(text: str) -> str:
    """A text in the quotes in which Juju's messages show it, which are Go's."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return '"%s"' % text
    return '"%s"' % "".join([_ESCAPED.get(letter) or _escaped(letter) for letter in text])


def _escaped(letter: str) -> str:
    """A letter as it is, if it can be seen; a surrogate stands for a byte that is no text."""
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return "\\x%02x" % (code - 0xDC00)
    if letter.isprintable():
        return letter
    return ("\\x%02x" if code < 0x80 else "\\u%04x" if code < 0x10000 else "\\U%08x") % code


#: What Go takes for white space; Python takes some more.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def pairs(words: Sequence[str], empty: bool = True) -> Dict[str, str]:
    """``key=value`` arguments as a mapping, without the white space around keys and values.

    An argument that is empty says nothing. A value may be empty or not.
    """
    found: Dict[str, str] = {}
    for word in words:
        if not word:
            continue
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError('expected "key=value", got %s' % quoted(word))
        key, value = key.strip(SPACE), value.strip(SPACE)
        if not key or not (value or empty):
            raise UsageError('expected "key=value", got "%s=%s"' % (key, value))
        if key in found:
            raise UsageError("key %s specified more than once" % quoted(key))
        found[key] = value
    return found


# -- the options ------------------------------------------------------------------------------------
_TAKES = "=:;#@%"
_spellings: Dict[str, Dict[str, Tuple[str, str]]] = {}


def spellings(tool: str) -> Dict[str, Tuple[str, str]]:
    """The options of a tool: each spelling, with the option's one name and what it takes."""
    found = _spellings.get(tool)
    if found is None:
        found = {}
        for option in TOOLS[tool][2].split():
            names = option.rstrip(_TAKES).split("|")
            for name in names:
                found[name] = (names[-1], option[len(option.rstrip(_TAKES)) :])
        _spellings[tool] = found
    return found


def parse(
    tool: str, words: Sequence[str], check: Optional[Callable[[str, str], str]] = None
) -> Tuple[Dict[str, str], List[str]]:
    """Options and the rest, as the library does that Juju uses (gnuflag).

    Options stand anywhere before ``--``. Those of one letter may be joined, and a value follows the letter or
    is the next word; those with two dashes have their value behind ``=`` or in the next word. What is wrong
    is said of the first option that is wrong.

    Args:
        tool: its name.
        words: what follows the name.
        check: says what is wrong with the value of an option that takes a certain kind, ``@`` or ``%``; empty
            for nothing.
    """
    known = spellings(tool)
    options: Dict[str, str] = {}
    rest: List[str] = []
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if word[:1] != "-" or word == "-":
            rest.append(word)
            continue
        if word == "--":
            rest.extend(reversed(waiting))
            break
        if word[:2] == "--":
            spelling, equals, value = word[2:].partition("=")
            if not spelling:
                raise UsageError("empty option in argument %s" % quoted(word))
            given = [(spelling, value if equals else None)]
        else:
            given = _letters(known, word[1:])
            # Behind the last word the library looks no further: what is left of it is not read.
            given = given if waiting else given[:1]
        for spelling, text in given:
            _take(options, known, spelling, text, waiting, check)
    return options, rest


def _letters(known: Dict[str, Tuple[str, str]], letters: str) -> List[Tuple[str, Optional[str]]]:
    """Options of one letter that stand in one word; the value of the last may stand there, too."""
    found: List[Tuple[str, Optional[str]]] = []
    while letters:
        letter, letters = letters[0], letters[1:]
        takes = known[letter][1] if letter in known else ""
        if letters and (takes or (letter in known and letters[0] == "=")):
            return [*found, (letter, letters)]
        found.append((letter, None))
    return found


def _take(
    options: Dict[str, str],
    known: Dict[str, Tuple[str, str]],
    spelling: str,
    value: Optional[str],
    waiting: List[str],
    check: Optional[Callable[[str, str], str]],
) -> None:
    """Take one option, and its value from the words that follow if need be."""
    # Juju counts bytes.
    shown = ("--" if len(spelling.encode("utf-8", "surrogateescape")) > 1 else "-") + spelling
    if spelling not in known:
        if spelling in ("h", "help"):
            raise HelpError
        raise UsageError("option provided but not defined: %s" % shown)
    name, takes = known[spelling]
    if not takes:
        if value is None or value in ("1", "t", "T", "true", "TRUE", "True"):
            options[name] = "true"
        elif value in ("0", "f", "F", "false", "FALSE", "False"):
            options[name] = "false"
        else:
            raise UsageError(
                "invalid value %s for option %s: strconv.ParseBool: parsing %s: invalid syntax"
                % (quoted(value), shown, quoted(value))
            )
        return
    if value is None:
        if not waiting:
            raise UsageError("option needs an argument: %s" % shown)
        value = waiting.pop()
    wrong = ""
    if takes in (":", ";"):
        if value not in (FORMATS if takes == ":" else ("json", "yaml")):
            wrong = "unknown format %s" % quoted(value)
    elif takes == "#":
        from .numerals import parsed

        wrong = parsed(value)[1]
        if wrong:
            wrong = "strconv.ParseInt: parsing %s: %s" % (quoted(value), wrong)
    elif takes != "=" and check is not None:
        wrong = check(takes, value)
    if wrong:
        raise UsageError("invalid value %s for option %s: %s" % (quoted(value), shown, wrong))
    options[name] = value


def describe(tool: str) -> str:
    """What ``--help`` prints; charmhelpers looks there for ``--file`` before it uses it."""
    lines = ["Usage: %s%s %s" % (tool, " [options]" if TOOLS[tool][2] else "", TOOLS[tool][1])]
    options: Dict[str, List[str]] = {}
    for spelling, (name, takes) in spellings(tool).items():
        options.setdefault(name + ("" if takes else " (= false)"), []).append(spelling)
    if options:
        lines += ["", "Options:"]
    for name, names in sorted(options.items(), key=lambda item: item[1]):
        shown = ", ".join([("--" if len(spelling) > 1 else "-") + spelling for spelling in names])
        lines.append(shown + (" (= false)" if name.endswith(" (= false)") else ""))
    return "\n".join(lines) + "\n"


# -- a call -----------------------------------------------------------------------------------------
_functions: Dict[str, Callable[[Request], None]] = {}


def _function(tool: str) -> Callable[[Request], None]:
    """What answers a tool."""
    found = _functions.get(tool)
    if found is None:
        found = getattr(_module(TOOLS[tool][0]), tool.replace("-", "_"))
        _functions[tool] = found
    return found


def _module(name: str) -> Any:
    """A module of this package, which no other tool pays for."""
    return __import__("%s.%s" % (__name__.rpartition(".")[0], name), fromlist=[name])


def _no_stdin() -> bytes:
    return b""


def call(
    side: Side,
    tool: str,
    words: Sequence[str],
    environ: Mapping[str, str],
    stdin: Callable[[], bytes] = _no_stdin,
    directory: str = "",
) -> Tuple[int, bytes, bytes]:
    """Answer one call of a hook tool.

    Nothing of the process is touched but the files that the command line names, so calls may run in any
    interpreter, and in several threads if the side allows it.

    Args:
        side: the Juju side of the unit.
        tool: its name, for example ``relation-get``.
        words: what follows the name.
        environ: the environment of the caller, whose ``JUJU_CONTEXT_ID`` has to be that of the hook.
        stdin: reads what the caller pipes in; called by the few tools that take it, and only if told to.
        directory: where relative paths of the command line begin; by default where this process is.

    Returns:
        The exit status (0; 1 for a request that is refused; 2 for a command line that makes no sense), and
        what the tool writes to stdout and to stderr.
    """
    try:
        asked = environ.get("JUJU_CONTEXT_ID", "")
        if not asked:
            raise RefusedError("JUJU_CONTEXT_ID not set")
        context = side.context
        if context is not None and context != asked:
            raise RefusedError("bad request: wrong context ID; got %s" % quoted(asked))
        side.record([time.time(), os.getpid(), tool, list(words)])
    except (RefusedError, OSError) as error:
        # A process that outlived its hook is none of this hook's: not recorded.
        return 1, b"", _as_bytes("ERROR %s\n" % error)
    complaints: List[str] = []
    try:
        if tool not in TOOLS or not _has(side, tool):
            raise RefusedError("bad request: unknown command: %s" % tool)
        request = Request(side, tool, words, environ, stdin, directory)
        complaints = request.complaints
        if tool not in _UNRESTRICTED and request.restricted:
            raise RefusedError(
                _RESTRICTED.get(tool, "") + "not implemented for restricted context not implemented"
            )
        _function(tool)(request)
        return 0, _as_bytes("".join(request.output)), _as_bytes("".join(complaints))
    except HelpError:
        return 0, _as_bytes(describe(tool)), b""
    except RefusedError as error:
        status, message = error.status, str(error)
    except OSError as error:
        status, message = 1, _of_file(error)
    side.record([time.time(), os.getpid(), status])
    return status, b"", _as_bytes("%sERROR %s\n" % ("".join(complaints), message))


def _has(side: Side, tool: str) -> bool:
    """Whether this Juju has a tool that not every Juju has."""
    return not tool.startswith(_SINCE_JUJU_3 + _UNTIL_JUJU_3) or tool in tools_of(side.read()["juju-version"])


def _of_file(error: OSError) -> str:
    if error.filename is None or not error.strerror:
        return str(error)
    return "open %s: %s" % (error.filename, error.strerror.lower())


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def tools_of(juju_version: str) -> Tuple[str, ...]:
    """The tools that a version of Juju has, sorted: no others are on the ``PATH`` of its hooks.

    Args:
        juju_version: for example ``3.6.0``.
    """
    from .juju_side import numbers

    version = numbers(juju_version)
    without = _SINCE_JUJU_3 if version < (3,) else _UNTIL_JUJU_3 if version >= (4,) else ()
    return tuple([tool for tool in sorted(TOOLS) if not tool.startswith(without)])


def log_entry(words: Sequence[str]) -> Tuple[str, str]:
    """Level and message of a ``juju-log`` command line.

    Raises:
        RefusedError: it makes no sense, so nothing was logged.
    """
    options, rest = parse("juju-log", words)
    level = options.get("log-level", "INFO").upper()
    if options.get("debug") == "true":
        level = "DEBUG"
    elif level == "WARN":
        level = "WARNING"
    return (level if level in LEVELS else "INFO"), " ".join(rest)
