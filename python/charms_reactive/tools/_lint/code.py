"""Rules about handlers as code: what they are, what they are called with, and scripts that are none."""

from __future__ import annotations

import ast
import re
from typing import Iterator, List, Optional, Set

from charms_reactive._juju.hook_names import UNIT_HOOKS
from charms_reactive.tools._charm.knowledge import KINDS, Reading
from charms_reactive.tools._charm.model import CallSite, Function, Place, SourceFile
from charms_reactive.tools._charm.names import HOLE
from charms_reactive.tools._charm.syntax import dotted, place_of

from .rules import ERROR, WARNING, Finding, Settings, rule


@rule("CR401", "relation-may-be-none", WARNING, "a relation object is used where there may be none")
def relation_none(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A handler uses what `endpoint_from_flag` returns without looking at it, and none of its conditions is
    about that endpoint.

    The function returns None where the flag is not set, so that the handler fails with an AttributeError.
    Wait for the flag with `@when`, or test the object.
    """
    for file in reading.files:
        for function in file.functions:
            if not function.names & set(KINDS) | function.names & {"hook"}:
                continue
            if function.node is None or file.interface:
                continue
            waited = _endpoints_waited_for(function)
            if waited is None:
                continue
            for site in function.calls:
                if site.of != "framework" or site.name not in _MAY_BE_NONE or not site.node.args:
                    continue
                names = reading.meaning.names(site.node.args[0], site.env)
                endpoints = {_endpoint_of(name) for name in names}
                if len(names) != 1 or HOLE in names[0] or endpoints & waited:
                    continue
                if _is_used_blindly(function, site):
                    yield relation_none.at(
                        site.place,
                        "%s(%r) may be None here: %s does not wait for the flag"
                        % (site.name, names[0], function.name),
                        advice='add @when("%s"), or test the object' % names[0],
                    )


_MAY_BE_NONE = frozenset(["endpoint_from_flag", "relation_from_flag", "relation_from_state"])


def _endpoint_of(flag: str) -> str:
    parts = flag.split(".")
    return parts[1] if parts[0] == "endpoint" and len(parts) > 1 else parts[0]


def _endpoints_waited_for(function: Function) -> Optional[Set[str]]:
    found: Set[str] = set()
    for decorator in function.decorators:
        if decorator.name in ("when", "when_all", "when_any", "not_unless"):
            if decorator.unknown or any(HOLE in name for name, _ in decorator.args):
                return None
            found.update(_endpoint_of(name) for name, _ in decorator.args)
        elif decorator.name in ("hook",):
            found.update(name.partition("-relation-")[0] for name, _ in decorator.args)
        elif not decorator.name:
            return None  # it may do anything
    return found


def _is_used_blindly(function: Function, site: CallSite) -> bool:
    """Whether an attribute of the result is used, and nothing in the function looks whether there is one."""
    assert function.node is not None
    given: Set[str] = set()
    for node in ast.walk(function.node):
        if isinstance(node, ast.Attribute) and node.value is site.node:
            return not _is_below_a_test(function, site.node)
        if isinstance(node, ast.Assign) and node.value is site.node:
            given.update(target.id for target in node.targets if isinstance(target, ast.Name))
    if len(given) != 1 or not site.certain:
        return False
    (name,) = given
    used = False
    for node in ast.walk(function.node):
        if isinstance(node, (ast.If, ast.IfExp, ast.While, ast.Assert)) and _names(node.test, name):
            return False
        if isinstance(node, ast.BoolOp) and _names(node, name):
            return False
        if isinstance(node, ast.Try):
            return False
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            used = True
    return used


def _is_below_a_test(function: Function, call: ast.Call) -> bool:
    assert function.node is not None
    return any(
        isinstance(node, (ast.If, ast.IfExp, ast.BoolOp, ast.Try, ast.While))
        and any(inner is call for inner in ast.walk(node))
        for node in ast.walk(function.node)
    )


def _names(node: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))


# -- what is called -------------------------------------------------------------------------------------
@rule("CR402", "handler-arguments", ERROR, "a handler wants arguments that none of its decorators gives")
def arguments(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A handler has parameters, and its decorators do not give that many arguments.

    Only `@when`, `@when_all` and `@hook` give any: the relation objects of their flags, or of the hook, one
    at most for each. Take the parameter away, and ask `endpoint_from_flag` or `endpoint_from_name` in the
    function.
    """
    for function in _handler_functions(reading):
        node = function.node
        if node is None or function.class_name or not _is_ours_alone(function):
            continue
        wanted = [one.arg for one in [*node.args.posonlyargs, *node.args.args]]
        wanted = wanted[: len(wanted) - len(node.args.defaults)]
        by_name = [
            one.arg for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults) if default is None
        ]
        given = 0
        for decorator in function.decorators:
            if decorator.name in ("when", "when_all"):
                given += 1000 if decorator.unknown else len(decorator.args)
            elif decorator.name == "hook":
                given += 1
        missing = wanted[given:] + by_name
        if missing:
            yield arguments.at(
                function.place,
                "%s cannot be called: it wants %s, which none of its decorators gives"
                % (function.name, ", ".join(missing)),
            )


@rule("CR403", "async-handler", ERROR, "a handler or callback that is a coroutine function")
def coroutine(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A handler is an `async def`: calling it makes a coroutine and runs nothing. Call `asyncio.run()` in a
    plain function. So with the callback of a trigger.
    """
    for function in _called_functions(reading):
        if isinstance(function.node, ast.AsyncFunctionDef) and _is_ours_alone(function):
            yield coroutine.at(
                function.place,
                "%s is a coroutine function, of which a call runs nothing" % function.name,
                advice="make it a plain function, which may use asyncio.run()",
            )


@rule("CR404", "generator-handler", ERROR, "a handler or callback that is a generator function")
def generator(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A handler has a `yield` in it: calling it makes a generator and runs nothing. Take the yield away, or
    loop over the generator in a plain function. So with the callback of a trigger.
    """
    for function in _called_functions(reading):
        if (
            "yield" in function.file.text
            and isinstance(function.node, ast.FunctionDef)
            and _yields(function.node)
            and _is_ours_alone(function)
        ):
            yield generator.at(
                function.place,
                "%s is a generator function, of which a call runs nothing" % function.name,
                advice="take its yield away, or loop over it in a plain function",
            )


def _handler_functions(reading: Reading) -> Iterator[Function]:
    seen: Set[int] = set()
    for handler in reading.handlers:
        function = handler.function
        if function is not None and id(function) not in seen and function.node is not None:
            seen.add(id(function))
            yield function


def _called_functions(reading: Reading) -> Iterator[Function]:
    yield from _handler_functions(reading)
    handlers = {id(function) for function in _handler_functions(reading)}
    for file in reading.files:
        by_name = {function.name: function for function in file.functions if not function.class_name}
        for site in file.calls:
            if site.name == "register_trigger":
                for word in site.node.keywords:
                    function = by_name.get(getattr(word.value, "id", "")) if word.arg == "callback" else None
                    if function is not None and id(function) not in handlers:
                        yield function


def _is_ours_alone(function: Function) -> bool:
    """Whether nothing but the framework's decorators is around a function, which may make another of it."""
    return all(decorator.name for decorator in function.decorators)


def _yields(node: ast.FunctionDef) -> bool:
    stack: List[ast.AST] = list(node.body)
    while stack:
        inner = stack.pop()
        if isinstance(inner, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            stack.extend(ast.iter_child_nodes(inner))
    return False


@rule("CR405", "syntax-error", ERROR, "a file of handlers that is no Python")
def syntax(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A file in which the framework looks for handlers is no Python of the version that runs this. Every
    hook of the charm fails.
    """
    for file in reading.files:
        if file.error and file.discovered:
            yield syntax.at(Place(file.path, file.error_line), "the file is no Python: %s" % file.error)


@rule("CR406", "exit-at-import", ERROR, "a module of handlers that ends the process while it is imported")
def exits(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A module calls `sys.exit()` when it is imported: the hook ends there, and no handler of the charm
    runs.
    """
    for file in reading.files:
        if not file.discovered or file.tree is None:
            continue
        for statement in file.tree.body:
            node = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(node, ast.Call) and dotted(node.func) in ("sys.exit", "exit", "quit", "os._exit"):
                yield exits.at(place_of(node, file), "the hook ends here while the module is imported")


# -- scripts --------------------------------------------------------------------------------------------
_HELPER = re.compile(r"^[^#\n]*charms\.reactive\.sh", re.MULTILINE)
_SOURCED = re.compile(r"^[ \t]*(?:source|\.)[ \t]+(.*\S)[ \t]*$")


@rule(
    "CR501",
    "script-not-executable",
    ERROR,
    "a script of handlers, a hook or an action that is not executable",
)
def not_executable(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A script of handlers is not executable, so that the framework passes it over; or the file of a hook
    or an action is not, so that Juju cannot run it. `chmod +x` makes it so.
    """
    for file in reading.files:
        if file.executable or not file.text.startswith("#!"):
            continue
        directory, name = file.path.rpartition("/")[::2]
        if _is_of_handlers(file) and (name.endswith(".sh") or "." not in name):
            yield not_executable.at(
                Place(file.path, 1),
                "the script has handlers and is not executable",
                advice="chmod +x %s" % file.path,
            )
        elif directory == "actions" and name in reading.declared.actions:
            yield not_executable.at(
                Place(file.path, 1),
                "the file of the action %s is not executable" % name,
                advice="chmod +x %s" % file.path,
            )
        elif directory == "hooks" and "." not in name and _is_hook(name, reading):
            yield not_executable.at(
                Place(file.path, 1),
                "the file of the hook %s is not executable" % name,
                advice="chmod +x %s" % file.path,
            )


def _is_hook(name: str, reading: Reading) -> bool:
    return name in UNIT_HOOKS or name.partition("-relation-")[0] in reading.declared.endpoints


def _is_of_handlers(file: SourceFile) -> bool:
    return (
        file.discovered
        and file.kind == "bash"
        and (re.search(r"^[ \t]*reactive_handler_main\b", file.text, re.MULTILINE) is not None)
    )


@rule("CR502", "script-without-shebang", ERROR, "a script of handlers that does not begin with #!")
def no_shebang(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A script of handlers does not begin with `#!/bin/bash`, so that the framework passes it over."""
    for file in reading.files:
        if _is_of_handlers(file) and not file.text.startswith("#!"):
            yield no_shebang.at(
                Place(file.path, 1),
                "the script has handlers and does not begin with #!",
                advice="make #!/bin/bash its first line",
            )


@rule("CR503", "script-of-no-handlers", ERROR, "a script of handlers that declares none for another reason")
def no_helper(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A script of handlers does not source charms.reactive.sh, is run by another shell than bash, has a
    name that ends otherwise than in `.sh`, or never calls `reactive_handler_main`.
    """
    for file in reading.files:
        if not file.discovered or file.kind != "bash":
            continue
        decorated = any(function.decorators for function in file.functions)
        suffix = (
            "." + file.path.rpartition("/")[2].rpartition(".")[2]
            if "." in file.path.rpartition("/")[2]
            else ""
        )
        shell = re.match(r"#![ \t]*(?:/\S*/)?(?:env[ \t]+)?(sh|dash|ash|ksh|zsh)\b", file.text)
        if _is_of_handlers(file) and suffix not in ("", ".sh"):
            yield no_helper.at(
                Place(file.path, 1),
                "the script has handlers and is called *%s" % suffix,
                advice="let its name end in .sh",
            )
        elif _is_of_handlers(file) and shell:
            yield no_helper.at(
                Place(file.path, 1, 1, len(file.lines[0]) + 1),
                "the script has handlers in bash and begins with %s" % file.lines[0],
                advice="begin it with #!/bin/bash",
            )
        elif (_is_of_handlers(file) or decorated) and not _HELPER.search(file.text):
            line, text = next(
                (
                    (number, match.group(1))
                    for number, one in enumerate(file.lines, 1)
                    for match in [_SOURCED.match(one)]
                    if match
                ),
                (1, ""),
            )
            yield no_helper.at(
                Place(file.path, line, 1, len(file.lines[line - 1]) + 1),
                "the script has handlers and does not source charms.reactive.sh",
                "charms.reactive.sh" if "reactive" in text else None,
            )
        elif decorated and _HELPER.search(file.text) and "reactive_handler_main" not in file.text:
            yield no_helper.at(
                Place(file.path, len(file.lines)),
                "the script has handlers and never calls reactive_handler_main",
                advice="make it the last line",
            )
