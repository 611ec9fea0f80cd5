"""A graph as text: JSON, Mermaid, and the language of graphviz."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List

from .graph import Edge, Graph, Node

__all__ = ["as_dot", "as_json", "as_mermaid", "document"]


def document(graph: Graph) -> Dict[str, Any]:
    """The graph as data, for JSON and for the page."""
    return {
        "charm": graph.name,
        "nodes": [
            {
                "id": node.id,
                "kind": node.kind,
                "label": node.label,
                "file": node.place.file if node.place else None,
                "line": node.place.line if node.place else None,
                "about": node.about,
                "findings": node.findings,
                "automatic": node.automatic,
            }
            for node in graph.nodes.values()
        ],
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                "kind": edge.kind,
                "maybe": edge.maybe,
                "trigger": edge.trigger,
                "cycle": edge.cycle,
            }
            for edge in graph.edges
        ],
    }


def as_json(graph: Graph) -> str:
    return json.dumps(document(graph), indent=2) + "\n"


#: What an edge says of itself; a flag that has to be set needs no word.
LABELS = {
    "all": "",
    "any": "any",
    "none": "not",
    "not_all": "not all",
    "edge": "becomes",
    "sets": "sets",
    "clears": "clears",
    "toggles": "toggles",
    "asks": "asks",
    "serves": "",
}


def label_of(edge: Edge) -> str:
    words = LABELS[edge.kind]
    return "trigger " + words if edge.trigger else words


# -- Mermaid ----------------------------------------------------------------------------------------
_SHAPES = {
    "handler": ('["', '"]'),
    "flag": ('(["', '"])'),
    "endpoint": ('{{"', '"}}'),
    "function": ('[/"', '"/]'),
}


def as_mermaid(graph: Graph) -> str:
    """A flowchart for Mermaid, which GitHub shows."""
    numbers = {id: "n%d" % number for number, id in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node in graph.nodes.values():
        begin, end = _SHAPES[node.kind]
        lines.append("  %s%s%s%s" % (numbers[node.id], begin, _for_mermaid(node.label), end))
    cycles: List[str] = []
    for number, edge in enumerate(graph.edges):
        arrow = "-.->" if edge.maybe or edge.kind in ("asks", "any", "not_all") else "-->"
        words = label_of(edge)
        label = '|"%s"|' % words if words else ""
        lines.append("  %s %s%s %s" % (numbers[edge.source], arrow, label, numbers[edge.target]))
        if edge.cycle:
            cycles.append(str(number))
    wrong = [numbers[node.id] for node in graph.nodes.values() if node.findings]
    automatic = [numbers[node.id] for node in graph.nodes.values() if node.automatic]
    if automatic:
        lines += ["  classDef automatic stroke-dasharray: 4 3", "  class %s automatic" % ",".join(automatic)]
    if wrong:
        lines += ["  classDef wrong stroke:#c62828,stroke-width:3px", "  class %s wrong" % ",".join(wrong)]
    if cycles:
        lines.append("  linkStyle %s stroke:#c62828,stroke-width:3px" % ",".join(cycles))
    return "\n".join(lines) + "\n"


def _for_mermaid(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


# -- graphviz ---------------------------------------------------------------------------------------
_DOT = {
    "handler": 'shape=box, style="filled,rounded", fillcolor="#dbe9ff"',
    "flag": 'shape=box, style="filled,rounded", fillcolor="#fff6d6"',
    "endpoint": 'shape=hexagon, style=filled, fillcolor="#dff3e4"',
    "function": 'shape=box, style=filled, fillcolor="#eeeeee"',
}
_COLOURS = {"none": "#8e24aa", "not_all": "#8e24aa", "clears": "#8a5a00", "asks": "#888888"}


def as_dot(graph: Graph) -> str:
    """The graph in the language of graphviz."""
    lines = [
        "digraph %s {" % _quoted(graph.name),
        "  rankdir=LR; nodesep=0.12; ranksep=0.6;",
        '  node [fontname="sans-serif", fontsize=11, height=0.3, margin="0.12,0.05", penwidth=1];',
        '  edge [fontname="sans-serif", fontsize=9, color="#555555", arrowsize=0.6];',
    ]
    for node in graph.nodes.values():
        look = _DOT[node.kind]
        if node.kind == "handler":
            look = look.replace("rounded", "").replace(",", ", ", 1).replace('"filled, "', "filled")
        if node.automatic:
            look = look.replace("filled,rounded", "filled,rounded,dashed")
        if node.findings:
            look += ', color="#c62828", penwidth=2.5'
        lines.append(
            "  %s [label=%s, %s, tooltip=%s];"
            % (_quoted(node.id), _quoted(node.label), look, _quoted(_told(node)))
        )
    for edge in graph.edges:
        marks = ['color="%s"' % _COLOURS[edge.kind]] if edge.kind in _COLOURS else []
        if edge.maybe or edge.kind in ("any", "not_all"):
            marks.append("style=dashed")
        if edge.trigger:
            marks.append("style=dotted, penwidth=1.6")
        if edge.cycle:
            marks.append('color="#c62828", penwidth=2.2')
        words = label_of(edge)
        if words:
            marks.append("label=%s" % _quoted(words))
        lines.append("  %s -> %s [%s];" % (_quoted(edge.source), _quoted(edge.target), ", ".join(marks)))
    return "\n".join([*lines, "}"]) + "\n"


def _told(node: Node) -> str:
    where = "%s:%d" % (node.place.file, node.place.line) if node.place else ""
    return "\n".join(one for one in [where, *node.about, *node.findings] if one)


def _quoted(text: str) -> str:
    return '"%s"' % re.sub(r'(["\\])', r"\\\1", text).replace("\n", "\\n")
