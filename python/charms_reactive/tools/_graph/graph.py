"""The graph of a charm: handlers, flags, endpoints and other functions, and what each has to do with the
others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

from charms_reactive.errors import ReactiveError
from charms_reactive.tools._charm.knowledge import Reading
from charms_reactive.tools._charm.known import automatic_flags
from charms_reactive.tools._charm.model import CallSite, Decorator, Function, Handler, Place
from charms_reactive.tools._charm.names import HOLE, NameIndex, nearest, overlap
from charms_reactive.tools._lint.loops import ping_pongs, trigger_cycles
from charms_reactive.tools._lint.report import sentence
from charms_reactive.tools._lint.rules import Finding

__all__ = ["Edge", "Graph", "GraphError", "Node", "graph_of"]


class GraphError(ReactiveError):
    """A graph cannot be drawn as asked."""


@dataclass
class Node:
    """A handler, a flag, an endpoint, or another function that changes flags.

    Attributes:
        id: unique in the graph.
        kind: ``handler``, ``flag``, ``endpoint`` or ``function``.
        label: for people.
        place: where it stands; of a flag, where it is set first.
        about: what else there is to say, a line each.
        findings: what the linter has to say of it.
        automatic: the framework sets this flag.
    """

    id: str
    kind: str
    label: str
    place: Optional[Place] = None
    about: List[str] = field(default_factory=list)
    findings: List[str] = field(default_factory=list)
    automatic: bool = False


@dataclass
class Edge:
    """What one node has to do with another.

    Attributes:
        source, target: ids of nodes.
        kind: of a flag that a handler waits for ``all``, ``any``, ``none``, ``not_all`` or ``edge``; else
            ``sets``, ``clears`` or ``toggles``; ``asks``; ``serves`` of an endpoint.
        maybe: it does so only sometimes, as far as the code tells.
        trigger: a trigger does it.
        cycle: it is a part of a cycle that never ends.
    """

    source: str
    target: str
    kind: str
    maybe: bool = False
    trigger: bool = False
    cycle: bool = False


@dataclass
class Graph:
    """Nodes by their ids, in order, and edges."""

    name: str
    nodes: Dict[str, Node] = field(default_factory=dict)
    edges: List[Edge] = field(default_factory=list)

    def around(self, name: str, depth: int) -> Graph:
        """What is at most so many steps from a node that is named.

        Raises:
            GraphError: there is no such node.
        """
        start = self.named(name)
        near: Dict[str, Set[str]] = {}
        for edge in self.edges:
            near.setdefault(edge.source, set()).add(edge.target)
            near.setdefault(edge.target, set()).add(edge.source)
        kept = set(start)
        edge_of_it = set(start)
        for _ in range(depth):
            edge_of_it = {other for one in edge_of_it for other in near.get(one, ())} - kept
            kept |= edge_of_it
        return Graph(
            self.name,
            {id: node for id, node in self.nodes.items() if id in kept},
            [edge for edge in self.edges if edge.source in kept and edge.target in kept],
        )

    def named(self, name: str) -> List[str]:
        """The ids of the nodes of a name: that of a flag, of a function, or a handler's id.

        Raises:
            GraphError: there is none.
        """
        found = [
            node.id for node in self.nodes.values() if name in (node.label, node.id.partition(" ")[2])
        ] or [node.id for node in self.nodes.values() if node.id.rpartition(":")[2] == name]
        if not found:
            meant = nearest(name, {node.label for node in self.nodes.values()}, 0.6)
            raise GraphError(
                "there is no handler, flag or endpoint %r%s"
                % (name, "; did you mean %s?" % meant if meant else "")
            )
        return found


def graph_of(reading: Reading, findings: Sequence[Finding] = ()) -> Graph:
    """The graph of a charm that was read, with what the linter has found in it."""
    return _Builder(reading, findings).graph


class _Builder:
    def __init__(self, reading: Reading, findings: Sequence[Finding]) -> None:
        self._reading = reading
        self.graph = Graph(reading.declared.name)
        self._automatic = NameIndex(automatic_flags(reading.declared))
        self._edges: Dict[Tuple[str, str, str], Edge] = {}
        self._called_by_name = _functions_by_name(reading)
        self._literals = {use.name for use in reading.uses if HOLE not in use.name}
        for handler in reading.handlers:
            self._handler(handler)
        self._others()
        self._triggers()
        self._endpoints()
        self._mark_cycles()
        self._mark_findings(findings)
        self.graph.edges = list(self._edges.values())

    # -- nodes and edges ----------------------------------------------------------------------------
    def _flag(self, name: str, place: Optional[Place] = None) -> str:
        id = "flag " + name
        node = self.graph.nodes.get(id)
        if node is None:
            node = self.graph.nodes[id] = Node(id, "flag", name, automatic=name in self._automatic)
        if node.place is None:
            node.place = place
        return id

    def _edge(
        self, source: str, target: str, kind: str, *, maybe: bool = False, trigger: bool = False
    ) -> None:
        edge = self._edges.get((source, target, kind))
        if edge is None:
            self._edges[source, target, kind] = Edge(source, target, kind, maybe, trigger)
        else:
            edge.maybe = edge.maybe and maybe

    def _handler(self, handler: Handler) -> None:
        id = "handler " + handler.id
        node = Node(id, "handler", handler.name, handler.place)
        self.graph.nodes[id] = node
        for hook, _ in handler.hooks:
            node.about.append("@hook(%r)" % hook)
        for action, _ in handler.actions:
            node.about.append("@action(%r)" % action)
        node.about += handler.predicates
        for condition in handler.conditions:
            node.about.append("@%s(%s)" % (condition.decorator, ", ".join(map(repr, condition.flags))))
            for flag in condition.flags:
                for name in self._meant(flag):
                    self._edge(self._flag(name), id, condition.kind)
        if handler.function is not None:
            self._changes(id, handler.function, handler.endpoint)

    def _changes(self, id: str, function: Function, endpoint: Optional[str]) -> None:
        for use in function.uses:
            kind = _KINDS.get(use.how)
            if kind is not None and use.name != HOLE and _is_of(use.name, endpoint):
                maybe = not use.certain and function.node is not None
                for name in self._meant(use.name):
                    if kind == "asks":
                        flag = self._flag(name)
                        # Whoever waits for a flag knows it, whatever else is asked.
                        if not any((flag, id, waits) in self._edges for waits in _WAITS):
                            self._edge(flag, id, kind, maybe=True)
                    else:
                        self._edge(id, self._flag(name, use.place), kind, maybe=maybe)
        for other in self._called(function):
            for use in other.uses:
                kind = _KINDS.get(use.how)
                if kind is not None and kind != "asks" and use.name != HOLE:
                    for name in self._meant(use.name):
                        self._edge(id, self._flag(name, use.place), kind, maybe=True)

    def _called(self, function: Function) -> List[Function]:
        """The functions of the charm that one calls, and those that these call."""
        seen: Dict[int, Function] = {}
        stack = [function]
        while stack and len(seen) < 50:
            for site in stack.pop().calls:
                if site.of not in ("local", "method"):
                    continue
                for other in self._called_by_name.get(site.name, ()):
                    if id(other) not in seen and other is not function and _may_be(site, other):
                        seen[id(other)] = other
                        stack.append(other)
        return list(seen.values())

    def _meant(self, name: str) -> List[str]:
        """The names that a pattern stands for, if there are any; else itself."""
        if HOLE not in name:
            return [name]
        found = sorted(one for one in self._literals if overlap(name, one))
        return found[:20] if 0 < len(found) <= 20 else [name]

    def _others(self) -> None:
        """Functions that change flags and belong to no handler, such as ``manage_flags`` of an endpoint."""
        reached: Set[int] = set()
        for handler in self._reading.handlers:
            if handler.function is not None:
                reached.add(id(handler.function))
                reached.update(id(one) for one in self._called(handler.function))
        for file in self._reading.files:
            for function in file.functions:
                if id(function) in reached or not any(use.how in _CHANGES for use in function.uses):
                    continue
                name = (function.class_name + "." if function.class_name else "") + function.name
                node_id = "function %s:%d:%s" % (file.path, function.first_line, function.name)
                self.graph.nodes[node_id] = Node(node_id, "function", name + "()", function.place)
                self._changes(node_id, function, None)

    def _triggers(self) -> None:
        for trigger in self._reading.triggers:
            started = trigger.when or trigger.when_not
            if not started or started == HOLE:
                continue
            kind = "all" if trigger.when else "none"
            for flag, what in ((trigger.set_flag, "sets"), (trigger.clear_flag, "clears")):
                if flag and flag != HOLE:
                    source = self._flag(started)
                    self._edge(source, self._flag(flag, trigger.place), what, trigger=True)
                    when = "set" if kind == "all" else "cleared"
                    about = "a trigger: when it is %s, %s %s" % (when, what, flag)
                    node = self.graph.nodes[source]
                    if about not in node.about:
                        node.about.append(about)

    def _endpoints(self) -> None:
        for endpoint in self._reading.declared.endpoints.values():
            id = "endpoint " + endpoint.name
            flags = [
                node.id
                for node in self.graph.nodes.values()
                if node.kind == "flag"
                and (
                    node.label.startswith("endpoint.%s." % endpoint.name)
                    or (
                        node.label.startswith(endpoint.name + ".")
                        and not any(edge.target == node.id for edge in self._edges.values())
                    )
                )
            ]
            served = [
                "handler " + handler.id
                for handler in self._reading.handlers
                if handler.endpoint == endpoint.name
            ]
            if not flags and not served:
                continue
            about = ["%s: interface %s" % (endpoint.role, endpoint.interface)]
            self.graph.nodes[id] = Node(id, "endpoint", endpoint.name, endpoint.place, about)
            for flag in flags:
                self._edge(id, flag, "serves")

    # -- marks --------------------------------------------------------------------------------------
    def _mark_cycles(self) -> None:
        for ring in ping_pongs(self._reading):
            members = {"handler " + handler.id for handler, _ in ring}
            flags = {
                other
                for source, target, _ in self._edges
                for one, other in ((source, target), (target, source))
                if one in members and other.startswith("flag ")
            }
            leads = {
                target
                for source, target, kind in self._edges
                if source in members and kind in ("sets", "clears")
            }
            for edge in self._edges.values():
                inside = (edge.source in members and edge.target in flags) or (
                    edge.target in members and edge.source in leads
                )
                edge.cycle = edge.cycle or inside
        for triggers in trigger_cycles(self._reading.triggers):
            for trigger, _ in triggers:
                for flag in (trigger.set_flag, trigger.clear_flag):
                    for edge in self._edges.values():
                        if edge.trigger and edge.source == "flag %s" % (trigger.when or trigger.when_not):
                            edge.cycle = edge.cycle or edge.target == "flag %s" % flag

    def _mark_findings(self, findings: Iterable[Finding]) -> None:
        by_place: Dict[Tuple[str, int], List[Node]] = {}
        for handler in self._reading.handlers:
            node = self.graph.nodes["handler " + handler.id]
            lines = {handler.place.line, *(one.place.line for one in _decorators(handler))}
            if handler.function is not None and handler.function.node is not None:
                last = handler.function.node.end_lineno or handler.place.line
                lines.update(range(handler.place.line, last + 1))
            for line in lines:
                by_place.setdefault((handler.place.file, line), []).append(node)
        for finding in findings:
            words = "%s: %s" % (finding.code, sentence(finding))
            for node in by_place.get((finding.place.file, finding.place.line), ()):
                if words not in node.findings:
                    node.findings.append(words)
            for flag in self.graph.nodes.values():
                if flag.kind == "flag" and repr(flag.label) in finding.message and words not in flag.findings:
                    flag.findings.append(words)


_KINDS = {"set": "sets", "clear": "clears", "toggle": "toggles", "read": "asks", "relation": "asks"}
_WAITS = ("all", "any", "none", "not_all", "edge")
_CHANGES = ("set", "clear", "toggle")


def _may_be(site: CallSite, function: Function) -> bool:
    """Whether a call is one of a function of its name: by itself, of its module, or of an object of its
    class.
    """
    if site.of == "local":
        return not function.class_name
    base = site.base.rpartition(".")[2]
    return bool(function.class_name) or function.file.module.rpartition(".")[2] == base


def _decorators(handler: Handler) -> Iterable[Decorator]:
    return handler.function.decorators if handler.function is not None else ()


def _is_of(flag: str, endpoint: Optional[str]) -> bool:
    """Whether a handler that serves one endpoint changes a flag of that one."""
    if endpoint is None:
        return True
    return endpoint in flag.split(".")


def _functions_by_name(reading: Reading) -> Dict[str, List[Function]]:
    found: Dict[str, List[Function]] = {}
    for file in reading.files:
        for function in file.functions:
            if function.uses or function.calls:
                found.setdefault(function.name, []).append(function)
    # Of a name that many functions have, nobody knows which one is called.
    return {name: functions for name, functions in found.items() if len(functions) <= 3}
