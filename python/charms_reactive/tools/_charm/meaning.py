"""What an expression that names a flag may stand for, across the files of a charm.

Followed are ``%``, ``format``, f-strings, ``+`` and ``expand_name``, constants of modules and classes,
names that a function gives a value to, loops over what is written down, what a function of the charm
returns, and what its callers give it. Whatever else there is, is a hole in a pattern.
"""

from __future__ import annotations

import ast
import re
from typing import Any, Dict, Iterable, List, Optional, Tuple

from .model import CallSite, Function, SourceFile
from .names import ENDPOINT, HOLE
from .syntax import Scope, dotted

__all__ = ["Meaning"]

_DEEPEST = 6
_MOST = 64

_PERCENT = re.compile(r"%(?:\((\w+)\))?[-#0 +]*\d*(?:\.\d+)?[sdrif%]")
_BRACES = re.compile(r"\{\{|\}\}|\{([\w.\[\]]*)(?:![rsa])?(?::[^{}]*)?\}")

# Attributes that hold the name of an endpoint, in a module of an interface layer.
_ENDPOINT_NAMES = frozenset(["endpoint_name", "relation_name", "_relation_name", "_endpoint_name"])
_PLACEHOLDERS = re.compile(r"\{(?:relation_name|endpoint_name)\}")


class Meaning:
    """Evaluates expressions of the files that it was given."""

    def __init__(self, files: Iterable[SourceFile]) -> None:
        self._files = list(files)
        self._calls: Dict[str, List[CallSite]] = {}
        self._functions: Dict[str, List[Function]] = {}
        self._modules: Dict[str, List[SourceFile]] = {}
        for file in self._files:
            self._modules.setdefault(file.module.rpartition(".")[2], []).append(file)
            for site in file.calls:
                if site.of in ("local", "method"):
                    self._calls.setdefault(site.name, []).append(site)
            for function in file.functions:
                self._functions.setdefault(function.name, []).append(function)

    def names(self, node: ast.expr, scope: Scope) -> List[str]:
        """The names or patterns that an expression may stand for; at least one."""
        found = self._of(node, scope, _DEEPEST)
        return list(dict.fromkeys(_simplified(_PLACEHOLDERS.sub(ENDPOINT, name)) for name in found))[:_MOST]

    def arguments(self, nodes: Iterable[ast.expr], scope: Scope) -> Tuple[List[Tuple[str, ast.expr]], bool]:
        """Each argument of a call that takes names, and whether there are others that cannot be told."""
        found: List[Tuple[str, ast.expr]] = []
        unknown = False
        for node in nodes:
            if isinstance(node, ast.Starred):
                elements = self._elements(node.value, scope, _DEEPEST)
                if elements is None:
                    unknown = True
                else:
                    found += [(name, node) for one in elements for name in self.names(one, scope)]
            else:
                found += [(name, node) for name in self.names(node, scope)]
        return found, unknown

    # -- expressions --------------------------------------------------------------------------------
    def _of(self, node: Optional[ast.expr], scope: Scope, depth: int) -> List[str]:
        if node is None or depth < 0:
            return [HOLE]
        if isinstance(node, ast.Constant):
            return [str(node.value)] if isinstance(node.value, (str, int)) else [HOLE]
        if isinstance(node, ast.JoinedStr):
            return self._joined([self._part(part, scope, depth) for part in node.values])
        if isinstance(node, ast.BinOp):
            return self._binary(node, scope, depth)
        if isinstance(node, ast.Call):
            return self._call(node, scope, depth)
        if isinstance(node, ast.Name):
            return self._name(node.id, scope, depth)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, scope, depth)
        if isinstance(node, ast.IfExp):
            return self._of(node.body, scope, depth - 1) + self._of(node.orelse, scope, depth - 1)
        if isinstance(node, ast.BoolOp):
            return [name for one in node.values for name in self._of(one, scope, depth - 1)]
        if isinstance(node, ast.Starred):
            elements = self._elements(node.value, scope, depth - 1)
            if elements is None:
                return [HOLE]
            return [name for one in elements for name in self._of(one, scope, depth - 1)] or [HOLE]
        if isinstance(node, ast.Subscript):
            return self._subscript(node, scope, depth)
        return [HOLE]

    def _part(self, node: ast.expr, scope: Scope, depth: int) -> List[str]:
        if isinstance(node, ast.FormattedValue):
            return self._of(node.value, scope, depth - 1)
        return self._of(node, scope, depth)

    def _joined(self, parts: List[List[str]]) -> List[str]:
        whole = [""]
        for part in parts:
            if len(whole) * len(part) > _MOST:
                part = [HOLE]
            whole = [one + other for one in whole for other in part]
        return whole

    def _binary(self, node: ast.BinOp, scope: Scope, depth: int) -> List[str]:
        if isinstance(node.op, ast.Add):
            return self._joined(
                [self._of(node.left, scope, depth - 1), self._of(node.right, scope, depth - 1)]
            )
        if isinstance(node.op, ast.Mod):
            given: Dict[str, List[str]] = {}
            if isinstance(node.right, ast.Tuple):
                values = [self._of(one, scope, depth - 1) for one in node.right.elts]
            elif isinstance(node.right, ast.Dict):
                values = []
                for key, value in zip(node.right.keys, node.right.values):
                    if isinstance(key, ast.Constant):
                        given[str(key.value)] = self._of(value, scope, depth - 1)
            else:
                values = [self._of(node.right, scope, depth - 1)]
            return [
                name
                for template in self._of(node.left, scope, depth - 1)
                for name in self._filled(template, _PERCENT, values, given)
            ]
        return [HOLE]

    def _filled(
        self, template: str, holes: Any, values: List[List[str]], given: Dict[str, List[str]]
    ) -> List[str]:
        parts: List[List[str]] = []
        position = number = 0
        for match in holes.finditer(template):
            parts.append([template[position : match.start()]])
            position = match.end()
            text, key = match.group(), match.group(1)
            if text in ("%%", "{{", "}}"):
                parts.append([text[0]])
                continue
            if key in (None, ""):
                parts.append(values[number] if number < len(values) else [HOLE])
                number += 1
            elif key.isdigit():
                parts.append(values[int(key)] if int(key) < len(values) else [HOLE])
            else:
                last = key.rpartition(".")[2]
                if key in given:
                    parts.append(given[key])
                elif last in _ENDPOINT_NAMES:
                    parts.append([ENDPOINT])
                else:
                    parts.append([HOLE])
        parts.append([template[position:]])
        return self._joined(parts)

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> List[str]:
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if isinstance(called, ast.Attribute):
            if name == "format":
                values = [self._of(one, scope, depth - 1) for one in node.args]
                given = {
                    word.arg: self._of(word.value, scope, depth - 1) for word in node.keywords if word.arg
                }
                return [
                    whole
                    for template in self._of(called.value, scope, depth - 1)
                    for whole in self._filled(template, _BRACES, values, given)
                ]
            if name == "expand_name" and node.args:
                return [_expanded(one) for one in self._of(node.args[0], scope, depth - 1)]
            if name == "replace" and len(node.args) == 2:
                old, new = (self._of(one, scope, depth - 1) for one in node.args)
                if len(old) == 1 and HOLE not in old[0] and len(new) == 1:
                    return [one.replace(old[0], new[0]) for one in self._of(called.value, scope, depth - 1)]
            if name == "join" and len(node.args) == 1:
                return self._join(called.value, node.args[0], scope, depth)
        if name == "str" and len(node.args) == 1:
            return self._of(node.args[0], scope, depth - 1)
        return self._returned(name, scope, depth)

    def _join(self, by: ast.expr, what: ast.expr, scope: Scope, depth: int) -> List[str]:
        separators = self._of(by, scope, depth - 1)
        elements = self._elements(what, scope, depth - 1)
        if elements is None or len(separators) != 1:
            return [HOLE]
        parts: List[List[str]] = []
        for element in elements:
            parts += [separators] * bool(parts) + [self._of(element, scope, depth - 1)]
        return self._joined(parts)

    def _returned(self, name: str, scope: Scope, depth: int) -> List[str]:
        functions = self._functions.get(name, ())
        if not 0 < len(functions) <= 4:
            return [HOLE]
        found: List[str] = []
        for function in functions:
            returned = _returns(function)
            if not returned:
                return [HOLE]
            inner = Scope(function.file, function, _module_scope(function.file), function.class_name)
            for one in returned:
                found += self._of(one, inner, depth - 2)
        return found

    # -- names --------------------------------------------------------------------------------------
    def _name(self, name: str, scope: Scope, depth: int) -> List[str]:
        here: Optional[Scope] = scope
        while here is not None:
            values = here.values.get(name)
            if values and not (here.class_name and here.function is None and here is not scope):
                return [one for value in values[:_MOST] for one in self._of(value, here, depth - 1)]
            if here.function is not None and name in here.function.parameters:
                return self._given(name, here.function, depth)
            here = here.outer
        values = scope.file.constants.get(name)
        if values:
            return [one for v in values[:_MOST] for one in self._of(v, _module_scope(scope.file), depth - 1)]
        origin = scope.file.imports.get(name)
        if origin:
            module, _, original = origin.rpartition(".")
            return self._constant(module.rpartition(".")[2], original, depth)
        for star in scope.file.imports:
            if star[0] == "*":
                found = self._constant(star.rpartition(".")[2].lstrip("*"), name, depth)
                if found != [HOLE]:
                    return found
        return [HOLE]

    def _constant(self, module: str, name: str, depth: int) -> List[str]:
        for file in self._modules.get(module, ()):
            values = file.constants.get(name)
            if values:
                return [one for v in values[:_MOST] for one in self._of(v, _module_scope(file), depth - 1)]
        return [HOLE]

    def _given(self, name: str, function: Function, depth: int) -> List[str]:
        """What the callers of a function give one of its parameters."""
        node = function.node
        if node is None or name in ("self", "cls"):
            return [HOLE]
        sites = self._calls.get(function.name, ())
        if not 0 < len(sites) <= 40 or depth < 2:
            return [HOLE]
        positional = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
        if positional[:1] in (["self"], ["cls"]):
            positional = positional[1:]
        found: List[str] = []
        for site in sites:
            value = next((word.value for word in site.node.keywords if word.arg == name), None)
            if value is None and name in positional and positional.index(name) < len(site.node.args):
                before = site.node.args[: positional.index(name) + 1]
                value = None if any(isinstance(one, ast.Starred) for one in before) else before[-1]
            if value is None:
                value = _default(node, name)
            if value is None:
                return [HOLE]
            found += self._of(value, site.env, depth - 2)
        return found[: _MOST * 4]

    def _attribute(self, node: ast.Attribute, scope: Scope, depth: int) -> List[str]:
        if node.attr in _ENDPOINT_NAMES:
            # Of itself in an interface layer; anywhere else nobody knows whose.
            base = dotted(node.value)
            inside = scope.class_name or scope.file.role
            return (
                [ENDPOINT]
                if inside and base.partition(".")[0] in ("self", "cls", "conv", "relation")
                else [HOLE]
            )
        base = dotted(node.value)
        if base in ("self", "cls") or not base:
            return self._of_class(scope.file, scope.class_name, node.attr, depth)
        module = scope.file.imports.get(base, base)
        found = self._constant(module.rpartition(".")[2], node.attr, depth)
        if found != [HOLE]:
            return found
        if node.attr == "value" and isinstance(node.value, ast.Attribute):  # of an enumeration
            return self._attribute(node.value, scope, depth - 1)
        name = base.rpartition(".")[2]
        for file in (scope.file, *self._files):
            if name in file.classes:
                return self._of_class(file, name, node.attr, depth)
        return [HOLE]

    def _of_class(self, file: SourceFile, class_name: str, attribute: str, depth: int) -> List[str]:
        seen = 0
        while class_name and seen < 8:
            seen += 1
            info = file.classes.get(class_name)
            if info is None:
                for other in self._files:
                    if class_name in other.classes:
                        file, info = other, other.classes[class_name]
                        break
                else:
                    return [HOLE]
            scope = Scope(file, None, _module_scope(file), class_name, info.values)
            values = info.values.get(attribute)
            if values:
                return [one for v in values[:_MOST] for one in self._of(v, scope, depth - 1)]
            method = info.methods.get(attribute)
            if method is not None:
                returned = _returns(method)
                inner = Scope(file, method, scope, class_name)
                return [one for v in returned for one in self._of(v, inner, depth - 2)] or [HOLE]
            class_name = info.bases[0].rpartition(".")[2] if info.bases else ""
        return [HOLE]

    def _subscript(self, node: ast.Subscript, scope: Scope, depth: int) -> List[str]:
        values = self._literal(node.value, scope, depth)
        if isinstance(values, ast.Dict):
            key = getattr(node.slice, "value", node.slice)
            wanted = key.value if isinstance(key, ast.Constant) else key if isinstance(key, str) else None
            picked = [
                value
                for name, value in zip(values.keys, values.values)
                if wanted is None or (isinstance(name, ast.Constant) and name.value == wanted)
            ]
            return [one for value in picked for one in self._of(value, scope, depth - 1)] or [HOLE]
        if isinstance(values, (ast.List, ast.Tuple)):
            return [one for value in values.elts for one in self._of(value, scope, depth - 1)] or [HOLE]
        return [HOLE]

    # -- what is made of several --------------------------------------------------------------------
    def _literal(self, node: ast.expr, scope: Scope, depth: int) -> Optional[ast.expr]:
        """The literal that a name stands for, if it is one and the only one."""
        if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict)) or depth < 0:
            return node
        if isinstance(node, ast.Name):
            here: Optional[Scope] = scope
            while here is not None:
                values = here.values.get(node.id)
                if values:
                    return self._literal(values[0], here, depth - 1) if len(values) == 1 else None
                here = here.outer
            values = scope.file.constants.get(node.id)
            if values and len(values) == 1:
                return self._literal(values[0], _module_scope(scope.file), depth - 1)
            origin = scope.file.imports.get(node.id, "")
            module, _, name = origin.rpartition(".")
            return self._literal_of(module.rpartition(".")[2], name, depth)
        if isinstance(node, ast.Attribute):
            base = dotted(node.value)
            info = scope.file.classes.get(scope.class_name) if base in ("self", "cls") else None
            if info is not None:
                values = info.values.get(node.attr)
                if values and len(values) == 1:
                    return self._literal(values[0], scope, depth - 1)
            return self._literal_of(scope.file.imports.get(base, base).rpartition(".")[2], node.attr, depth)
        return None

    def _literal_of(self, module: str, name: str, depth: int) -> Optional[ast.expr]:
        for file in self._modules.get(module, ()):
            values = file.constants.get(name)
            if values and len(values) == 1:
                return self._literal(values[0], _module_scope(file), depth - 1)
        return None

    def _elements(self, node: ast.expr, scope: Scope, depth: int) -> Optional[List[ast.expr]]:
        """The elements of a list that is written down somewhere; ``None`` of any other."""
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            if called in ("list", "tuple", "set", "sorted", "frozenset") and len(node.args) == 1:
                return self._elements(node.args[0], scope, depth - 1)
            method = called.rpartition(".")[2]
            if method in ("keys", "values", "items") and isinstance(node.func, ast.Attribute):
                literal = self._literal(node.func.value, scope, depth)
                if isinstance(literal, ast.Dict) and method != "items":
                    picked = literal.keys if method == "keys" else literal.values
                    return [one for one in picked if one is not None]
            return None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = (
                self._elements(node.left, scope, depth - 1),
                self._elements(node.right, scope, depth - 1),
            )
            return None if left is None or right is None else left + right
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            return [node.elt]
        literal = self._literal(node, scope, depth)
        if isinstance(literal, (ast.List, ast.Tuple, ast.Set)):
            found: List[ast.expr] = []
            for one in literal.elts:
                if isinstance(one, ast.Starred):
                    inner = self._elements(one.value, scope, depth - 1)
                    if inner is None:
                        return None
                    found += inner
                else:
                    found.append(one)
            return found
        if isinstance(literal, ast.Dict):
            return [key for key in literal.keys if key is not None]
        return None


def _module_scope(file: SourceFile) -> Scope:
    return Scope(file, values=file.constants)


def _expanded(name: str) -> str:
    """As :meth:`charms.reactive.Endpoint.expand_name` has it."""
    if name.startswith(HOLE) or _PLACEHOLDERS.search(name):
        return name
    return "endpoint.%s.%s" % (ENDPOINT, name)


def _simplified(name: str) -> str:
    return re.sub(r"\*+", HOLE, name)


def _returns(function: Function) -> List[ast.expr]:
    node = function.node
    if node is None:
        return []
    found: List[ast.expr] = []
    stack: List[ast.AST] = list(node.body)
    while stack:
        inner = stack.pop()
        if isinstance(inner, ast.Return):
            if inner.value is None:
                return []
            found.append(inner.value)
        elif isinstance(inner, ast.stmt) and not isinstance(
            inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            stack.extend(ast.iter_child_nodes(inner))
        elif isinstance(inner, ast.ExceptHandler):
            stack.extend(inner.body)
    return found


def _default(node: Any, name: str) -> Optional[ast.expr]:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    for argument, value in zip(reversed(positional), reversed(arguments.defaults)):
        if argument.arg == name:
            return value  # type: ignore[no-any-return]
    for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults):
        if argument.arg == name:
            return value  # type: ignore[no-any-return]
    return None
