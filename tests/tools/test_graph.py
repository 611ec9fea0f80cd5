"""``charms.reactive graph``: who sets and who waits for what, and how that is drawn."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple
from xml.etree import ElementTree as ET

import pytest

from charms_reactive.tools._charm.reading import read
from charms_reactive.tools._graph import picture
from charms_reactive.tools._graph.command import main
from charms_reactive.tools._graph.graph import Graph, GraphError, graph_of
from charms_reactive.tools._graph.page import as_html
from charms_reactive.tools._graph.words import as_dot, as_mermaid, document, label_of
from charms_reactive.tools._lint.comments import Selection
from charms_reactive.tools._lint.linting import lint

from .conftest import Write

pytestmark = pytest.mark.once

CODE = """\
from charms.reactive import clear_flag, hook, is_flag_set, register_trigger, set_flag
from charms.reactive import when, when_any, when_not

register_trigger(when="config.changed.port", clear_flag="app.configured")

def restart():
    set_flag("app.restarted")

@hook("install")
def install():
    set_flag("app.installed")

@when("app.installed")
@when_not("app.configured")
def configure():
    restart()
    set_flag("app.configured")
    if is_flag_set("app.paused"):
        clear_flag("app.installed")

@when_any("app.configured", "app.restarted")
def report():
    pass
"""

FILES = {
    "metadata_yaml": "name: app\nrequires: {db: {interface: sql}}\n",
    "config_yaml": "options: {port: {type: int}}\n",
    "hooks__relations__sql__requires_py": """\
        from charms.reactive import Endpoint, toggle_flag, when

        class Requires(Endpoint):
            def manage_flags(self):
                toggle_flag(self.expand_name("{endpoint_name}.available"), True)

            @when("endpoint.{endpoint_name}.changed")
            def changed(self):
                pass
        """,
}


def drawn(charm: Write, code: str = CODE, **files: str) -> Graph:
    reading = read(charm(code, **(files or FILES)), load=False)
    return graph_of(reading, lint(reading, Selection()).findings)


def edges(graph: Graph) -> Set[Tuple[str, str, str, str]]:
    label = {id: node.label for id, node in graph.nodes.items()}
    return {
        (label[one.source], one.kind, label[one.target], "trigger" if one.trigger else "maybe" * one.maybe)
        for one in graph.edges
    }


def test_who_sets_and_who_waits(charm: Write) -> None:
    assert edges(drawn(charm)) == {
        ("install", "sets", "app.installed", ""),
        ("app.installed", "all", "configure", ""),
        ("app.configured", "none", "configure", ""),
        ("configure", "sets", "app.configured", ""),
        ("configure", "sets", "app.restarted", "maybe"),  # in a function that it calls
        ("configure", "clears", "app.installed", "maybe"),
        ("app.paused", "asks", "configure", "maybe"),
        ("app.configured", "any", "report", ""),
        ("app.restarted", "any", "report", ""),
        ("config.changed.port", "clears", "app.configured", "trigger"),
        ("db", "serves", "endpoint.db.changed", ""),
        ("endpoint.db.changed", "all", "changed", ""),
        ("Requires.manage_flags()", "toggles", "db.available", ""),
    }


def test_a_call_of_another_objects_method_is_none_of_a_handler(charm: Write) -> None:
    graph = drawn(
        charm,
        """\
        import server
        from charms.reactive import hook, set_flag

        @hook("start")
        def start():
            set_flag("a.started")

        @hook("install")
        def install():
            server.start()
        """,
        lib__server_py="def start():\n    pass\n",
    )
    assert edges(graph) == {("start", "sets", "a.started", "")}


def test_cycles_and_findings_are_marked(charm: Write) -> None:
    graph = drawn(
        charm,
        """\
        from charms.reactive import clear_flag, set_flag, when, when_not

        @when_not("app.up")
        def up():
            set_flag("app.up")

        @when("app.up")
        def down():
            clear_flag("app.up")

        @when("app.upp")
        def never():
            set_flag("app.other")
        """,
        metadata_yaml="name: app\n",
    )
    assert {node.label for node in graph.nodes.values() if node.findings} == {
        "up",
        "never",
        "app.upp",
        "app.up",
    } - ({"app.up"} if not graph.nodes["flag app.up"].findings else set())
    assert {
        (edge.kind, edge.cycle) for edge in graph.edges if "app.up" in (edge.source[5:], edge.target[5:])
    } == {
        ("none", True),
        ("sets", True),
        ("all", True),
        ("clears", True),
    }
    assert not any(edge.cycle for edge in graph.edges if "other" in edge.target)
    for words in (as_dot(graph), as_mermaid(graph), picture.as_svg(graph, "grandalf"), as_html(graph)):
        assert "c62828" in words


def test_a_neighbourhood(charm: Write) -> None:
    graph = drawn(charm)
    near = graph.around("app.restarted", 1)
    assert {node.label for node in near.nodes.values()} == {"app.restarted", "configure", "report"}
    assert len(near.edges) == 2
    assert {node.label for node in graph.around("report", 1).nodes.values()} == {
        "report",
        "app.configured",
        "app.restarted",
    }
    assert len(graph.around("db", 9).nodes) == 3
    with pytest.raises(
        GraphError, match=r"there is no handler, flag or endpoint 'reprot'; did you mean report\?"
    ):
        graph.around("reprot", 1)


# -- how it is drawn --------------------------------------------------------------------------------------
def boxes(svg: str) -> Dict[str, Tuple[float, float, float, float]]:
    """Each node of a picture of ours, with the box around it."""
    found = {}
    for group in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        if not (group.get("class") or "").startswith("node"):
            continue
        text = group.find("{http://www.w3.org/2000/svg}text")
        rect = group.find("{http://www.w3.org/2000/svg}rect")
        assert text is not None
        if rect is not None:
            numbers = tuple(float(rect.get(key) or 0) for key in ("x", "y", "width", "height"))
            found["%s %s" % (text.text, text.get("y"))] = numbers
    return found  # type: ignore[return-value]


def many(number: int) -> str:
    """A charm of so many handlers, each of which waits for one before it."""
    lines = ["from charms.reactive import set_flag, when, when_not"]
    for one in range(number):
        waits = "step.%d" % (one - 1 - one % 3) if one > 3 else "config.changed"
        lines += [
            "@when(%r)" % waits,
            "@when_not('step.%d')" % one,
            "def handler_%d():" % one,
            "    set_flag('step.%d')" % one,
        ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("number", [1, 10, 120])
def test_no_two_nodes_of_a_picture_overlap(charm: Write, number: int) -> None:
    graph = drawn(charm, many(number), metadata_yaml="name: app\n")
    svg = picture.as_svg(graph, "grandalf")
    found = list(boxes(svg).values())
    assert len(found) == len(graph.nodes)
    width, height = (float(one) for one in re.findall(r'(?:width|height)="(\d+)"', svg)[:2])
    for number_of, (x, y, w, h) in enumerate(found):
        assert -1 <= x <= x + w <= width
        assert -1 <= y <= y + h <= height
        for other_x, other_y, other_w, other_h in found[:number_of]:
            apart = x + w <= other_x or other_x + other_w <= x or y + h <= other_y or other_y + other_h <= y
            assert apart
    assert svg.count('class="edge') == len(graph.edges)


def test_a_node_that_nothing_leads_to_is_in_the_picture_once(charm: Write) -> None:
    code = many(4) + "@when_any('lonely')\ndef waits(): pass\ndef loose(): set_flag('by.nobody')\n"
    code = code.replace("import set_flag, when", "import set_flag, hook, when_any, when")
    code += "@hook('stop')\ndef alone(): pass\n"
    graph = drawn(charm, code, metadata_yaml="name: app\n")
    svg = picture.as_svg(graph, "grandalf")
    shown = [one.text for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert shown.count("alone") == 1
    assert {node.label for node in graph.nodes.values()} <= set(shown)


def test_a_picture_is_the_same_each_time(charm: Write) -> None:
    graph = drawn(charm)
    assert picture.as_svg(graph, "grandalf") == picture.as_svg(graph, "grandalf")


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed on this machine")
def test_graphviz_lays_it_out_where_it_is_installed(charm: Write) -> None:
    graph = drawn(charm)
    svg = picture.as_svg(graph)
    assert "Generated by graphviz" in svg or 'class="graph"' in svg
    told = {one.text for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
    assert {node.label for node in graph.nodes.values()} <= told


@pytest.mark.parametrize(
    ("script", "wanted"), [("echo '<svg/>'", "<svg/>\n"), ("echo bad >&2; exit 3", "bad")]
)
def test_what_graphviz_says_is_taken(
    script: str, wanted: str, charm: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a program in its place, which need not be installed."""
    dot = tmp_path / "bin" / "dot"
    dot.parent.mkdir()
    dot.write_text("#!/bin/sh\nread first\ncat >/dev/null\n%s\n" % script)
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % dot.parent)
    graph = drawn(charm)
    if wanted == "bad":
        with pytest.raises(GraphError, match="graphviz failed: bad"):
            picture.as_svg(graph)
    else:
        assert picture.as_svg(graph) == wanted


def test_without_anything_that_lays_out_it_is_said(charm: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = drawn(charm)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(sys.modules, "grandalf", None)
    with pytest.raises(GraphError, match=r"install graphviz, or pip install 'charms.reactive\[graph\]'"):
        picture.as_svg(graph)
    assert '<div id="whole">' not in as_html(graph)
    assert '<div id="around">' in as_html(graph)


def test_the_page_needs_no_network_and_has_everything(charm: Write) -> None:
    graph = drawn(charm, CODE.replace("app.paused", "</script><b>"))
    page = as_html(graph)
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"|https?://(?!www\.w3\.org)", page) == []
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data) == json.loads(json.dumps(document(graph)))
    assert "<b>" not in page


def test_a_page_of_a_thousand_handlers_is_there_at_once(charm: Write) -> None:
    graph = drawn(charm, many(1000), metadata_yaml="name: app\n")
    assert len(graph.nodes) == 2001
    page = as_html(graph)
    assert '<div id="whole">' not in page  # nobody could read it
    assert len(page) < 2_000_000


def test_mermaid_and_dot(charm: Write) -> None:
    graph = drawn(
        charm,
        'from charms.reactive import when\n@when("a\\"b")\ndef f(): pass\n',
        metadata_yaml="name: app\n",
    )
    assert as_mermaid(graph).splitlines()[:4] == [
        "flowchart LR",
        '  n0["f"]',
        '  n1(["a&quot;b"])',
        "  n1 --> n0",
    ]
    assert '"flag a\\"b" -> "handler reactive/app.py:2:f"' in as_dot(graph)
    assert {"sets", "clears", "trigger clears", "any", "not", ""} <= {
        label_of(edge) for edge in drawn(charm).edges
    }


# -- the command ------------------------------------------------------------------------------------------
def run(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    status = main(["--no-load", *words])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_the_command(charm: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    root = str(charm(CODE, **FILES))
    status, out, _ = run(capsys, root, "--format", "json", "--around", "report", "--depth", "1")
    assert status == 0
    assert [node["label"] for node in json.loads(out)["nodes"]] == [
        "app.configured",
        "app.restarted",
        "report",
    ]
    for name, begins in {
        "x.html": "<!DOCTYPE html>",
        "x.mmd": "flowchart",
        "x.dot": "digraph",
        "x.svg": "<svg",
    }.items():
        target = tmp_path / name
        status, out, _ = run(capsys, root, "-o", str(target))
        assert (status, out) == (0, "%s: 13 nodes, 13 edges\n" % target)
        assert target.read_text(encoding="utf-8").startswith(begins)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nowhere"], "there is no directory nowhere"),
        (["--format", "png"], "invalid choice: 'png'"),
        (["--around", "instal"], "there is no handler, flag or endpoint 'instal'; did you mean install?"),
        (["-o", "/nowhere/x.dot"], "No such file or directory: '/nowhere/x.dot'"),
    ],
)
def test_what_cannot_be_done_is_said(
    words: List[str],
    reason: str,
    charm: Write,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(charm(CODE, **FILES))
    status, out, err = run(capsys, *words)
    assert (status, out, reason in err) == (2, "", True), err
