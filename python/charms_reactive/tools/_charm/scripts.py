"""A script of handlers in bash, read by its text: its decorators, functions and commands about flags."""

from __future__ import annotations

import os
import re
from typing import Dict, List, Match, Optional, Set, Tuple

from .model import Decorator, FlagUse, Function, Place, SourceFile
from .names import HOLE
from .syntax import FLAG_CALLS

__all__ = ["looks_like_script", "read_script"]

_DECORATOR = re.compile(
    r"^[ \t]*@(hook|when|when_all|when_any|when_not|when_none|when_not_all|when_file_changed|only_once"
    r"|when_set|when_cleared|when_changed|once_per|unless_hook)"
    r"(?!\w)(.*)$"
)
_DEFINITION = re.compile(r"^[ \t]*(?:function[ \t]+([^\s(){}]+)|([^\s(){};&|<>#$=\"']+)[ \t]*\([ \t]*\))")
_COMMAND = re.compile(
    r"(?<![\w.-])(set_flag|set_state|clear_flag|remove_state|toggle_flag|toggle_state|is_flag_set|is_state|all_flags_set|any_flags_set|all_states|any_states|get_unset_flags)(?![\w.-])"
    r"(?P<rest>[^;&|\n)]*)"
)
_TRIGGER = re.compile(r"(?<![\w.-])register_trigger(?![\w.-])(?P<rest>[^;&|\n)]*)")
_OPTION = re.compile(r"--(when|when_not|set_flag|clear_flag)[ =]+(\S+)")
_ASSIGNED = re.compile(
    r"^[ \t]*(?:export[ \t]+|readonly[ \t]+|local[ \t]+)*([A-Za-z_]\w*)=(\S*)[ \t]*(?:#.*)?$"
)
# What a command prints is not known; a variable that nobody sets, of the same length, stands for it.
_SUBSTITUTION = re.compile(r"\$\([^()]+\)|`[^`]{2,}`")
_VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+)|\([^)]*\)|[@*#?0-9])|`[^`]*`")


def looks_like_script(name: str, beginning: bytes) -> bool:
    """Whether a file is one of the shell, by its first line or its name."""
    if beginning.startswith(b"#!"):
        first = beginning.split(b"\n", 1)[0]
        return re.search(rb"\b(?:ba|da|k|z|a)?sh\b", first) is not None
    return name.endswith((".sh", ".bash"))


def read_script(file: SourceFile) -> None:
    """Fill in functions with their decorators, and what the script does with flags."""
    values = {name: _plain(value) for name, value in _assignments(file.lines)}
    waiting: List[Decorator] = []
    function: Optional[Function] = None
    for number, line in enumerate(file.lines, 1):
        stripped = line.lstrip()
        if stripped.startswith("#"):
            continue
        decorator = _DECORATOR.match(line)
        if decorator:
            waiting.append(_decorator(file, number, line, decorator, values))
            continue
        definition = _DEFINITION.match(line)
        if definition:
            name = definition.group(1) or definition.group(2)
            column = line.index(name) + 1
            first = waiting[0].place.line if waiting else number
            function = Function(name, Place(file.path, number, column, column + len(name)), first, None, file)
            function.decorators, waiting = waiting, []
            file.functions.append(function)
            line = " " * definition.end() + line[definition.end() :]
        elif line.startswith(("}", ")")):
            function = None
        for use in _commands(file, number, line, function, values):
            file.uses.append(use)
            if function is not None:
                function.uses.append(use)
        if function is not None:
            function.body += line + "\n"


def _assignments(lines: List[str]) -> List[Tuple[str, str]]:
    found: Dict[str, str] = {}
    twice: Set[str] = set()
    for line in lines:
        match = _ASSIGNED.match(line)
        if match:
            name, value = match.groups()
            if found.setdefault(name, value) != value:
                twice.add(name)
    return [(name, value) for name, value in found.items() if name not in twice]


def _plain(word: str) -> str:
    text = word.strip("\"'")
    return _VARIABLE.sub(HOLE, text) if "'" not in word else text


def _named(word: str, values: Dict[str, str]) -> str:
    def value(match: Match[str]) -> str:
        return str(values.get(match.group(1) or match.group(2) or "", HOLE))

    text = word if word.startswith("'") else _VARIABLE.sub(value, word)
    return re.sub(r"\*+", HOLE, re.sub(r"[\"']", "", text))


def _words(rest: str) -> List[str]:
    import shlex  # most charms have no scripts

    try:
        lexer = shlex.shlex(rest, posix=False, punctuation_chars=False)
        lexer.whitespace_split = True
        return list(lexer)
    except ValueError:
        return rest.split()


def _at(file: SourceFile, number: int, line: str, word: str, after: int) -> Place:
    column = line.find(word, after)
    if column < 0:
        return Place(file.path, number, after + 1, len(line) + 1)
    return Place(file.path, number, column + 1, column + len(word) + 1)


def _decorator(
    file: SourceFile, number: int, line: str, match: Match[str], values: Dict[str, str]
) -> Decorator:
    name, rest = match.groups()
    start = line.index("@" + name)
    place = Place(file.path, number, start + 1, start + 2 + len(name))
    found = Decorator(name, None, place, True, text=name)  # type: ignore[arg-type]
    rest = re.sub(r"(?:^|\s)#.*$", "", rest)
    after = match.start(2)
    for word in _words(rest):
        at = _at(file, number, line, word, after)
        after = at.end - 1
        if word.startswith(("$@", '"$@')):
            found.unknown = True
            continue
        found.args.append((_named(word, values), at))
    return found


def _commands(
    file: SourceFile, number: int, line: str, function: Optional[Function], values: Dict[str, str]
) -> List[FlagUse]:
    found: List[FlagUse] = []
    line = _SUBSTITUTION.sub(lambda match: "${%s}" % ("_" * (len(match.group()) - 3)), line)
    for match in _COMMAND.finditer(line):
        words = [word for word in _words(match["rest"]) if not word.startswith(("-", ">", "<", "2>"))]
        how = FLAG_CALLS[match.group(1)]
        after = match.start("rest")
        for word in words if how == "read" else words[:1]:
            place = _at(file, number, line, word, after)
            after = place.end - 1
            if re.fullmatch(r"[\]};]+|then|do|fi", word):
                break
            found.append(FlagUse(_named(word, values), how, place, function))
    for match in _TRIGGER.finditer(line):
        options = dict(_OPTION.findall(match["rest"]))
        for option, how in _TRIGGERS.items():
            if option in options:
                place = _at(file, number, line, options[option], match.start("rest"))
                found.append(FlagUse(_named(options[option], values), how, place, function))
    return found


_TRIGGERS = {
    "when": "trigger",
    "when_not": "trigger",
    "set_flag": "triggered-set",
    "clear_flag": "triggered-clear",
}


def module_name(path: str) -> str:
    """The name of a file of Python, as other files import it."""
    parts = os.path.splitext(path)[0].split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)
