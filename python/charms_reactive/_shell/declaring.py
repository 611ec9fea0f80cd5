"""Asking a bash script for its handlers, and telling from its text how long the answer holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import namedtuple

from charms_reactive._errors.rare import HandlerDeclarationError
from charms_reactive._juju import environment, juju_log, settings
from charms_reactive.external import SHELL_VARIABLE, run_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set

    class Text(NamedTuple):
        """What the text of a bash script shows.

        Attributes:
            declares: it is about handlers, so that whatever keeps it from declaring them is an error.
            helped: it names ``charms.reactive.sh``.
            settled: nothing that it does before ``reactive_handler_main`` depends on anything but
                its text and that of the files it sources.
            files: absolute paths of these files, its own first.
        """

        declares: bool
        helped: bool
        settled: bool
        files: List[str]

    class Answer(NamedTuple):
        """What a script said when it was asked.

        Attributes:
            handlers: its functions as :class:`~charms_reactive._shell.shell_scripts.ShellHandler` has them;
                ``None`` if it is an external handler of the plain kind.
            helper: the path of the ``charms.reactive.sh`` that it used.
            status: exit status, negative for a signal.
            output: what it printed on stdout.
        """

        handlers: Optional[List[Any]]
        helper: str
        status: int
        output: bytes
else:
    Text = namedtuple("Text", ["declares", "helped", "settled", "files"])
    Answer = namedtuple("Answer", ["handlers", "helper", "status", "output"])

__all__ = ["ask", "examine"]


# -- text ---------------------------------------------------------------------------------------
_HELPER = "charms.reactive.sh"
_SHEBANG = re.compile(r"#![^\n]*\bbash\b")

_OTHER_SHELL = re.compile(r"#![ \t]*((?:/\S*/)?(?:sh|dash|ash|ksh|zsh))(?!\S)")

_DECORATOR = (
    r"@(?:hook|when|when_all|when_any|when_not|when_none|when_not_all|when_file_changed|only_once"
    r"|when_set|when_cleared|when_changed|once_per|unless_hook)(?!\S)"
)
_DECLARES = re.compile(r"^[ \t]*(?:%s|reactive_handler_main\b)" % _DECORATOR, re.MULTILINE)

_NAMES_HELPER = re.compile(r"^[^#\n]*%s" % re.escape(_HELPER), re.MULTILINE)

_NAME = r"[A-Za-z_]\w*"
# Each alternative begins in a way of its own and takes all that it can: nothing is tried twice.
_LITERAL = r"""(?:'[^']*'|"[^"$`\\]*"|[\w.:,/@%+={}-])+"""
_VALUE = r"""(?:'[^']*'|"(?:[^"$`\\]|\$\w+(?!\w)|\$\{\w+\})*"|[\w.:,/@%+={}~-]|\$\w+(?!\w)|\$\{\w+\})*"""
_COMMENT = r"[ \t]*(?:(?<=[ \t])#.*)?$"

# The lines that may stand outside of functions: none can do anything else in another hook.
_BLANK = re.compile(r"[ \t]*(?:#.*)?$")
_MAIN = re.compile(r"[ \t]*reactive_handler_main" + _COMMENT)
_LITERAL_DECORATOR = re.compile(r"[ \t]*%s(?:[ \t]+%s)*%s" % (_DECORATOR, _LITERAL, _COMMENT))
_ASSIGNMENT = re.compile(r"[ \t]*(?:(?:export|readonly)[ \t]+)?(%s)\+?=(%s)%s" % (_NAME, _VALUE, _COMMENT))
_HARMLESS = re.compile(
    r"[ \t]*(?:set(?:[ \t]+(?:[-+]\w+|pipefail))+|shopt[ \t]+-[su](?:[ \t]+\w+)+|umask[ \t]+\d+"
    r"|(?:export|readonly|unset)(?:[ \t]+%s)+|:|true)%s" % (_NAME, _COMMENT)
)
_SOURCE = re.compile(
    r"[ \t]*(?:source|\.)[ \t]+(%s|\"?(?:`which %s`|\$\((?:which|command -v) %s\))\"?)%s"
    % (_VALUE, re.escape(_HELPER), re.escape(_HELPER), _COMMENT)
)
_DEFINITION = re.compile(
    r"([ \t]*)(?:function[ \t]+[^][\s(){};&|<>]+(?:[ \t]*\([ \t]*\))?|[^][\s(){};&|<>#$=]+[ \t]*\([ \t]*\))"
    r"[ \t]*(.*)$"
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

# Variables that every hook has. Another one may be missing, which ends a script under `set -u`.
_ALWAYS_SET = frozenset(["CHARM_DIR", "JUJU_CHARM_DIR", "PATH", "JUJU_UNIT_NAME", "JUJU_HOOK_NAME"])


def examine(path: str) -> Optional[Text]:
    """What the text of a file shows; ``None`` if it is no bash script.

    Handlers in bash that another shell would run are said, for it would not understand them.

    Only lines of few, plain forms count as settled: a condition, a loop or a command outside of a
    function may come out differently in another hook, whatever stands in it.
    """
    texts: Dict[str, str] = {}
    first = _read(path)
    if first is None or not _SHEBANG.match(first):
        _say_other_shell(path, first or "")
        return None
    texts[path] = first
    settled = _Reader(texts).read(path) is True
    declares = any(_DECLARES.search(text) for text in texts.values())
    helped = any(_NAMES_HELPER.search(text) for text in texts.values())
    return Text(declares, helped, settled, list(texts))


def _say_other_shell(path: str, text: str) -> None:
    shell = _OTHER_SHELL.match(text)
    if shell is None or not re.search(r"^[ \t]*reactive_handler_main\b", text, re.MULTILINE):
        return
    # /bin/sh is bash on some systems.
    if os.path.basename(os.path.realpath(shell.group(1))) == "bash":
        return
    message = (
        "%s has handlers in bash and begins with %s, so none of them is registered; begin it with #!/bin/bash"
    )
    settings.warn(message % (_shown(path), shell.group()))


def _read(path: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().replace("\\\n", "  ")
    except OSError:
        return None


class _Unsettled(Exception):
    """A line was found that may do anything."""


class _Reader:
    """Reads a script and the files that it sources, as far as their lines are of the plain forms."""

    def __init__(self, texts: Dict[str, str]) -> None:
        self._texts = texts
        self._known: Set[str] = set(_ALWAYS_SET)

    def read(self, path: str) -> bool:
        """Whether a file is settled up to ``reactive_handler_main``, and comes to that.

        Goes on after lines that are not settled, so that all files are found.
        """
        settled, ended = True, False
        lines = iter(self._texts[path].split("\n"))
        for line in lines:
            try:
                if self._line(line, lines):
                    ended = True
                    break
            except _Unsettled:
                settled = False
        return settled and ended

    def _line(self, line: str, more: Iterator[str]) -> bool:
        """Take in a line; whether the script has come to ``reactive_handler_main``."""
        if _BLANK.match(line) or _LITERAL_DECORATOR.match(line) or _HARMLESS.match(line):
            return False
        if _MAIN.match(line):
            return True
        source = _SOURCE.match(line)
        if source:
            return self._source(source.group(1))
        assignment = _ASSIGNMENT.match(line)
        if assignment:
            self._expand(assignment.group(2))
            self._known.add(assignment.group(1))
            return False
        definition = _DEFINITION.match(line)
        if definition:
            _skip_body(definition.group(1), definition.group(2), more)
            return False
        raise _Unsettled

    def _source(self, word: str) -> bool:
        if os.path.basename(word.strip("\"'`)").split(" ")[-1]) == _HELPER:
            return False
        path = self._expand(
            word, {"CHARM_DIR": environment.charm_dir(), "JUJU_CHARM_DIR": environment.charm_dir()}
        )
        if path is None or "/" not in path or "~" in path:
            raise _Unsettled
        path = os.path.abspath(path)
        if path not in self._texts:
            text = _read(path)
            if text is None:
                raise _Unsettled
            self._texts[path] = text
            lines = iter(text.split("\n"))
            for line in lines:
                if self._line(line, lines):
                    return True
        return False

    def _expand(self, word: str, values: Optional[Dict[str, str]] = None) -> Optional[str]:
        """The word with its variables replaced, without quotes; ``None`` if a value is not known."""
        names = [braced or plain for braced, plain in _VARIABLE.findall(re.sub("'[^']*'", "", word))]
        if not self._known.issuperset(names):
            raise _Unsettled
        if values is None or not set(values).issuperset(names):
            return None
        found = values
        expanded = _VARIABLE.sub(lambda match: found[match.group(1) or match.group(2)], word)
        return expanded.replace('"', "").replace("'", "")


def _skip_body(indent: str, rest: str, lines: Iterator[str]) -> None:
    """Skip the body of a function, which ends with a brace below the beginning of its definition.

    What looks as if that had been missed is not settled.
    """
    while not rest or rest.startswith("#"):
        rest = next(lines, "}").strip()
    if rest[0] not in "{(":
        raise _Unsettled
    closing = "}" if rest[0] == "{" else ")"
    after = _after_group(rest)
    if after is None:  # it goes on in the lines below
        _skip_lines(indent, closing, lines)
    elif not _BLANK.match(after):
        raise _Unsettled  # a command on the same line, which may be a condition with a declaration


# Words of bash between which a brace is one of the language's own.
_SEPARATORS = frozenset(" \t;&|()<>")


def _after_group(text: str) -> Optional[str]:
    """What follows on its line the group in braces or parentheses with which a text begins.

    ``None`` if the group does not end there. One that cannot be told from a single line, such as that of
    a ``case``, is taken to end too early, which is not settled.
    """
    opening, closing = text[0], "}" if text[0] == "{" else ")"
    depth, inner, quote, before = 0, 0, "", " "
    position = 0
    while position < len(text):
        character = text[position]
        following = text[position + 1 : position + 2]
        if quote:
            if character == "\\" and quote == '"':
                position += 1
            elif character == quote:
                quote = ""
        elif character == "\\":
            position += 1
        elif character in "'\"`":
            quote = character
        elif character == "#" and before in _SEPARATORS:
            return None  # the rest is a comment
        elif character == "$" and following == "{":
            inner += 1
            position += 1
        elif character == "}" and inner:
            inner -= 1
        elif opening == "(" or (before in _SEPARATORS and (following or " ") in _SEPARATORS):
            depth += (character == opening) - (character == closing)
            if not depth:
                return text[position + 1 :]
        before = text[position : position + 1]
        position += 1
    return None


def _skip_lines(indent: str, closing: str, lines: Iterator[str]) -> None:
    for line in lines:
        if line.startswith(indent + closing):
            if _BLANK.match(line[len(indent) + 1 :]):
                return
            raise _Unsettled
        definition = _DEFINITION.match(line)
        if line.lstrip().startswith("@") or (definition and definition.group(1) == indent):
            raise _Unsettled
    raise _Unsettled


# -- asking -------------------------------------------------------------------------------------
def ask(path: str) -> Answer:
    """Run a script with ``--test`` so that it may declare its handlers in place of answering.

    Raises:
        HandlerDeclarationError: it is a script of handlers with a mistake in it.
        BrokenHandlerException: it cannot be executed.
    """
    fd = _open_answer()
    try:
        status, output = run_child(
            [path, "--test"], {SHELL_VARIABLE: "declare:%d" % fd}, capture=True, pass_fds=(fd,)
        )
        said = _Said(path, _read_all(fd))
    finally:
        os.close(fd)
    if said.error is not None:
        raise said.error
    if said.ended:
        # What a script prints on its way would be taken for its answer; here it is only that.
        sys.stdout.flush()
        os.write(1, output)
        return Answer(said.handlers(), said.helper, status, output)
    _explain_silence(path, status, said)
    return Answer(None, "", status, output)


# Scripts use low file descriptors for themselves, and bash the first ones from 10.
_LOWEST_FD = 100


def _open_answer() -> int:
    """A file descriptor for the answer: a file, because whatever a script leaves behind may keep it."""
    import fcntl

    if hasattr(os, "memfd_create"):
        opened = os.memfd_create("charms.reactive")
    else:
        path = os.path.join(environment.charm_dir(), ".charms.reactive.%d" % os.getpid())
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.unlink(path)
    try:
        return fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, _LOWEST_FD)
    finally:
        os.close(opened)


def _read_all(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0)


class _Said:
    """What a script said, as ``charms.reactive.sh`` writes it."""

    def __init__(self, path: str, data: bytes) -> None:
        self._path = path
        self._decorators: List[List[str]] = []
        self._functions: List[List[str]] = []
        self.sourced = False
        self.ended = False
        self.helper = ""
        #: STATUS FILE LINE COMMAND, of what ended it under ``set -e``.
        self.failed: Optional[List[str]] = None
        self.error: Optional[HandlerDeclarationError] = None
        words = iter(data.decode("utf-8", "surrogateescape").split("\0"))
        for word in words:
            if word == "sourced":
                self.sourced = True
            elif word == "decorator":
                fields = [next(words) for _ in range(4)]
                self._decorators.append(fields[:3] + [next(words) for _ in range(int(fields[3]))])
            elif word == "function":
                self._functions.append([next(words), next(words)])
            elif word == "failed":
                self.failed = [next(words) for _ in range(4)]
            elif word == "error":
                file, line, message = next(words), next(words), next(words)
                self.error = HandlerDeclarationError(_shown(file), int(line) or None, message)
            elif word == "end":
                self.ended = True
                self.helper = os.path.abspath(next(words))

    def handlers(self) -> List[Any]:
        """The functions in the order of their first decorators."""
        found: Dict[Any, List[Any]] = {}
        ends: Dict[str, Any] = {}
        for number, (decorator, (name, line)) in enumerate(zip(self._decorators, self._functions), 1):
            file, at_line, test, *arguments = decorator
            for argument in arguments:
                if not _is_text(argument):
                    reason = "%s is given %r, which is not UTF-8" % ("@" + test, os.fsencode(argument))
                    raise HandlerDeclarationError(_shown(file), int(at_line), reason)
            key = file, line, name
            if key not in found:
                if name in ends:  # of two functions with one name bash keeps the second
                    found[ends[name]][3] = number
                ends[name] = key
                found[key] = [_shown(file), int(line), name, 0, []]
            found[key][4].append([test, *arguments])
        return list(found.values())


def _is_text(word: str) -> bool:
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(file: str) -> str:
    return os.path.relpath(os.path.abspath(file), environment.charm_dir())


def _say_without_helper(path: str, text: Text) -> None:
    """Say that a script never sources the helper, so that decorators are unknown commands to it."""
    found = ""
    for file in text.files:
        for number, line in enumerate((_read(file) or "").split("\n"), 1):
            source = re.match(r"[ \t]*(?:source|\.)[ \t]+[\"']?([^\s\"']+)", line)
            if source and "reactive" in source.group(1):
                found = "; %s:%d sources %s" % (_shown(file), number, source.group(1))
    message = "%s has handlers and does not source %s, so none of them is registered%s"
    settings.warn(message % (_shown(path), _HELPER, found))


def _explain_silence(path: str, status: int, said: _Said) -> None:
    """A script has declared nothing: say so where that is a mistake, and not its way to say no."""
    text = examine(path)
    if text is None:
        return
    if not text.declares:
        return
    if not said.sourced and not text.helped:
        _say_without_helper(path, text)
        return
    if status == 0:
        message = (
            "%s: it has handlers, and ended with exit status 0 before reactive_handler_main; as an external "
            "handler says yes with that, it is invoked again and again. End it with reactive_handler_main, "
            "or with another exit status"
        )
        juju_log.log(message % _shown(path), juju_log.WARNING)
        return
    for file in text.files:
        check = subprocess.run(["bash", "-n", file], stderr=subprocess.PIPE, check=False)
        if check.returncode:
            message = check.stderr.decode("utf-8", "replace").strip()
            at = re.search(r": line (\d+): (.*)", message)
            line = int(at.group(1)) if at else None
            raise HandlerDeclarationError(_shown(file), line, at.group(2) if at else message)
    if said.failed is None:
        import shutil

        if not shutil.which(_HELPER, os.R_OK):  # under set -e that looks like any other no
            message = "%s: there is no %s on PATH, so none of its handlers can run; PATH is %s"
            juju_log.log(
                message % (_shown(path), _HELPER, os.environ.get("PATH", "not set")), juju_log.WARNING
            )
        return
    ended, file, at_line, command = said.failed
    reason = "`%s` failed with exit status %s outside of a function, under set -e" % (command, ended)
    if ended in ("126", "127"):
        raise HandlerDeclarationError(_shown(file), int(at_line), reason + ": there is no such command")
    juju_log.log("%s:%s: %s; that counts as no" % (_shown(file), at_line, reason), juju_log.WARNING)
