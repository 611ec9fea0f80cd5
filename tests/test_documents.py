"""The manual and the other documents: their code runs, and their sessions print what they show.

A page that no test reads by name is walked as :mod:`documents` has it, so that none can be forgotten.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator
from xml.etree import ElementTree as ET

import pytest
import yaml

import documents
from charms_reactive.testing._running.framework_state import fresh_framework
from documents import ROOT, pages, reading
from engines import name_of

TESTS = Path(__file__).resolve().parent

# Installing the package does as much.
PLUGIN = {"PYTEST_ADDOPTS": "-p pytest_charms_reactive -p no:cacheprovider"}


def read_by_name() -> Dict[str, str]:
    """The pages that tests take from ``reading("PAGE")``, each with the file of the test."""
    found: Dict[str, str] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "reading(" not in text:
            continue
        tests = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
        for call in (node for test in tests if test.name.startswith("test_") for node in ast.walk(test)):
            if isinstance(call, ast.Call) and _name(call.func) == "reading":
                (page,) = call.args
                if isinstance(page, ast.Constant):
                    found[page.value] = path.relative_to(TESTS).as_posix()
    return found


def _name(function: ast.expr) -> str:
    return str(getattr(function, "attr", getattr(function, "id", "")))


WALKED = [page for page in pages() if page not in read_by_name()]


@pytest.fixture
def desk(engine_module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A reader's directory, and the framework of this process as a new one has it, on each engine."""
    for variable in list(os.environ):
        if variable.startswith(("JUJU_", "CHARMS_REACTIVE_")) or variable in ("CHARM_DIR", "UNIT_STATE_DB"):
            monkeypatch.delenv(variable)
    desk = tmp_path / "desk"
    desk.mkdir()
    # Pages that call functions of the framework themselves are in a hook of a unit beside the desk.
    charm = tmp_path / "charm"
    charm.mkdir()
    monkeypatch.setenv("CHARM_DIR", str(charm))
    monkeypatch.setenv("JUJU_UNIT_NAME", "app/0")
    with fresh_framework(engine_module):
        yield desk


@pytest.mark.long
@pytest.mark.parametrize("name", WALKED)
def test_a_page_does_what_it_says(
    name: str, desk: Path, engine_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = name_of(engine_module)
    with reading(name) as page:
        page.walk(desk, monkeypatch, environment={**PLUGIN, "CHARMS_REACTIVE_ENGINE": engine})


@pytest.mark.once
def test_testing(tmp_path: Path) -> None:
    with reading("docs/testing.md") as page:
        for block in page.blocks:
            if block.file is not None:
                page.write(block, tmp_path)
        # The reader has the tests of a section from when they are shown on; the sessions count on that.
        tests = tmp_path / "tests" / "test_guestbook.py"
        whole = tests.read_text()
        first = next(block for block in page.blocks if block.file == "tests/test_guestbook.py")
        both = tmp_path / "pytest.ini"
        later = [tmp_path / "tests" / name for name in ("test_layer.py", "test_together.py")]
        for path in (both, *later):
            path.rename(path.with_suffix(".later"))
        tests.write_text(first.text)
        for block in page.of("console"):
            if "--juju-units both" in block.text:
                tests.write_text(whole)
            page.session(block, tmp_path, PLUGIN)
        for path in (both, *later):
            path.with_suffix(".later").rename(path)
        done = documents.run("pytest -q", tmp_path, **PLUGIN)
        assert done.returncode == 0, done.stdout
        workflow = yaml.safe_load((tmp_path / ".github/workflows/test.yaml").read_text())
        assert workflow["jobs"]["test"]["steps"][-1] == {"run": "pytest --juju-units both"}


def test_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its charm, with what goes without saying, passes its test."""
    (tmp_path / "metadata.yaml").write_text("name: app\n")
    (tmp_path / "config.yaml").write_text("options:\n  port: {type: int, default: 80}\n")
    with reading("README.md") as page:
        page.walk(tmp_path, monkeypatch)
        assert [block.file for block in page.blocks if block.file] == ["reactive/app.py", "tests/test_app.py"]
        done = documents.run(
            "pytest -q && charms.reactive simulate . install config-changed", tmp_path, **PLUGIN
        )
        assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_the_figures_of_the_readme_are_those_of_the_last_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make bench` writes both; by hand, .venv/bin/python benches/readme.py."""
    monkeypatch.syspath_prepend(str(ROOT / "benches"))
    import readme

    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    results = json.loads((ROOT / "benches" / "results.json").read_text())
    assert shown == readme.updated(shown, results)
    assert len(readme.ROWS) == 5
    assert "\n".join(readme.missed(results["rows"])) in (ROOT / "benches" / "RESULTS.md").read_text()
    page = readme.PAGE.read_text(encoding="utf-8")
    assert page == readme.layered(page, results)
    monkeypatch.delitem(sys.modules, "readme")


def test_the_rows_of_the_readme_say_how_many_times_less_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benches"))
    import readme

    measured = {"native": "12 ms", "pure": "1.2 s"}
    row = {
        "passed": {},
        "verdict": "no budget",
        "measured": measured,
        "other": "ops: 7 ms; 1.5.3: 206 ms (3)",
    }
    rows = [
        {**row, "what": what, "ratios": {"native": 17178.7, "pure": 1.049}, "passed": {"native": True}}
        for what in readme.ROWS
    ]
    before = "a\n<!-- figures -->\nx\n<!-- /figures -->\nb\n"
    after = readme.updated(before, {"rows": rows})
    assert after.count(" | 206 ms | 12 ms (÷ 17,000) | 1.2 s (÷ 1.0) |\n") == 5
    assert readme.missed(rows) == ["0 of 5 rows that have a budget miss it."]
    there = [row for row in rows if not str(row["what"]).endswith("CPython 3.12")]
    assert len(there) < len(readme.ROWS)
    assert readme.updated(before, {"rows": there}) == before
    with pytest.raises(KeyError):
        readme.updated(before, {"rows": there[1:]})
    rows[1].update(what="thing: one way", verdict="MISS (pure)")
    rows[2].update(what="the same, another way", verdict="MISS")
    told = readme.missed(rows)
    assert told[0].startswith("2 of 5 rows that have a budget miss it. ")
    assert told[2:] == ["- thing: one way", "- thing, another way"]
    with pytest.raises(ValueError, match=r"README\.md has no <!-- figures"):
        readme.updated("a", {"rows": rows})
    monkeypatch.delitem(sys.modules, "readme")


LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(#[\w-]+)?\)")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    """Those of the manual are looked after by Sphinx."""
    links = [path for path, _ in LINK.findall((ROOT / name).read_text(encoding="utf-8"))]
    assert [path for path in links if not (ROOT / path).exists()] == []


def test_every_row_of_the_unit_state_is_told_of_where_the_keys_are() -> None:
    package = ROOT / "python" / "charms_reactive"
    rows = ast.parse((package / "_unit_state" / "rows.py").read_text(encoding="utf-8"))
    told = ast.get_docstring(rows) or ""
    sources = [path for path in package.rglob("*.py") if "testing" not in path.parts]
    named = {
        key.rstrip(".")
        for path in sources
        for key in re.findall(
            r"\"(reactive\.[a-z_.]+[a-z.])(?:%s[^\"]*)?\"", path.read_text(encoding="utf-8")
        )
    } - {"reactive", "reactive.relations"}  # the second one is a package of a charm
    assert len(named) > 18
    assert sorted(key for key in named if not re.search(r"\b%s\b" % re.escape(key), told)) == []


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_paths_in_the_architecture_are_there(document: str) -> None:
    """Of modules and directories that are named with a slash, or by their file."""
    told = (ROOT / document).read_text(encoding="utf-8")
    places = [
        ROOT,
        ROOT / "python" / "charms_reactive",
        ROOT / "python" / "charms_reactive" / "testing" / "_unit",
        ROOT / "python" / "charms_reactive" / "testing" / "_running",
        ROOT / "wheel-data" / "scripts",
        ROOT / "tests" / "engine",
    ]
    for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)+|\w+/|\w+\.(?:py|pyi|sh))`", told):
        if not name.startswith("hooks/"):
            assert any((place / name).exists() for place in places), name


def test_drawings_say_what_they_show_and_can_be_read_in_the_dark() -> None:
    drawings = sorted((ROOT / "docs" / "images").glob("*.svg"))
    assert len(drawings) >= 2
    for path in drawings:
        text = path.read_text(encoding="utf-8")
        ET.fromstring(text)
        assert "<title id=" in text
        assert "<desc id=" in text
        assert "@media (prefers-color-scheme: dark)" in text
        shown = [(ROOT / page).read_text(encoding="utf-8") for page in (*pages(), "docs/architecture.md")]
        assert any(path.name in page for page in shown), "no page shows %s" % path.name


def test_drawings_can_be_read_on_a_phone() -> None:
    """Where a page is 358 pixels wide, and a drawing as wide as that, its letters have 11 pixels at least."""
    for path in (ROOT / "docs" / "images").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        width = float(ET.fromstring(text).attrib["viewBox"].split()[2])
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", text)]
        assert len(sizes) >= 4
        assert min(sizes) * 358 / width >= 11, path.name


# -- all of them ---------------------------------------------------------------------------------
def test_every_page_that_is_read_by_name_is_there() -> None:
    assert set(read_by_name()) <= set(pages())
    assert {"docs/testing.md", "docs/bash.md", "docs/command-line.md"} <= set(read_by_name())


def test_every_block_says_what_it_is() -> None:
    """So that a block cannot be taken for text because somebody forgot to say."""
    known = {"python", "console", "bash", "text", "yaml", "toml", "json", "ini", "sh"}
    for name in pages():
        for block in documents.blocks(ROOT / name):
            place = "%s:%d" % (name, block.line)
            assert block.language in known, "%s: %r" % (place, block.language)
            assert not (block.language == "text" and block.text.startswith("$ ")), "%s: a session" % place


def test_restructured_text_shows_no_code() -> None:
    """Nothing here would run it: the reference's examples are in docstrings; see test_api_reference.py."""
    for path in ROOT.glob("docs/**/*.rst"):
        shown = re.search(r"^\.\. (code|code-block|literalinclude)::|^(?!\.\. ).*::$", path.read_text(), re.M)
        assert shown is None, path


# -- the walk itself -----------------------------------------------------------------------------
Walk = Callable[..., documents.Page]


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walk:
    """Writes a page, in which ~ stands for a backquote, and walks it."""

    def walk(text: str, **arguments: Any) -> documents.Page:
        monkeypatch.setattr(documents, "ROOT", tmp_path)
        (tmp_path / "Makefile").write_text("help: ## list the targets\n")
        (tmp_path / "page.md").write_text(text.replace("~", "`"), encoding="utf-8")
        page = documents.Page("page.md")
        page.walk(tmp_path, monkeypatch, **arguments)
        return page

    return walk


def test_a_file_is_written_gets_longer_and_is_replaced(walk: Walk, tmp_path: Path) -> None:
    walk("~a/b.py~\n\n~~~python\nx = 1\n~~~\n\nMore:\n\n~a/b.py~:\n\n~~~python\ny = 2\n~~~\n")
    assert (tmp_path / "a/b.py").read_text() == "x = 1\n\n\ny = 2\n"
    walk("~a/b.py~\n\n~~~python\nx = 1\n~~~\n\n~a/b.py~, in full:\n\n~~~bash\n#!/bin/sh\n~~~\n")
    assert (tmp_path / "a/b.py").read_text() == "#!/bin/sh\n"
    assert os.access(tmp_path / "a/b.py", os.X_OK)


def test_python_goes_on_from_block_to_block_and_prints_what_is_shown(walk: Walk) -> None:
    page = walk(
        "~~~python\nx = given\n~~~\n\n~~~python\nprint(x)\n~~~\n\n~~~text\n7\n~~~\n", given={"given": 7}
    )
    assert page.untried == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("~~~python\nprint(8)\n~~~\n\n~~~text\n7\n~~~\n", "page.md:2 printed\n8"),
        ("~~~python\nprint(8)\n~~~\n", "page.md:2 printed what is not shown:\n8"),
        ("~~~python\nprint(end='')\n~~~\n\n~~~text\n7\n~~~\n", "page.md:2 printed\n"),
        ("~~~console\n$ echo 8\n7\n~~~\n", "page.md:2: echo 8 printed\n8"),
        ("~~~console\n$ false\n~~~\n", "page.md:2: false failed and said nothing"),
        ("~~~perl\n1\n~~~\n", "page.md:2: nothing is known of a block of 'perl'"),
        ("~~~sh\nmake world\n~~~\n", "'make world' is no target of the Makefile, which has help"),
        ("~~~\n1\n~~~\n", "page.md:2: nothing is known of a block of ''"),
    ],
)
def test_a_page_that_says_what_is_not_so(walk: Walk, text: str, message: str) -> None:
    with pytest.raises((documents.DocumentError, ValueError), match=re.escape(message)):
        walk(text)


def test_data_are_parsed(walk: Walk) -> None:
    assert (
        walk("~~~yaml\na: 1\n~~~\n\n~~~json\n{}\n~~~\n\n~~~toml\na = 1\n~~~\n\n~~~ini\n[a]\n~~~\n").untried
        == []
    )
    with pytest.raises(yaml.YAMLError):
        walk("~~~yaml\na: [\n~~~\n")


def test_a_file_may_be_there_for_the_next_block_only(walk: Walk, tmp_path: Path) -> None:
    walk("~a~\n\n~~~text\nx\n~~~\n\n~~~python\nopen('a').close()\n~~~\n", brief=("a",))
    assert not (tmp_path / "a").exists()


def test_a_block_that_nothing_tries_is_an_error(walk: Walk, tmp_path: Path) -> None:
    page = walk("~~~python\nx = 1\n~~~\n\n~~~text\nx\n~~~\n").path.name
    with pytest.raises(documents.DocumentError, match=r"nothing has tried page\.md:2$"), reading(page):
        pass


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a\n...\nz\n", "a\nb\nc\nz\n"),
        ("✓ install 20 ms  x", "✓ install              1.2 s  x"),
        ("3 passed in 0.10s", "3 passed in 12.34s"),
    ],
)
def test_what_a_session_shows(shown: str, printed: str) -> None:
    assert documents.same(shown, printed)
    assert not documents.same(shown + "\nmore", printed)
    assert not documents.same(shown, printed + "more")
