"""The reference in the manual has everything that is public, and nothing that is not there."""

from __future__ import annotations

import ast
import importlib
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Dict, Iterator, Tuple

import pytest

import charms_reactive
from documents import ROOT

pytestmark = pytest.mark.once

PAGES = sorted((ROOT / "docs" / "api").glob("*.rst"))

# The module of each page's names, as readers import them.
MODULES = {
    "charms.reactive": charms_reactive,
    "charms.reactive.bus": charms_reactive.bus,
    "charms.reactive.decorators": charms_reactive.decorators,
    "charms.reactive.endpoints": charms_reactive.endpoints,
    "charms.reactive.errors": charms_reactive.errors,
    "charms.reactive.flags": charms_reactive.flags,
    "charms.reactive.helpers": charms_reactive.helpers,
    "charms.reactive.patterns.request_response": charms_reactive.patterns.request_response,
    "charms.reactive.relations": charms_reactive.relations,
    "charms.reactive.trace": charms_reactive.trace,
    **{
        name: importlib.import_module(name)
        for name in (
            "charms.reactive.events",
            "charms.reactive.records",
            "charms.reactive.secrets",
            "charms.reactive.status",
            "charms_reactive.testing",
            "charms_reactive.testing.hooktools",
        )
    },
}

_MODULE = re.compile(r"\.\. (?:module|currentmodule|automodule):: (\S+)")
_ENTRY = re.compile(r"\.\. (?:auto(?:function|decorator|class|exception|data)|data):: ([\w.]+)")


def entries() -> Iterator[Tuple[str, str, Path]]:
    """The module, the name and the page of all that the reference describes."""
    for page in PAGES:
        module = ""
        for line in page.read_text(encoding="utf-8").splitlines():
            current, entry = _MODULE.match(line), _ENTRY.match(line)
            if current:
                module = current.group(1)
            elif entry:
                path, _, name = entry.group(1).rpartition(".")
                yield path or module, name, page


def described() -> Dict[int, str]:
    """The identity of each object of the reference, with the name that it has there."""
    return {
        id(getattr(importlib.import_module(module), name)): "%s.%s" % (module, name)
        for module, name, _ in entries()
    }


@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_public_name_is_in_the_reference(module: str) -> None:
    there = described()
    public = getattr(MODULES[module], "__all__", None) or ["main", "engine_name", "ReactiveError"]
    things = {name: getattr(MODULES[module], name) for name in public}
    # A module is asked for by itself, see below.
    wanted = {name: thing for name, thing in things.items() if not isinstance(thing, ModuleType)}
    assert [name for name, thing in wanted.items() if id(thing) not in there] == []


def test_every_public_module_of_the_package_is_asked_for() -> None:
    """A new module that has ``__all__`` and no underscore has to be put here, or to say why not."""
    package = Path(charms_reactive.__file__).parent
    found = {
        "charms.reactive" + "".join(".%s" % part for part in path.relative_to(package).with_suffix("").parts)
        for path in [*package.glob("*.py"), *package.glob("patterns/*.py")]
        if not path.name.startswith("_") and "\n__all__ = " in path.read_text(encoding="utf-8")
    }
    beside = {
        "charms.reactive.cli",  # the command line, which has a chapter
        "charms.reactive.discovery",  # reached through bus
        "charms.reactive.external",  # reached through bus
        "charms.reactive.handlers",  # reached through bus; the rest is between the engine and the bus
    }
    assert found - beside == {name for name in MODULES if name.startswith("charms.reactive.")}


def test_nothing_is_described_twice_or_without_words() -> None:
    names = [(module, name) for module, name, _ in entries()]
    assert len(names) == len(set(names))
    for module, name, page in entries():
        assert getattr(importlib.import_module(module), name).__doc__, "%s of %s" % (name, page.name)


def test_classes_whose_signature_is_left_out_are_in_the_reference() -> None:
    """A name that is misspelt, or gone, would leave out nothing."""
    (names,) = [
        ast.literal_eval(node.value)
        for node in ast.parse((ROOT / "docs" / "conf.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MADE_BY_US"
    ]
    assert names - {"%s.%s" % (module, name) for module, name, _ in entries()} == set()


def examples() -> Iterator[Tuple[str, str]]:
    """The examples in docstrings, each with the file and line it begins in."""
    package = Path(charms_reactive.__file__).parent
    for path in [*package.rglob("*.py"), *package.parent.glob("pytest_charms_reactive/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                found = re.finditer(r"::\n\n((?: +.*\n|\n)+)", ast.get_docstring(node) or "")
                for number, example in enumerate(found):
                    name = getattr(node, "name", "the module")
                    yield "%s: %s, %d" % (path.relative_to(package), name, number), example.group(1)


def test_examples_in_docstrings_are_python() -> None:
    """They are fragments, which cannot run by themselves; what runs is in the chapters."""
    command = re.compile(r"(\$ |[A-Z_]+=\S+ )*(charms\.reactive|\./hooks/)")
    found = [(place, textwrap.dedent(text)) for place, text in examples()]
    assert len(found) >= 8
    for place, text in found:
        if not command.match(text):
            compile(text, place, "exec")


def test_every_page_is_in_the_table_and_in_the_tree() -> None:
    index = (ROOT / "docs" / "api" / "index.rst").read_text(encoding="utf-8")
    for page in PAGES:
        if page.stem != "index":
            assert ":doc:`%s`" % page.stem in index
            assert "\n   %s\n" % page.stem in index


def test_every_variable_is_in_the_table_of_settings() -> None:
    settings = (ROOT / "docs" / "api" / "settings.rst").read_text(encoding="utf-8")
    sources = [
        *(ROOT / "python").rglob("*.py"),
        *(ROOT / "crates").rglob("src/*.rs"),
        *(ROOT / "wheel-data").rglob("*.sh"),
        ROOT / "packaging" / "build_backend.py",
    ]
    known = {
        variable
        for source in sources
        for variable in re.findall(r"CHARMS_REACTIVE_[A-Z_]*[A-Z]", source.read_text(encoding="utf-8"))
    }
    assert len(known) >= 10
    assert sorted(variable for variable in known if variable not in settings) == []
