"""A charm, read: its files, handlers, flags and declarations, of which all tools are made."""

from __future__ import annotations

import ast
import os
import re
import stat
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple, Union

from .declared import Declared, charm_root, declared_in
from .knowledge import EDGES, KINDS, NoCharmError, Reading, add_edges
from .model import CallSite, Condition, Decorator, FlagUse, Function, Handler, Place, SourceFile, Trigger
from .names import ENDPOINT, HOLE, in_common
from .scripts import looks_like_script, module_name, read_script
from .syntax import FLAG_CALLS, Scope, place_of, read_python

__all__ = ["read"]


# -- reading ----------------------------------------------------------------------------------------
def read(directory: Union[str, os.PathLike[str]], *, load: bool = True, timeout: float = 30.0) -> Reading:
    """Read a charm, a layer or an interface layer.

    Args:
        directory: of it, or of a project that has it in ``src``.
        load: whether to load its handlers on the desk, in a process of its own; else only its syntax is read.
        timeout: seconds that loading may take.

    Raises:
        NoCharmError: there is nothing of the kind.
    """
    root = charm_root(os.fspath(directory))
    if not root.is_dir():
        raise NoCharmError("there is no directory %s" % directory)
    declared = declared_in(root)
    paths = list(_paths(root, declared))
    has_code = any(discovered for _, discovered in paths)
    if not declared.files and not has_code:
        raise NoCharmError(
            "%s holds no charm, layer or interface layer: it has no metadata.yaml, layer.yaml, interface.yaml"
            " or reactive/" % root
        )
    loading = None
    if load and has_code:
        from .loading import Loading  # only those pay for it who ask

        loading = Loading(root, declared, timeout)
    try:
        files = [file for file in (_read_file(root, path, declared, found) for path, found in paths) if file]
        reading = Reading(root, declared, files)
        _use_meanings(reading)
        _handlers_by_syntax(reading)
        if loading is not None:
            loading.merge_into(reading)
    finally:
        if loading is not None:
            loading.end()
    _place_conditions(reading)
    return reading


_DISCOVERED = ("reactive", "hooks/reactive", "hooks/relations")
_READ = ("reactive", "hooks", "lib", "actions", "bin", "files", "scripts")
_PASSED_OVER = frozenset(
    ["__pycache__", "tests", "unit_tests", "test", "wheelhouse", "venv", "node_modules", "build", "dist"]
)
# Copies of libraries, which are not the charm's to mend, and which set no flags.
_LIBRARIES = ("lib/charmhelpers", "hooks/charmhelpers", "lib/charms/reactive", "lib/charms_reactive")
_LARGEST = 2_000_000


def _paths(root: Path, declared: Declared) -> Iterator[Tuple[str, bool]]:
    """The files of code below a directory, and whether the framework looks for handlers in each."""
    if declared.kind == "interface" or (declared.kind == "layer" and "interface.yaml" in declared.files):
        for name in sorted(os.listdir(root)):
            if name.endswith(".py") and name != "setup.py" and (root / name).is_file():
                yield name, name[:-3] in ("requires", "provides", "peers")
    for top in _READ:
        stack = [root / top]
        while stack:
            directory = stack.pop()
            try:
                entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                path = os.path.relpath(entry.path, root).replace(os.sep, "/")
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _PASSED_OVER and entry.name[:1] != "." and path not in _LIBRARIES:
                        stack.append(Path(entry.path))
                elif not entry.name.startswith("."):
                    yield path, path.startswith(tuple(one + "/" for one in _DISCOVERED))


def _read_file(root: Path, path: str, declared: Declared, discovered: bool) -> Optional[SourceFile]:
    full = root / path
    suffix = os.path.splitext(path)[1]
    if suffix not in ("", ".py", ".sh", ".bash"):
        return None
    try:
        status = full.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None
        data = full.read_bytes()
    except OSError:
        return None
    kind = "python" if suffix == ".py" else ""
    if not kind:
        if re.match(rb"#![^\n]*(?:python|charm-env)", data):
            kind = "python"
        elif looks_like_script(path, data) or (discovered and b"\nreactive_handler_main" in data):
            kind = "bash"
        else:
            return None
    file = SourceFile(path, data.decode("utf-8", "surrogateescape"), kind)
    file.executable = bool(status.st_mode & 0o111)
    file.discovered = discovered
    file.module = module_name(path)
    _place_in_layers(file, declared)
    if kind == "python":
        read_python(file)
    else:
        read_script(file)
    return file


_LAYER_FILE = re.compile(r"(?:hooks|reactive)/relations/([^/]+)/(?:.*/)?([^/]+)\.py")


def _place_in_layers(file: SourceFile, declared: Declared) -> None:
    match = _LAYER_FILE.fullmatch(file.path)
    if match:
        file.interface, name = match.groups()
    elif declared.kind == "interface" and "/" not in file.path:
        file.interface, name = declared.name, file.path[:-3]
    else:
        return
    file.role = name if name in ("requires", "provides", "peers") else "*"


# -- flags ------------------------------------------------------------------------------------------
def _use_meanings(reading: Reading) -> None:
    """Find out which flags the calls of the code are about."""
    for file in reading.files:
        if file.kind == "bash":
            reading.uses += file.uses
            reading.triggers += _bash_triggers(file)
            continue
        for site in file.calls:
            if site.of not in ("framework", "method"):
                continue
            if site.name == "register_trigger":
                _trigger(reading, file, site.node, site.env, site.function, site.place)
            elif site.name in FLAG_CALLS and site.of == "framework":
                for name, place in _flags_of_call(reading, file, site):
                    for one in _for_endpoints(reading, file, name):
                        use = FlagUse(one, FLAG_CALLS[site.name], place, site.function, site.certain)
                        file.uses.append(use)
                        if site.function is not None:
                            site.function.uses.append(use)
        reading.uses += file.uses
        for function in file.functions:
            for decorator in function.decorators:
                _decorator_arguments(reading, file, function, decorator)


def _flags_of_call(reading: Reading, file: SourceFile, site: CallSite) -> Iterator[Tuple[str, Place]]:
    how = FLAG_CALLS[site.name]
    nodes = list(site.node.args)
    nodes += [word.value for word in site.node.keywords if word.arg in ("flag", "state", "flags")]
    if site.name not in _MANY:
        nodes = nodes[:1]
    named, unknown = reading.meaning.arguments(nodes, site.env)
    if unknown or (not nodes and how != "read"):
        named.append((HOLE, site.node))
    for name, node in named:
        place = place_of(node, file) if hasattr(node, "lineno") and node is not site.node else site.place
        yield name, place


_MANY = frozenset(["all_flags_set", "any_flags_set", "get_unset_flags", "all_states", "any_states"])


def _for_endpoints(reading: Reading, file: SourceFile, name: str) -> List[str]:
    """A flag of an interface layer, for each endpoint that the layer serves here."""
    if ENDPOINT not in name or not file.interface or reading.declared.kind == "interface":
        return [name]
    endpoints = reading.declared.endpoints_of(file.interface, file.role)
    return [name.replace(ENDPOINT, endpoint) for endpoint in endpoints]


def _trigger(
    reading: Reading,
    file: SourceFile,
    node: ast.Call,
    scope: Scope,
    function: Optional[Function],
    place: Place,
) -> None:
    parameters = ("when", "when_not", "set_flag", "clear_flag", "callback")
    given = dict(zip(parameters, node.args))
    given.update({word.arg: word.value for word in node.keywords if word.arg in parameters})
    names: Dict[str, List[Tuple[Optional[str], Place]]] = {}
    for parameter in parameters[:4]:
        value = given.get(parameter)
        if value is None or (getattr(value, "value", "") is None):
            names[parameter] = [(None, place)]
            continue
        at = place_of(value, file)
        names[parameter] = [
            (one, at)
            for name in reading.meaning.names(value, scope)
            for one in _for_endpoints(reading, file, name)
        ] or [(None, place)]
        how = {"set_flag": "triggered-set", "clear_flag": "triggered-clear"}.get(parameter, "trigger")
        for one, at in names[parameter]:
            if one is not None:
                use = FlagUse(one, how, at, function)
                file.uses.append(use)
    count = max(map(len, names.values()))
    for number in range(count):
        # Of several endpoints each has a trigger of its own.
        when, when_not, sets, clears = (
            values[number if len(values) == count else 0][0] for values in names.values()
        )
        reading.triggers.append(Trigger(when, when_not, sets, clears, place, "callback" in given))


def _bash_triggers(file: SourceFile) -> List[Trigger]:
    by_line: Dict[int, List[FlagUse]] = {}
    for use in file.uses:
        if use.how.startswith("trigger"):
            by_line.setdefault(use.place.line, []).append(use)
    found = []
    for uses in by_line.values():
        text = file.lines[uses[0].place.line - 1]
        started = [one for one in uses if one.how == "trigger"]
        when_not = "--when_not" in text
        name = started[0].name if started else None
        sets = next((one.name for one in uses if one.how == "triggered-set"), None)
        clears = next((one.name for one in uses if one.how == "triggered-clear"), None)
        found.append(
            Trigger(None if when_not else name, name if when_not else None, sets, clears, uses[0].place)
        )
    return found


def _decorator_arguments(
    reading: Reading, file: SourceFile, function: Function, decorator: Decorator
) -> None:
    if not decorator.name or not decorator.called or decorator.args:
        return
    scope = Scope(file, function.outer, Scope(file, values=file.constants), function.class_name)
    # The names that are known above the function, and not those within it.
    if function.class_name and function.class_name in file.classes:
        scope.values = file.classes[function.class_name].values
    nodes = decorator.node.args  # type: ignore[attr-defined]
    named, decorator.unknown = reading.meaning.arguments(nodes, scope)
    by_node: Dict[ast.expr, List[str]] = {}
    for name, node in named:
        by_node.setdefault(node, []).append(name)
    for node, names in by_node.items():
        place = place_of(node, file)
        # Of one that may be any of several it is one that is waited for, and not all.
        several = names if isinstance(node, ast.Starred) else [in_common(names)]
        decorator.args += [(name, place) for name in several]


# -- handlers ---------------------------------------------------------------------------------------
def _handlers_by_syntax(reading: Reading) -> None:
    for file in sorted(reading.files, key=_order):
        if not file.discovered and file.kind != "python":
            continue
        if file.kind == "bash" and not file.executable:
            continue
        for function in file.functions:
            reading.handlers += _handlers_of(reading, file, function)


def _order(file: SourceFile) -> Tuple[int, str]:
    for number, root in enumerate(_DISCOVERED):
        if file.path.startswith(root + "/"):
            return number, file.path
    return len(_DISCOVERED), file.path


_MAKES_HANDLER = frozenset(
    [
        *KINDS,
        *EDGES,
        "hook",
        "action",
        "when_file_changed",
        "when_changed",
        "once_per",
        "unless_hook",
        "only_once",
        "collect_metrics",
    ]
)


def _handlers_of(reading: Reading, file: SourceFile, function: Function) -> Iterator[Handler]:
    made = [
        one for one in function.decorators if one.name in _MAKES_HANDLER or one.name == "meter_status_changed"
    ]
    if not made:
        return
    endpoints: List[Optional[str]] = [None]
    if file.role in ("requires", "provides", "peers") and reading.declared.kind != "interface":
        endpoints = list(reading.declared.endpoints_of(file.interface, file.role))
        if not endpoints and not any(ENDPOINT in name for one in made for name, _ in one.args):
            endpoints = [None]
    for endpoint in endpoints:
        suffix = "" if endpoint is None else ":" + endpoint
        handler = Handler(
            "%s:%d:%s%s" % (file.path, function.first_line, function.name, suffix),
            function.name,
            function.place,
            function=function,
            endpoint=endpoint,
            shell=file.kind == "bash",
        )
        for decorator in reversed(made):
            _add(handler, decorator, endpoint)
        yield handler


def _add(handler: Handler, decorator: Decorator, endpoint: Optional[str]) -> None:
    name = decorator.name
    args = [
        (one.replace(ENDPOINT, endpoint) if endpoint is not None else one, place)
        for one, place in decorator.args
    ]
    if name in KINDS:
        flags = tuple(one for one, _ in args) + ((HOLE,) if decorator.unknown else ())
        places = tuple(place for _, place in args) + ((decorator.place,) if decorator.unknown else ())
        handler.conditions.append(Condition(KINDS[name], flags, places))
    elif name in EDGES:
        add_edges(handler, args)
        handler.predicates.append("@%s" % name)
    elif name == "hook":
        handler.hooks += args
    elif name == "action":
        handler.actions += args
    elif name in ("collect_metrics", "meter_status_changed"):
        handler.hooks.append((name.replace("_", "-"), decorator.place))
    else:
        handler.predicates.append("@%s" % name)


def _place_conditions(reading: Reading) -> None:
    """Note the conditions of the handlers among the uses of flags."""
    for handler in reading.handlers:
        for condition in handler.conditions:
            for flag, place in zip(condition.flags, condition.places):
                reading.uses.append(FlagUse(flag, "condition", place, handler.function))
    for file in reading.files:
        for function in file.functions:
            for decorator in function.decorators:
                if decorator.name == "not_unless":
                    for flag, place in decorator.args:
                        reading.uses.append(FlagUse(flag, "read", place, function))
