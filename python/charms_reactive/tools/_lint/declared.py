"""Rules about what a charm declares in its files of YAML, and hooks that Juju has."""

from __future__ import annotations

import ast
import re
from typing import Collection, Iterator, List, Optional, Set, Tuple

from charms_reactive._juju.hook_names import (
    RELATION_EVENTS,
    STORAGE_EVENTS,
    UNIT_HOOKS,
    WORKLOAD_EVENTS,
)
from charms_reactive.tools._charm.knowledge import Reading
from charms_reactive.tools._charm.model import Decorator, Place, SourceFile
from charms_reactive.tools._charm.names import HOLE, nearest
from charms_reactive.tools._charm.syntax import dotted, place_of

from .rules import ERROR, Finding, Rule, Settings, rule

_OPTION_FLAG = re.compile(r"config\.(?:changed|set|default)\.(.+)")


def said(reading: Reading, name: str, known: Collection[str]) -> Tuple[bool, Optional[str]]:
    """Whether an undeclared name is worth telling of, and the one that was meant.

    Of a charm that is not built, other layers may declare names; then only a slip of the pen is.
    """
    meant = nearest(name, known)
    return reading.declares_all or (meant is not None and nearest(name, known, 0.85) is not None), meant


# -- options ------------------------------------------------------------------------------------------
@rule("CR201", "undeclared-option", ERROR, "a configuration option that config.yaml does not have")
def option(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A flag `config.changed.NAME`, `config.set.NAME` or `config.default.NAME`, or
    `hookenv.config("NAME")`, is of an option that config.yaml does not declare.

    The flag is never set, and the function returns None. Where layers are missing, one of which may declare
    the option, only a name that nearly is one of the charm's is told of.
    """
    declared = reading.declared
    if declared.kind != "charm" or any(place.file == "config.yaml" for place, _ in declared.errors):
        return
    setters = {use.name for use in reading.uses if use.how in ("set", "toggle", "triggered-set")}
    seen: Set[Place] = set()
    for use in reading.uses:
        match = _OPTION_FLAG.fullmatch(use.name)
        if match is None or HOLE in use.name or "{" in use.name or use.name in setters or use.place in seen:
            continue
        if match.group(1) in declared.options or use.how not in ("condition", "read", "trigger"):
            continue
        tell, meant = said(reading, match.group(1), declared.options)
        if tell and (meant or use.how == "condition"):
            seen.add(use.place)
            yield option.at(
                use.place,
                "the flag %r is of an option that config.yaml does not have" % use.name,
                use.name[: match.start(1)] + meant if meant else None,
            )
    for place, name in _asked_options(reading):
        if name in declared.options or place in seen:
            continue
        tell, meant = said(reading, name, declared.options)
        if tell and meant:
            yield option.at(place, "config.yaml has no option %r" % name, meant)


def _asked_options(reading: Reading) -> Iterator[Tuple[Place, str]]:
    """The options that the charm's own handlers ask ``hookenv.config`` for."""
    for file in reading.files:
        if not file.discovered or file.tree is None:
            continue
        for function in file.functions:
            for decorator in function.decorators:
                if decorator.name == "when_changed":
                    yield from _options_of(decorator, file)
        for site in file.calls:
            if site.of == "hookenv" and site.name == "config":
                yield from _literal(site.node.args[:1], file)
        if not any(site.of == "hookenv" and site.name == "config" for site in file.calls):
            continue
        for node in ast.walk(file.tree):
            if (
                isinstance(node, ast.Subscript)
                and _is_config(node.value, file)
                and isinstance(node.ctx, ast.Load)
            ):
                key = getattr(node.slice, "value", node.slice)
                if isinstance(key, ast.Constant):
                    yield from _literal([key], file)
                elif isinstance(key, str):
                    yield from _literal([node.slice], file)
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("get", "changed", "previous")
                and _is_config(node.func.value, file)
            ):
                yield from _literal(node.args[:1], file)


def _options_of(decorator: Decorator, file: SourceFile) -> Iterator[Tuple[Place, str]]:
    for word in getattr(decorator.node, "keywords", ()):
        if word.arg == "config":
            many = isinstance(word.value, (ast.List, ast.Tuple, ast.Set))
            yield from _literal(word.value.elts if many else [word.value], file)


def _is_config(node: ast.expr, file: SourceFile) -> bool:
    if isinstance(node, ast.Call) and not node.args:
        return dotted(node.func) in ("hookenv.config", "config") and (
            file.imports.get(dotted(node.func).partition(".")[0], "").startswith("charmhelpers")
        )
    if isinstance(node, ast.Name) and node.id in ("config", "cfg"):
        values = [
            value
            for site in file.calls
            if site.env is not None and site.env.function is not None
            for value in site.env.values.get(node.id, ())
        ]
        return bool(values) and all(
            isinstance(value, ast.Call) and _is_config(value, file) for value in values
        )
    return False


def _literal(nodes: List[ast.expr], file: SourceFile) -> Iterator[Tuple[Place, str]]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield place_of(node, file), node.value


# -- endpoints ----------------------------------------------------------------------------------------
@rule("CR202", "undeclared-endpoint", ERROR, "an endpoint that metadata.yaml does not have")
def endpoint(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A flag `endpoint.NAME.…`, a hook `NAME-relation-…`, or a call such as `endpoint_from_name("NAME")` is
    about an endpoint that metadata.yaml does not declare.

    The flag is never set, the hook never runs, and the call returns None.
    """
    declared = reading.declared
    if declared.kind != "charm" or any(place.file == "metadata.yaml" for place, _ in declared.errors):
        return
    setters = {use.name for use in reading.uses if use.how in ("set", "toggle", "triggered-set")}
    for place, name, what in _asked_endpoints(reading, setters):
        if name in declared.endpoints or HOLE in name or "{" in name or name == "juju-info":
            continue
        tell, meant = said(reading, name, declared.endpoints)
        if tell:
            yield endpoint.at(place, "%s is of an endpoint that metadata.yaml does not have" % what, meant)


def _asked_endpoints(reading: Reading, setters: Set[str]) -> Iterator[Tuple[Place, str, str]]:
    seen: Set[Place] = set()
    for use in reading.uses:
        parts = use.name.split(".")
        if (
            (
                parts[0] == "endpoint"
                and len(parts) > 2
                and use.how in ("condition", "read", "trigger", "relation")
            )
            and use.name not in setters
            and use.place not in seen
            and "*" not in parts[1]
        ):
            seen.add(use.place)
            yield use.place, parts[1], "the flag %r" % use.name
    for handler in reading.handlers:
        for hook, place in handler.hooks:
            for name in expanded(hook):
                base, found, event = name.rpartition("-relation-")
                if found and event in RELATION_EVENTS and place not in seen:
                    seen.add(place)
                    yield place, base, "the hook %r" % name
    for file in reading.files:
        for site in file.calls:
            if (site.of, site.name) in _BY_NAME and file.discovered and site.node.args:
                for place, name in _literal(site.node.args[:1], file):
                    yield place, name, "%s(%r)" % (site.name, name)


_BY_NAME = frozenset(
    [
        ("framework", "endpoint_from_name"),
        ("framework", "relation_from_name"),
        ("hookenv", "relation_ids"),
        ("hookenv", "relations_of_type"),
    ]
)

_CHOICE = re.compile(r"\{([^{}:]*)\}")


def expanded(hook: str) -> List[str]:
    """The names that a pattern of ``@hook`` stands for; those by role and interface as they are."""
    match = _CHOICE.search(hook)
    if match is None:
        return [hook]
    return [
        name
        for choice in match.group(1).split(",")
        for name in expanded(hook[: match.start()] + choice.strip() + hook[match.end() :])
    ]


@rule("CR203", "undeclared-action", ERROR, "an action that actions.yaml does not have, or that has no code")
def action(reading: Reading, _: Settings) -> Iterator[Finding]:
    """`@action("NAME")` is of an action that actions.yaml does not declare, so that it never runs; or a
    whole charm declares an action for which it has neither a file in actions/ nor a handler, so that it
    fails.
    """
    declared = reading.declared
    if declared.kind != "charm":
        return
    handled: Set[str] = set()
    for handler in reading.handlers:
        for name, place in handler.actions:
            handled.add(name)
            if HOLE in name or name in declared.actions:
                continue
            tell, meant = said(reading, name, declared.actions)
            if tell:
                yield action.at(place, "actions.yaml has no action %r" % name, meant)
    # What dispatch does with an action only it knows; without handlers of actions it may do so itself.
    if not reading.whole or ((reading.root / "dispatch").exists() and not handled):
        return
    for name, place in declared.actions.items():
        file = reading.root / "actions" / name
        if name not in handled and not file.exists() and (handled or declared.built):
            there = (
                [entry.name for entry in (reading.root / "actions").iterdir()]
                if (reading.root / "actions").is_dir()
                else []
            )
            meant = nearest(name, [*there, *handled])
            yield action.at(
                place, "the action %r has no code: neither actions/%s nor a handler" % (name, name), meant
            )


@rule("CR204", "missing-interface", ERROR, "an interface of which there is no layer")
def interface(reading: Reading, _: Settings) -> Iterator[Finding]:
    """Handlers of a built charm wait for flags of an endpoint for whose interface no layer is in
    hooks/relations; or an interface in metadata.yaml or layer.yaml is nearly, and not quite, the name of
    one that is there.

    Without the layer nobody sets the flags of the endpoint.
    """
    declared = reading.declared
    there = {file.interface for file in reading.files if file.interface}
    wanted = {one.interface for one in declared.endpoints.values()}
    included = {name.partition(":")[2] for name, _ in declared.includes if name.startswith("interface:")}
    waited = {
        parts[1] if parts[0] == "endpoint" and len(parts) > 1 else parts[0]
        for handler in reading.handlers
        for parts in [flag.split(".") for flag in handler.flags]
    }
    for one in declared.endpoints.values():
        roles = {file.role for file in reading.files if file.interface == one.interface}
        if one.interface in there and ("*" in roles and not roles & {"requires", "provides", "peers"}):
            continue
        if one.interface in there and one.role in roles:
            continue
        if one.interface in included:
            continue
        # What no endpoint is of is there for nothing, and so was probably meant.
        meant = nearest(one.interface, there - wanted) if one.interface not in there else None
        if meant is not None:
            yield interface.at(
                one.place,
                "there is no layer of the interface %r of the endpoint %r" % (one.interface, one.name),
                meant,
            )
        elif declared.built and one.name in waited and one.interface not in there:
            yield interface.at(
                one.place,
                "handlers wait for flags of the endpoint %r, and there is no hooks/relations/%s/%s.py"
                % (one.name, one.interface, one.role),
            )
    for name, place in declared.includes:
        kind, layer = name.partition(":")[::2]
        if kind == "interface" and declared.kind == "charm" and layer not in wanted:
            meant = nearest(layer, wanted - included - there)
            if meant is not None:
                yield interface.at(place, "no endpoint is of the interface %r" % layer, "interface:" + meant)


@rule("CR205", "undeclared-storage", ERROR, "a storage that metadata.yaml does not have")
def storage(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A hook `NAME-storage-…` or `storage_list("NAME")` is about a storage that metadata.yaml does not
    declare.
    """
    yield from _named(
        reading,
        storage,
        "storage",
        set(reading.declared.storages),
        "-storage-",
        STORAGE_EVENTS,
        ("storage_list",),
    )


@rule("CR206", "undeclared-resource", ERROR, "a resource that metadata.yaml does not have")
def resource(reading: Reading, _: Settings) -> Iterator[Finding]:
    """`resource_get("NAME")` is about a resource that metadata.yaml does not declare: the hook tool fails."""
    yield from _named(
        reading, resource, "resource", set(reading.declared.resources), "", (), ("resource_get",)
    )


def _named(
    reading: Reading,
    made: Rule,
    kind: str,
    known: Set[str],
    between: str,
    events: Tuple[str, ...],
    calls: Tuple[str, ...],
) -> Iterator[Finding]:
    if reading.declared.kind != "charm" or "metadata.yaml" not in reading.declared.files:
        return
    asked: List[Tuple[Place, str]] = []
    for handler in reading.handlers:
        for hook, place in handler.hooks:
            base, found, event = hook.rpartition(between) if between else ("", "", "")
            if found and event in events:
                asked.append((place, base))
    for file in reading.files:
        for site in file.calls:
            if site.of == "hookenv" and site.name in calls:
                asked += _literal(site.node.args[:1], file)
    for place, name in dict.fromkeys(asked):
        if name in known or HOLE in name or "{" in name:
            continue
        tell, meant = said(reading, name, known)
        if tell:
            yield made.at(place, "metadata.yaml has no %s %r" % (kind, name), meant)


@rule("CR207", "damaged-declaration", ERROR, "a file of YAML that Juju or the framework cannot read")
def damaged(reading: Reading, _: Settings) -> Iterator[Finding]:
    """metadata.yaml, config.yaml, actions.yaml or layer.yaml is no YAML, or not of the shape that is
    needed.
    """
    for place, message in reading.declared.errors:
        yield damaged.at(place, "%s %s" % (place.file, message))


# -- hooks --------------------------------------------------------------------------------------------
@rule("CR301", "unknown-hook", ERROR, "@hook of a name that is nearly that of a hook")
def unknown_hook(reading: Reading, _: Settings) -> Iterator[Finding]:
    """`@hook` names a hook that Juju does not have, and nearly has. A charm may run files of its own under
    any name, so that what is not nearly a hook of Juju's is not told of.
    """
    declared = reading.declared
    names = set(UNIT_HOOKS)
    names.update("%s-relation-%s" % (name, event) for name in declared.endpoints for event in RELATION_EVENTS)
    names.update("%s-storage-%s" % (name, event) for name in declared.storages for event in STORAGE_EVENTS)
    names.update("%s-%s" % (name, event) for name in declared.containers for event in WORKLOAD_EVENTS)
    seen: Set[Tuple[Place, str]] = set()
    for handler in reading.handlers:
        for hook, place in handler.hooks:
            for name in expanded(hook):
                if name in names or HOLE in name or (place, name) in seen or _is_of_kind(name):
                    continue
                seen.add((place, name))
                if "{" in name:
                    yield from _odd_pattern(name, place)
                    continue
                meant = nearest(name, names)
                if meant is not None and not (reading.root / "hooks" / name).exists():
                    yield unknown_hook.at(place, "Juju has no hook %r for this charm" % name, meant)


def _is_of_kind(name: str) -> bool:
    """Whether a name ends as hooks of an endpoint, a storage or a container do; other rules look at those."""
    return any(
        name.endswith(one)
        for one in (
            *("-relation-" + event for event in RELATION_EVENTS),
            *("-storage-" + event for event in STORAGE_EVENTS),
            *("-" + event for event in WORKLOAD_EVENTS),
        )
    )


_BY_INTERFACE = re.compile(r"\{(requires|provides|peers):[\w.-]+\}-relation-(.*)")


def _odd_pattern(name: str, place: Place) -> Iterator[Finding]:
    match = _BY_INTERFACE.fullmatch(name)
    if match is not None:
        event = match.group(2)
        if event not in RELATION_EVENTS:
            meant = nearest(event, RELATION_EVENTS, 0.6)
            yield unknown_hook.at(
                place,
                "Juju has no relation hook %r" % event,
                name[: match.start(2)] + meant if meant else None,
            )


@rule("CR302", "hook-with-flags", ERROR, "@hook or @action above a function that waits for flags, too")
def hook_with_flags(reading: Reading, _: Settings) -> Iterator[Finding]:
    """`@hook` or `@action` stands above the same function as `@when` or one of its kin, so that it never
    runs.

    Handlers of hooks and actions run before flags are looked at. Ask for the flag in the function, or let
    the hook's handler set a flag that another handler waits for.
    """
    seen: Set[Tuple[str, int]] = set()
    for handler in reading.handlers:
        waiting = [one for one in handler.conditions if one.kind != "edge"]
        if not waiting or not (handler.hooks or handler.actions):
            continue
        key = handler.place.file, handler.place.line
        if key in seen:
            continue
        seen.add(key)
        what = "@hook" if handler.hooks else "@action"
        place = (handler.hooks or handler.actions)[0][1]
        message = "%s never runs: %s and @%s cannot both hold" % (
            handler.name,
            what,
            waiting[0].decorator,
        )
        yield hook_with_flags.at(place, message)
