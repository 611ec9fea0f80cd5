"""A graph as a picture: laid out by graphviz where that is installed, else by grandalf, and drawn as SVG."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from html import escape
from typing import Any, Dict, List, Optional, Tuple

from .graph import Edge, Graph, GraphError, Node
from .words import as_dot, label_of

__all__ = ["as_svg", "layouts"]

_HEIGHT = 26.0
_LETTER = 6.7
_GAP = 14.0
_BETWEEN = 60.0

_MOST_FOR_GRAPHVIZ = 300
_SECONDS = 60

Point = Tuple[float, float]


def layouts() -> List[str]:
    """What there is that lays graphs out, the best first."""
    found = ["graphviz"] if shutil.which("dot") else []
    try:
        import grandalf  # noqa: F401
    except ImportError:
        return found
    return [*found, "grandalf"]


def as_svg(graph: Graph, layout: Optional[str] = None) -> str:
    """The picture.

    Args:
        graph: that is drawn.
        layout: ``graphviz`` or ``grandalf``; by default the first one that is there.

    Raises:
        GraphError: neither is there, or graphviz fails.
    """
    there = layouts()
    # On many nodes graphviz spends minutes on details that nobody sees.
    first = 0 if len(graph.nodes) <= _MOST_FOR_GRAPHVIZ else -1
    chosen = layout or (there[first] if there else None)
    if chosen is None or chosen not in there:
        raise GraphError(
            "a picture needs %s: install graphviz, or pip install 'charms.reactive[graph]'; the formats "
            "html, dot, mermaid and json need neither" % (chosen or "something that lays graphs out")
        )
    if not graph.nodes:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>\n'
    return _by_graphviz(graph) if chosen == "graphviz" else _Drawing(graph).svg()


def _by_graphviz(graph: Graph) -> str:
    try:
        done = subprocess.run(
            ["dot", "-Tsvg"],
            input=as_dot(graph),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GraphError(
            "graphviz has not laid out %d nodes within %d s: draw a part of them with --around NAME, or a "
            "page with --format html" % (len(graph.nodes), _SECONDS)
        ) from None
    if done.returncode:
        raise GraphError("graphviz failed: %s" % (done.stderr.strip() or "status %d" % done.returncode))
    return done.stdout[done.stdout.index("<svg") :]


@dataclass
class _Box:
    """The size of a node for grandalf, which lays out from the top; the picture goes from the left."""

    node: Node
    w: float = _HEIGHT
    h: float = 0.0
    xy: Point = (0.0, 0.0)

    def __post_init__(self) -> None:
        self.h = width_of(self.node)


def _apart(boxes: List[_Box]) -> None:
    """Move boxes of one layer on until none lies on another; the layout leaves that to chance."""
    boxes.sort(key=lambda box: box.xy[0])
    for before, box in zip(boxes, boxes[1:]):
        least = before.xy[0] + _HEIGHT + _GAP
        if box.xy[0] < least:
            box.xy = (least, box.xy[1])


def width_of(node: Node) -> float:
    return max(40.0, len(node.label) * _LETTER + 20)


@dataclass
class _Line:
    """The way of an edge."""

    points: List[Point] = field(default_factory=list)

    def setpath(self, points: List[Point]) -> None:
        self.points = list(points)


class _Drawing:
    """Components one below the other, each in layers from the left."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._places: Dict[str, Point] = {}
        self._ways: List[Tuple[Edge, List[Point]]] = []
        self._height = self._width = 0.0
        self._lay_out()

    def _lay_out(self) -> None:
        from grandalf.graphs import Edge as TheirEdge
        from grandalf.graphs import Graph as TheirGraph
        from grandalf.graphs import Vertex

        class Numbered(Vertex):  # type: ignore[misc]
            """A vertex that has the same place in a set in every process, so that the picture has, too."""

            def __hash__(self) -> int:
                return int(self.number)

        vertices = {id: Numbered(id) for id in self._graph.nodes}
        for number, vertex in enumerate(vertices.values()):
            vertex.number = number
        for id, vertex in vertices.items():
            vertex.view = _Box(self._graph.nodes[id])
        # Of several edges between two nodes the layout knows one.
        bundles: Dict[Tuple[str, str], List[Edge]] = {}
        for edge in self._graph.edges:
            bundles.setdefault((edge.source, edge.target), []).append(edge)

        class NumberedEdge(TheirEdge):  # type: ignore[misc]
            number = 0

            def __hash__(self) -> int:
                return self.number

        edges: List[Any] = []
        for (source, target), bundle in bundles.items():
            if source == target:
                continue
            line = NumberedEdge(vertices[source], vertices[target], data=bundle)
            line.number, line.view = len(edges), _Line()
            edges.append(line)
        components = sorted(TheirGraph(list(vertices.values()), edges).C, key=lambda one: -one.order())
        single = [one for one in components if one.order() == 1]
        for component in components:
            if component.order() > 1:
                self._component(component)
        self._singles([next(iter(one.sV)).data for one in single])

    def _component(self, component: Any) -> None:
        from grandalf.layouts import SugiyamaLayout
        from grandalf.routing import route_with_lines

        layout = SugiyamaLayout(component)
        layout.xspace, layout.yspace = _GAP, _BETWEEN
        layout.route_edge = route_with_lines
        layout.init_all()
        layout.draw(4)
        ranks: Dict[int, List[_Box]] = {}
        for vertex in component.sV:
            ranks.setdefault(layout.grx[vertex].rank, []).append(vertex.view)
        for rank in ranks.values():
            _apart(rank)
        boxes = [vertex.view for vertex in component.sV]
        # Their y goes down the layers, which is to the right here.
        left = min(box.xy[1] - box.h / 2 for box in boxes)
        top = min(box.xy[0] - box.w / 2 for box in boxes)
        down = self._height + (_GAP * 2 if self._height else 0)
        bottom = self._height
        for box in boxes:
            x, y = box.xy[1] - left, box.xy[0] - top + down
            self._places[box.node.id] = (x, y)
            bottom = max(bottom, y + _HEIGHT / 2)
            self._width = max(self._width, x + box.h / 2)
        for edge in component.sE:
            points = [(y - left, x - top + down) for x, y in edge.view.points]
            for one in edge.data:
                self._ways.append((one, points if one.source == edge.v[0].data else points[::-1]))
            for _, y in points:
                bottom = max(bottom, y)
        self._height = bottom

    def _singles(self, ids: List[str]) -> None:
        """Nodes that nothing leads to, in rows below everything."""
        x, y = 0.0, self._height + (_GAP * 2 if self._height else 0) + _HEIGHT / 2
        limit = max(self._width, 900.0)
        for id in ids:
            width = width_of(self._graph.nodes[id])
            if x and x + width > limit:
                x, y = 0.0, y + _HEIGHT + _GAP
            self._places[id] = (x + width / 2, y)
            x += width + _GAP
            self._width = max(self._width, x)
            self._height = y + _HEIGHT / 2

    # -- drawing ------------------------------------------------------------------------------------
    def svg(self) -> str:
        width, height = self._width + 40, self._height + 40
        parts = [
            '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="-20 -20 %d %d" '
            'font-family="sans-serif" font-size="11">' % (width, height, width, height),
            "<style>%s</style>" % STYLE,
            _MARKERS,
        ]
        parts += [_drawn_edge(edge, self._clipped(edge, points)) for edge, points in self._ways]
        parts += [drawn_node(node, *self._places[node.id]) for node in self._graph.nodes.values()]
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _clipped(self, edge: Edge, points: List[Point]) -> List[Point]:
        """The way from the right side of one box to the left side of the other."""
        (x, y), (to_x, to_y) = self._places[edge.source], self._places[edge.target]
        half = width_of(self._graph.nodes[edge.source]) / 2
        to_half = width_of(self._graph.nodes[edge.target]) / 2
        forward = to_x >= x
        # There and back do not lie on one another.
        aside = 0.0 if forward else 7.0
        first = (x + half if forward else x - half, y + aside)
        last = (to_x - to_half if forward else to_x + to_half, to_y + aside)
        return [first, *((one_x, one_y + aside) for one_x, one_y in points[1:-1]), last]


STYLE = """
.node rect, .node polygon { stroke: #5a6b85; stroke-width: 1; }
.handler rect { fill: #dbe9ff; } .flag rect { fill: #fff6d6; stroke: #a08a3c; }
.endpoint polygon { fill: #dff3e4; stroke: #4c8a5b; } .function rect { fill: #eee; stroke: #888; }
.automatic rect { stroke-dasharray: 4 3; } .wrong rect, .wrong polygon { stroke: #c62828; stroke-width: 2.5; }
.node text { text-anchor: middle; fill: #111; }
.edge path { fill: none; stroke: #667; stroke-width: 1; } .edge text { fill: #556; font-size: 9px; }
.maybe path, .any path, .not_all path { stroke-dasharray: 5 3; }
.asks path { stroke: #aaa; stroke-dasharray: 2 3; }
.none path, .not_all path { stroke: #8e24aa; } .none text, .not_all text { fill: #8e24aa; }
.clears path { stroke: #8a5a00; } .clears text { fill: #8a5a00; }
.trigger path { stroke-width: 1.6; stroke-dasharray: 1 3; }
.cycle path { stroke: #c62828; stroke-width: 2.2; }
""".strip()

_MARKERS = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z" fill="#667"/></marker></defs>'
)


def drawn_node(node: Node, x: float, y: float) -> str:
    """A node around a point."""
    width = width_of(node)
    left, top = x - width / 2, y - _HEIGHT / 2
    classes = ["node", node.kind, "automatic" if node.automatic else "", "wrong" if node.findings else ""]
    if node.kind == "endpoint":
        cut = _HEIGHT / 2.6
        corners = [
            (left, y), (left + cut, top), (left + width - cut, top),
            (left + width, y), (left + width - cut, top + _HEIGHT), (left + cut, top + _HEIGHT),
        ]  # fmt: skip
        shape = '<polygon points="%s"/>' % " ".join("%.1f,%.1f" % corner for corner in corners)
    else:
        round_ = {"flag": 13, "handler": 2, "function": 0}[node.kind]
        shape = '<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%d"/>' % (
            left,
            top,
            width,
            _HEIGHT,
            round_,
        )
    where = "%s:%d" % (node.place.file, node.place.line) if node.place else ""
    title = "\n".join(one for one in [where, *node.about, *node.findings] if one)
    return '<g class="%s">%s<text x="%.1f" y="%.1f">%s</text>%s</g>' % (
        " ".join(filter(None, classes)),
        shape,
        x,
        y + 4,
        escape(node.label),
        "<title>%s</title>" % escape(title) if title else "",
    )


def _drawn_edge(edge: Edge, points: List[Point]) -> str:
    marks = (("maybe", edge.maybe), ("trigger", edge.trigger), ("cycle", edge.cycle))
    classes = ["edge", edge.kind, *(name for name, on in marks if on)]
    words = label_of(edge)
    label = ""
    if words:
        # Near its end, where the other node is known from.
        (x, y), (to_x, to_y) = points[-2], points[-1]
        part = 0.62
        label = '<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>' % (
            x + (to_x - x) * part,
            y + (to_y - y) * part - 3,
            words,
        )
    return '<g class="%s"><path d="%s" marker-end="url(#arrow)"/>%s</g>' % (
        " ".join(classes),
        _curve(points),
        label,
    )


def _curve(points: List[Point]) -> str:
    """A smooth line through points, that leaves and arrives level."""
    parts = ["M%.1f,%.1f" % points[0]]
    for (x, y), (to_x, to_y) in zip(points, points[1:]):
        bend = (to_x - x) / 2
        parts.append("C%.1f,%.1f %.1f,%.1f %.1f,%.1f" % (x + bend, y, to_x - bend, to_y, to_x, to_y))
    return " ".join(parts)
