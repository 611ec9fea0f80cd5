"""A graph as a page that needs no network: every handler and flag can be searched for, and shows what is
around it.
"""

from __future__ import annotations

import json
from html import escape

from .graph import Graph, GraphError
from .picture import as_svg
from .words import document

__all__ = ["as_html"]

#: A picture of more nodes than this tells nobody anything.
MOST_IN_PICTURE = 150


def as_html(graph: Graph) -> str:
    """The page."""
    picture = ""
    if len(graph.nodes) <= MOST_IN_PICTURE:
        try:
            picture = as_svg(graph)
        except GraphError:
            pass  # nothing lays it out here; what is around each node needs no layout
    data = json.dumps(document(graph)).replace("<", "\\u003c")
    page = _PAGE.replace("@TITLE@", escape(graph.name)).replace("@DATA@", data)
    return page.replace("@PICTURE@", '<div id="whole">%s</div>' % picture if picture else "")


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>@TITLE@: handlers and flags</title>
<style>
* { box-sizing: border-box; }
body { margin: 0; font: 14px/1.4 sans-serif; color: #111; background: #fff; display: flex; height: 100vh; }
#side { width: 340px; flex: none; border-right: 1px solid #ccd; display: flex; flex-direction: column; }
#side header { padding: 10px 12px; border-bottom: 1px solid #ccd; }
#side h1 { font-size: 16px; margin: 0 0 8px; }
#search { width: 100%; padding: 6px 8px; font-size: 14px; border: 1px solid #99a; border-radius: 4px; }
#kinds { display: flex; flex-wrap: wrap; gap: 4px 12px; margin-top: 8px; font-size: 12px; }
#list { overflow: auto; flex: 1; margin: 0; padding: 0; list-style: none; }
#list li { padding: 4px 12px; cursor: pointer; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
#list li:hover, #list li.on { background: #e8eefb; }
#list .kind { display: inline-block; width: 10px; height: 10px; margin-right: 8px; border: 1px solid #789; }
#list .flag .kind { background: #fff6d6; border-radius: 5px; } #list .handler .kind { background: #dbe9ff; }
#list .endpoint .kind { background: #dff3e4; } #list .function .kind { background: #eee; }
#list small { color: #667; } #list .wrong { color: #b71c1c; }
#more { padding: 6px 12px; color: #667; font-size: 12px; }
main { flex: 1; overflow: auto; padding: 14px 18px; }
main h2 { margin: 0; font-size: 17px; } main p { margin: 2px 0; } .place { color: #556; font-family: monospace; }
.about { font-family: monospace; font-size: 12.5px; } .finding { color: #b71c1c; }
#around { margin-top: 12px; } #whole { margin-top: 20px; border-top: 1px solid #ccd; padding-top: 14px; overflow: auto; }
#whole svg { max-width: 100%; height: auto; } #around g.node { cursor: pointer; } #around .centre rect, #around .centre polygon { stroke: #111; stroke-width: 2.2; }
#legend { color: #556; font-size: 12px; margin-top: 10px; }
#around .node rect { stroke: #5a6b85; } #around .handler rect { fill: #dbe9ff; }
#around .flag rect { fill: #fff6d6; stroke: #a08a3c; } #around .endpoint rect { fill: #dff3e4; stroke: #4c8a5b; }
#around .function rect { fill: #eee; stroke: #888; } #around .automatic rect { stroke-dasharray: 4 3; }
#around .wrong rect { stroke: #c62828; stroke-width: 2.4; } #around text { font: 11.5px sans-serif; fill: #111; }
#around path { fill: none; stroke: #778; } #around path.maybe, #around path.any { stroke-dasharray: 5 3; }
#around path.none, #around path.not_all { stroke: #8e24aa; } #around path.clears { stroke: #8a5a00; }
#around path.asks { stroke: #aaa; stroke-dasharray: 2 3; } #around path.trigger { stroke-dasharray: 1 3; stroke-width: 2; }
#around path.cycle { stroke: #c62828; stroke-width: 2.2; } #around text.word { font-size: 10px; fill: #556; }
</style>
</head>
<body>
<div id="side">
<header>
<h1>@TITLE@</h1>
<input id="search" type="search" placeholder="search handlers, flags, files  ( / )" autofocus>
<div id="kinds">
<label><input type="checkbox" value="handler" checked> handlers</label>
<label><input type="checkbox" value="flag" checked> flags</label>
<label><input type="checkbox" value="endpoint" checked> endpoints</label>
<label><input type="checkbox" value="function" checked> functions</label>
<label><input type="checkbox" value="wrong"> only with findings</label>
</div>
</header>
<ul id="list"></ul>
<div id="more"></div>
</div>
<main>
<div id="about"></div>
<div id="around"></div>
<div id="legend">From left to right: who changes a flag, the flag, who waits for it. Purple: waits for the flag not to be
set. Dashed: only sometimes, or one of several. Dotted: a trigger. Red: a cycle, or what the linter has found.</div>
@PICTURE@
</main>
<script type="application/json" id="data">@DATA@</script>
<script>
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const nodes = new Map(data.nodes.map(node => [node.id, node]));
const into = new Map(), outof = new Map();
for (const edge of data.edges) {
  if (!into.has(edge.target)) into.set(edge.target, []);
  if (!outof.has(edge.source)) outof.set(edge.source, []);
  into.get(edge.target).push(edge);
  outof.get(edge.source).push(edge);
}
const WORDS = {all: "", any: "any", none: "not", not_all: "not all", edge: "becomes", sets: "sets", clears: "clears",
  toggles: "toggles", asks: "asks", serves: ""};
const MOST = 400;
let chosen = null;

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

function listed() {
  const words = document.getElementById("search").value.toLowerCase().split(/\\s+/).filter(Boolean);
  const kinds = new Set([...document.querySelectorAll("#kinds input:checked")].map(box => box.value));
  const found = data.nodes.filter(node => kinds.has(node.kind) && (!kinds.has("wrong") || node.findings.length) &&
    words.every(word => (node.label + " " + (node.file || "")).toLowerCase().includes(word)));
  const list = document.getElementById("list");
  list.replaceChildren(...found.slice(0, MOST).map(node => {
    const item = document.createElement("li");
    item.className = node.kind + (node.id === chosen ? " on" : "") + (node.findings.length ? " wrong" : "");
    item.title = node.label;
    const kind = document.createElement("span");
    kind.className = "kind";
    const place = document.createElement("small");
    place.textContent = node.kind === "flag" || !node.file ? "" : "  " + node.file + ":" + node.line;
    item.append(kind, node.label, place);
    item.onclick = () => { location.hash = encodeURIComponent(node.id); };
    return item;
  }));
  const more = found.length - MOST;
  document.getElementById("more").textContent = found.length + " of " + data.nodes.length +
    (more > 0 ? "; " + more + " are not shown: search on" : "");
  return found;
}

function column(ids, x, seen, places) {
  let y = 0;
  const kept = ids.filter(id => !seen.has(id)).slice(0, 60);
  for (const id of kept) { seen.add(id); places.set(id, [x, y]); y += 34; }
  return y;
}

function width(node) { return Math.min(300, Math.max(60, node.label.length * 7 + 24)); }

function show(id) {
  chosen = nodes.has(id) ? id : null;
  listed();
  const about = document.getElementById("about"), around = document.getElementById("around");
  about.replaceChildren();
  around.replaceChildren();
  if (!chosen) return;
  const node = nodes.get(id);
  const line = (name, text, kind) => {
    const made = document.createElement(name);
    made.textContent = text;
    made.className = kind;
    about.append(made);
  };
  line("h2", node.label, "");
  if (node.file) line("p", node.file + ":" + node.line, "place");
  if (node.automatic) line("p", "set by the framework", "");
  node.about.forEach(text => line("p", text, "about"));
  node.findings.forEach(text => line("p", text, "finding"));
  // Two steps to the left and to the right; within a column no order tells more than that of the code.
  const sources = ids => [...new Set(ids.flatMap(one => (into.get(one) || []).map(edge => edge.source)))];
  const targets = ids => [...new Set(ids.flatMap(one => (outof.get(one) || []).map(edge => edge.target)))];
  const near = sources([id]), after = targets([id]);
  const columns = [sources(near), near, [id], after, targets(after)];
  const seen = new Set(), places = new Map();
  const order = [2, 1, 3, 0, 4], heights = [0, 0, 0, 0, 0];
  const widths = columns.map(ids => Math.max(60, ...ids.slice(0, 60).map(one => width(nodes.get(one)))));
  const left = widths.map((_, number) => widths.slice(0, number).reduce((sum, one) => sum + one + 90, 0));
  for (const number of order) heights[number] = column(columns[number], number, seen, places);
  const height = Math.max(...heights) + 20;
  for (const [one, [number, y]] of places) {
    places.set(one, [left[number], y + (height - heights[number]) / 2, width(nodes.get(one))]);
  }
  const used = [0, 1, 2, 3, 4].filter(number => heights[number]);
  const begin = left[used[0]], end = left[used[used.length - 1]] + widths[used[used.length - 1]];
  const picture = element("svg", {width: end - begin + 40, height: height + 20,
    viewBox: (begin - 20) + " -10 " + (end - begin + 40) + " " + (height + 20)});
  picture.innerHTML = '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" ' +
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0 L8,4 L0,8 z" style="fill:#778;stroke:none"/></marker></defs>';
  for (const edge of data.edges) {
    const from = places.get(edge.source), to = places.get(edge.target);
    if (!from || !to) continue;
    const centre = edge.source === id || edge.target === id;
    const back = to[0] <= from[0];
    const aside = back ? 20 : 13;  // there and back do not lie on one another
    const x = from[0] + (back ? 0 : from[2]), y = from[1] + aside;
    const tox = to[0] + (back ? to[2] : 0), toy = to[1] + aside;
    const bend = back && Math.abs(x - tox) < 20 ? -50 : (tox - x) / 2;
    const kinds = [edge.kind, edge.maybe && "maybe", edge.trigger && "trigger", edge.cycle && "cycle"];
    picture.append(element("path", {class: kinds.filter(Boolean).join(" "), "marker-end": "url(#tip)",
      opacity: centre || edge.cycle ? 1 : 0.45, d: "M" + x + "," + y + " C" + (x + bend) + "," + y + " " +
      (tox - bend) + "," + toy + " " + tox + "," + toy}));
    const word = (edge.trigger ? "trigger " : "") + WORDS[edge.kind];
    if (word.trim() && centre) {
      const part = edge.target === id ? 0.3 : 0.7;
      picture.append(element("text", {class: "word", x: x + (tox - x) * part, "text-anchor": "middle",
        y: y + (toy - y) * (part < 0.5 ? 0.16 : 0.84) - 4}, word));
    }
  }
  for (const [one, [x, y, w]] of places) {
    const it = nodes.get(one);
    const group = element("g", {class: ["node", it.kind, it.automatic && "automatic", it.findings.length && "wrong",
      one === id && "centre"].filter(Boolean).join(" ")});
    group.append(element("rect", {x, y, width: w, height: 26, rx: it.kind === "flag" ? 13 : 3}));
    const label = it.label.length > 39 ? it.label.slice(0, 37) + "…" : it.label;
    group.append(element("text", {x: x + w / 2, y: y + 17, "text-anchor": "middle"}, label));
    group.append(element("title", {}, [it.label, it.file ? it.file + ":" + it.line : "", ...it.findings].join("\\n")));
    group.onclick = () => { location.hash = encodeURIComponent(one); };
    picture.append(group);
  }
  around.append(picture);
}

document.getElementById("search").oninput = listed;
document.getElementById("search").onkeydown = event => {
  const found = listed();
  if (event.key === "Enter" && found.length) location.hash = encodeURIComponent(found[0].id);
};
document.getElementById("kinds").onchange = listed;
document.onkeydown = event => {
  if (event.key === "/" && document.activeElement.id !== "search") {
    event.preventDefault();
    document.getElementById("search").focus();
  }
};
window.onhashchange = () => show(decodeURIComponent(location.hash.slice(1)));
const first = data.nodes.find(node => node.findings.length) || data.nodes[0];
window.onhashchange();
if (!chosen && first) show(first.id);
</script>
</body>
</html>
"""
