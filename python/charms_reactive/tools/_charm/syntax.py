"""A file of Python, read by its syntax: its functions, their decorators, and the calls that mean something.

Nothing of it is run. What a name in it stands for is found by ``meaning``, when all files have been read.
"""

from __future__ import annotations

import ast
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from .model import CallSite, Decorator, Function, Place, SourceFile

__all__ = ["DECORATORS", "FLAG_CALLS", "HOOKENV", "Scope", "dotted", "place_of", "read_python"]

#: The decorators that the framework has, by the names that make a difference.
DECORATORS = frozenset(
    [
        "when",
        "when_all",
        "when_any",
        "when_not",
        "when_none",
        "when_not_all",
        "not_unless",
        "when_file_changed",
        "when_set",
        "when_cleared",
        "when_changed",
        "once_per",
        "unless_hook",
        "collect_metrics",
        "meter_status_changed",
        "only_once",
        "hook",
        "action",
    ]
)

#: What each function of the framework does with the flags that it is given.
FLAG_CALLS = {
    "set_flag": "set",
    "set_state": "set",
    "clear_flag": "clear",
    "remove_state": "clear",
    "toggle_flag": "toggle",
    "toggle_state": "toggle",
    "is_flag_set": "read",
    "is_state": "read",
    "get_state": "read",
    "all_flags_set": "read",
    "any_flags_set": "read",
    "get_unset_flags": "read",
    "all_states": "read",
    "any_states": "read",
    "endpoint_from_flag": "relation",
    "relation_from_flag": "relation",
    "relation_from_state": "relation",
    "from_flag": "relation",
    "from_state": "relation",
}

#: Names that only the framework has: they mean the same on whatever they are called.
_OURS = frozenset(FLAG_CALLS) | {
    "register_trigger",
    "endpoint_from_name",
    "relation_from_name",
    "expand_name",
    "data_changed",
    "is_data_changed",
    "any_file_changed",
    "get_flags",
    "get_states",
    "any_hook",
}

#: Functions of charmhelpers' hookenv that some tool looks at.
HOOKENV = frozenset(
    [
        "action_get",
        "add_metric",
        "config",
        "is_leader",
        "leader_get",
        "leader_set",
        "network_get",
        "open_port",
        "payload_register",
        "payload_status_set",
        "payload_unregister",
        "pod_spec_set",
        "relation_get",
        "relation_ids",
        "relation_set",
        "resource_get",
        "storage_get",
        "storage_list",
        "unit_get",
        "unit_private_ip",
        "unit_public_ip",
        "related_units",
        "relations_of_type",
        "status_set",
    ]
)

_FRAMEWORK = ("charms.reactive", "charms_reactive")


class Scope:
    """The names that a function, or a module, gives values to.

    Attributes:
        function: whose; ``None`` for that of the module.
        values: of each name, the expressions that it may stand for.
    """

    def __init__(
        self,
        file: SourceFile,
        function: Optional[Function] = None,
        outer: Optional[Scope] = None,
        class_name: str = "",
        values: Optional[Dict[str, List[ast.expr]]] = None,
    ) -> None:
        self.file = file
        self.function = function
        self.outer = outer
        self.class_name = class_name
        self.values: Dict[str, List[ast.expr]] = {} if values is None else values


class ClassInfo:
    """A class: what its attributes are given, what its methods return, and what it is made of."""

    def __init__(
        self,
        name: str,
        bases: List[str],
        values: Optional[Dict[str, List[ast.expr]]] = None,
        methods: Optional[Dict[str, Function]] = None,
        place: Optional[Place] = None,
    ) -> None:
        self.name = name
        self.bases = bases
        self.values: Dict[str, List[ast.expr]] = {} if values is None else values
        self.methods: Dict[str, Function] = {} if methods is None else methods
        self.place: Place = Place("") if place is None else place


def place_of(node: Any, file: SourceFile) -> Place:
    """Where a piece of syntax stands, in characters; of one of several lines, its first."""
    line, column = node.lineno, node.col_offset
    end = node.end_col_offset if node.end_lineno == line else None
    if not file.text.isascii():
        # Python counts bytes.
        raw = file.lines[line - 1].encode("utf-8", "surrogateescape") if line <= len(file.lines) else b""
        column = len(raw[:column].decode("utf-8", "replace"))
        end = None if end is None else len(raw[:end].decode("utf-8", "replace"))
    if end is None:
        end = len(file.lines[line - 1]) if line <= len(file.lines) else column + 1
    return Place(file.path, line, column + 1, max(end, column + 1) + 1)


def dotted(node: ast.AST) -> str:
    """``a.b.c`` as it is written; a part that is none of that is left out."""
    parts: List[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    elif isinstance(node, ast.Call):
        parts.append(dotted(node.func) + "()")
    else:
        parts.append("")
    return ".".join(reversed(parts))


def read_python(file: SourceFile) -> None:
    """Fill in what the syntax of a file tells; of one that has a mistake in it, that."""
    try:
        file.tree = ast.parse(file.text)
    except SyntaxError as error:
        file.error, file.error_line = error.msg or "invalid syntax", error.lineno or 1
        return
    except ValueError as error:  # a zero byte
        file.error, file.error_line = str(error), 1
        return
    _Reader(file).module()


_Definition = (ast.FunctionDef, ast.AsyncFunctionDef)
_Compound = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith)
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


class _Reader:
    def __init__(self, file: SourceFile) -> None:
        self.file = file
        #: Calls, whose names are looked up when all imports are known.
        self.calls: List[Tuple[ast.Call, Scope, bool]] = []
        self.scope = Scope(file, values=file.constants)

    def module(self) -> None:
        assert self.file.tree is not None
        self._body(self.file.tree.body, self.scope, True)
        for node, scope, certain in self.calls:
            self._resolve(node, scope, certain)
        for function in self.file.functions:
            for decorator in function.decorators:
                self._name_decorator(decorator)

    # -- statements -------------------------------------------------------------------------------
    def _body(self, body: Sequence[ast.stmt], scope: Scope, certain: bool) -> None:
        for statement in body:
            self._statement(statement, scope, certain)
            if certain and isinstance(statement, _Compound) and _may_leave(statement):
                certain = False

    def _statement(self, node: ast.stmt, scope: Scope, certain: bool) -> None:
        if isinstance(node, ast.Expr):
            if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
                self._expression(node.value, scope, certain)  # a docstring says nothing to the framework
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            self._assignment(node, scope, certain)
        elif isinstance(node, _Definition):
            self._function(node, scope)
        elif isinstance(node, ast.ClassDef):
            self._class(node, scope)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node)
        elif isinstance(node, (ast.If, ast.While, ast.For, ast.AsyncFor)):
            self._branch(node, scope, certain)
        elif isinstance(node, ast.Try):
            for body in (node.body, *(handler.body for handler in node.handlers), node.orelse):
                self._body(body, scope, False)
            self._body(node.finalbody, scope, certain)
            self._imports_that_may_fail(node)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self._expression(item.context_expr, scope, certain)
            self._body(node.body, scope, certain)
        else:
            self._other(node, scope, certain)

    def _branch(
        self, node: Union[ast.If, ast.While, ast.For, ast.AsyncFor], scope: Scope, certain: bool
    ) -> None:
        if isinstance(node, (ast.If, ast.While)):
            self._expression(node.test, scope, certain)
        else:
            self._expression(node.iter, scope, certain)
            self._loop_target(node.target, node.iter, scope)
        self._body(node.body, scope, False)
        self._body(node.orelse, scope, False)

    def _other(self, node: ast.stmt, scope: Scope, certain: bool) -> None:
        """A statement of expressions, or one of a newer Python than this has to know."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child, scope, certain)
            else:
                for inner in ast.walk(child):
                    if isinstance(inner, ast.stmt):
                        self._statement(inner, scope, False)

    def _assignment(
        self, node: Union[ast.Assign, ast.AnnAssign, ast.AugAssign], scope: Scope, certain: bool
    ) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            self._assign(target, node.value, scope, isinstance(node, ast.AugAssign))
            if isinstance(target, (ast.Subscript, ast.Attribute)):
                self._expression(target, scope, certain)
        if node.value is not None:
            self._expression(node.value, scope, certain)

    def _assign(self, target: ast.expr, value: Optional[ast.expr], scope: Scope, more: bool) -> None:
        if value is None:
            return
        if isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                for one, its in zip(target.elts, value.elts):
                    self._assign(one, its, scope, more)
            else:
                for one in target.elts:
                    self._assign(one, _UNKNOWN, scope, more)
            return
        if more:
            value = _UNKNOWN
        if isinstance(target, ast.Name):
            scope.values.setdefault(target.id, []).append(value)
        elif (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in ("self", "cls")
            and scope.class_name
        ):
            info = self.file.classes.get(scope.class_name)
            if info is not None:
                info.values.setdefault(target.attr, []).append(value)

    def _loop_target(self, target: ast.expr, iterated: ast.expr, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            scope.values.setdefault(target.id, []).append(ast.Starred(iterated, ast.Load()))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for number, one in enumerate(target.elts):
                if isinstance(one, ast.Name):
                    scope.values.setdefault(one.id, []).extend(_elements(iterated, number))

    def _import(self, node: Union[ast.Import, ast.ImportFrom]) -> None:
        imports = self.file.imports
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.file.imported.append((alias.name, place_of(node, self.file), False))
                if alias.asname:
                    imports[alias.asname] = alias.name
                else:
                    imports.setdefault(alias.name.partition(".")[0], alias.name.partition(".")[0])
            return
        module = "." * node.level + (node.module or "")
        self.file.imported.append((module, place_of(node, self.file), False))
        for alias in node.names:
            if alias.name == "*":
                imports["*" + module] = module
            else:
                imports[alias.asname or alias.name] = module + "." + alias.name

    def _imports_that_may_fail(self, node: ast.Try) -> None:
        if not any(_catches_imports(handler.type) for handler in node.handlers):
            return
        # What stands in the place of another import that fails may fail no more than that.
        guarded = {inner.lineno for one in node.body for inner in ast.walk(one) if hasattr(inner, "lineno")}
        for handler in node.handlers:
            guarded.update(
                inner.lineno for one in handler.body for inner in ast.walk(one) if hasattr(inner, "lineno")
            )
        self.file.imported = [
            (name, place, may or place.line in guarded) for name, place, may in self.file.imported
        ]

    # -- definitions ------------------------------------------------------------------------------
    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        info = ClassInfo(node.name, [dotted(base) for base in node.bases], place=place_of(node, self.file))
        self.file.classes[node.name] = info
        inner = Scope(self.file, scope.function, scope, node.name, info.values)
        for decorator in node.decorator_list:
            self._expression(decorator, scope, False)
        for statement in node.body:
            self._statement(statement, inner, False)

    def _function(self, node: Union[ast.FunctionDef, ast.AsyncFunctionDef], scope: Scope) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        function = Function(
            node.name,
            self._place_of_name(node),
            node.decorator_list[0].lineno if node.decorator_list else node.lineno,
            node,
            self.file,
            class_name=scope.class_name if scope.values is not scope.file.constants else "",
            parameters=tuple(argument.arg for argument in every),
            outer=scope.function,
        )
        self.file.functions.append(function)
        if scope.class_name and scope.class_name in self.file.classes:
            self.file.classes[scope.class_name].methods.setdefault(node.name, function)
        for expression in node.decorator_list:
            called = isinstance(expression, ast.Call)
            decorator = Decorator(
                "", expression, place_of(expression, self.file), called, text=dotted(_called(expression))
            )
            function.decorators.append(decorator)
            self._expression(expression, scope, False)
        for default in [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]:
            self._expression(default, scope, False)
        inner = Scope(self.file, function, scope, scope.class_name)
        self._body(node.body, inner, True)

    def _place_of_name(self, node: Union[ast.FunctionDef, ast.AsyncFunctionDef]) -> Place:
        line = self.file.lines[node.lineno - 1]
        word = "async def " if isinstance(node, ast.AsyncFunctionDef) else "def "
        column = line.find(word + node.name)
        if column < 0:
            return place_of(node, self.file)
        column += len(word)
        return Place(self.file.path, node.lineno, column + 1, column + 1 + len(node.name))

    def _name_decorator(self, decorator: Decorator) -> None:
        of, name, _ = self._meaning(_called(decorator.node))
        if of == "framework" and name in DECORATORS:
            decorator.name = name

    # -- expressions ------------------------------------------------------------------------------
    def _expression(self, node: ast.expr, scope: Scope, certain: bool) -> None:
        stack: List[Tuple[ast.AST, bool]] = [(node, certain)]
        while stack:
            inner, sure = stack.pop()
            kind = type(inner)
            if kind is ast.Constant:
                text = inner.value  # type: ignore[attr-defined]
                if type(text) is str:
                    counts = self.file.string_counts
                    counts[text] = counts.get(text, 0) + 1
                continue
            if kind is ast.Name:
                continue
            if kind is ast.Call:
                self.calls.append((inner, scope, sure))  # type: ignore[arg-type]
            elif kind in _MAYBE:
                if kind is ast.Lambda:
                    for argument in inner.args.args:  # type: ignore[attr-defined]
                        scope.values.setdefault(argument.arg, []).append(_UNKNOWN)
                elif kind is ast.NamedExpr:
                    self._assign(inner.target, inner.value, scope, False)  # type: ignore[attr-defined]
                sure = False
            elif kind is ast.comprehension:
                self._loop_target(inner.target, inner.iter, scope)  # type: ignore[attr-defined]
            stack.extend(
                (child, sure)
                for child in ast.iter_child_nodes(inner)
                if not isinstance(child, (ast.expr_context, ast.operator))
            )

    def _resolve(self, node: ast.Call, scope: Scope, certain: bool) -> None:
        of, name, base = self._meaning(node.func)
        if not of:
            return
        site = CallSite(
            name,
            of,
            node,
            _place_of_called(node, self.file),
            scope.function,
            self.file,
            certain,
            scope,
            base,
        )
        self.file.calls.append(site)
        if scope.function is not None:
            scope.function.calls.append(site)

    def _meaning(self, called: ast.expr) -> Tuple[str, str, str]:
        """Whose the called thing is, its name there, and on what it is called; empty for nobody's."""
        imports = self.file.imports
        if isinstance(called, ast.Name):
            origin = imports.get(called.id, "")
            if not origin:
                for star in imports:
                    if star[0] == "*" and (of := _whose(star[1:], called.id)):
                        return of, called.id, ""
                return ("local", called.id, "") if called.id not in _BUILTINS else ("", "", "")
            module, _, name = origin.rpartition(".")
            return _whose(module, name) or "local", name, ""
        if not isinstance(called, ast.Attribute):
            return "", "", ""
        base = dotted(called.value)
        first, _, rest = base.partition(".")
        module = imports.get(first, "")
        if module:
            whole = module + ("." + rest if rest else "")
            of = _whose(whole, called.attr)
            if of:
                return of, called.attr, base
        if called.attr in _OURS:
            return "framework", called.attr, base
        return "method", called.attr, base


def _whose(module: str, name: str) -> str:
    if module.startswith(_FRAMEWORK):
        return "framework"
    if module.endswith("hookenv") and name in HOOKENV:
        return "hookenv"
    return ""


def _called(expression: ast.expr) -> ast.expr:
    return expression.func if isinstance(expression, ast.Call) else expression


def _place_of_called(node: ast.Call, file: SourceFile) -> Place:
    """Where the name of what is called stands."""
    whole = place_of(node.func, file)
    if isinstance(node.func, ast.Attribute) and node.func.end_lineno is not None:
        end_line, end = node.func.end_lineno, node.func.end_col_offset or 0
        if file.text.isascii():
            return Place(file.path, end_line, end - len(node.func.attr) + 1, end + 1)
    return whole


def _may_leave(statement: ast.stmt) -> bool:
    stack: List[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, _LEAVES) or (isinstance(node, ast.Call) and dotted(node.func).endswith("exit")):
            return True
        if not isinstance(node, (ast.Lambda, ast.ClassDef, *_Definition)):
            stack.extend(ast.iter_child_nodes(node))
    return False


def _catches_imports(kind: Optional[ast.expr]) -> bool:
    if kind is None:
        return True
    names = [dotted(one) for one in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
    return any(name in ("ImportError", "ModuleNotFoundError", "Exception", "BaseException") for name in names)


def _elements(iterated: ast.expr, number: int) -> Iterator[ast.expr]:
    """What stands at one place of each element of a literal list of tuples, or of a dict's items."""
    if isinstance(iterated, (ast.Tuple, ast.List, ast.Set)):
        for one in iterated.elts:
            if isinstance(one, (ast.Tuple, ast.List)) and number < len(one.elts):
                yield one.elts[number]
            else:
                yield _UNKNOWN
    else:
        yield _UNKNOWN


#: Stands for a value that cannot be told.
_UNKNOWN: Any = ast.Name("*", ast.Load())

# What stands below one of these may never be evaluated.
_MAYBE = frozenset(
    [
        ast.BoolOp,
        ast.IfExp,
        ast.Lambda,
        ast.ListComp,
        ast.SetComp,
        ast.DictComp,
        ast.GeneratorExp,
        ast.NamedExpr,
    ]
)

_BUILTINS = frozenset(
    [
        "print",
        "len",
        "str",
        "int",
        "float",
        "bool",
        "list",
        "dict",
        "set",
        "tuple",
        "sorted",
        "open",
        "isinstance",
        "getattr",
        "setattr",
        "hasattr",
        "range",
        "super",
        "type",
        "enumerate",
        "zip",
        "map",
        "filter",
        "any",
        "all",
        "min",
        "max",
        "sum",
        "repr",
        "format",
        "iter",
        "next",
        "vars",
        "id",
    ]
)
