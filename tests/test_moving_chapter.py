"""The chapter on moving from 1.5.x: nothing that differs is left out, and its names are what it says."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import pytest

import charms.reactive
import documents
from framework.conftest import engine_name, framework  # noqa: F401 -- fixtures
from framework.support import Framework
from reference import reference

pytestmark = pytest.mark.once

CHAPTER = documents.DOCS / "moving-from-1.5.md"

# The rows of section 20 of the contract, in its order.
AREAS = [
    "install",
    "when_file_changed",
    "only_once",
    "loops",
    "queue",
    "tracer",
    "log",
    "order",
    "errors",
    "rollback",
    "bash",
    "restricted hooks",
    "conversations",
    "flag values",
    "relation data",
    "publishing",
    "app data",
    "requests",
    "guard",
]


def table(section: str) -> List[List[str]]:
    """The rows of the table in a section, without the head; each is its cells."""
    text = CHAPTER.read_text(encoding="utf-8").split("\n## %s\n" % section, 1)[1].split("\n## ", 1)[0]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]


def test_every_area_of_the_contract_has_its_row() -> None:
    rows = table("What behaves differently")
    names = [row[0].replace("`", "").lstrip("@") for row in rows]
    assert [name for name in names if name in AREAS] == AREAS
    assert len(names) == len(set(names))
    for row in rows:
        assert len(row) == 4, row
        assert all(row[1:3]), row


# -- names that tests have patched ------------------------------------------------------------------
MODULES = ("", "bus", "decorators", "endpoints", "flags", "helpers", "relations", "trace")


def source_of(module: str) -> Path:
    """The file of a module of 1.5.3."""
    (package,) = reference().bin.parent.glob("lib/python3*/site-packages/charms/reactive")
    return package / ("%s.py" % (module or "__init__"))


def names_in(path: Path, imports_only: bool = False) -> Set[str]:
    """What the source of a module defines or imports at its top."""
    found: Set[str] = set()
    nodes = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Try):
            nodes += node.body
        elif imports_only:
            continue
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return found - {"*"}


def listed(what: str) -> List[Tuple[str, str]]:
    """Module and name of each patch that the chapter says is gone, or without effect."""
    rows = [row for row in table("Tests of a charm, with mocks") if row[1].startswith(what)]
    names = re.findall(r"`([\w.]+)`", " ".join(row[0] for row in rows))
    return [tuple(name.rsplit(".", 1)) for name in names]  # type: ignore[misc]


@pytest.mark.parametrize("module", MODULES)
def test_what_1_5_had_because_it_imported_it_is_there(module: str) -> None:
    name_of_module = ".".join(filter(None, ("charms.reactive", module)))
    gone = {name for where, name in listed("gone") if where == name_of_module}
    ours = importlib.import_module(name_of_module)
    wanted = names_in(source_of(module), imports_only=True) - gone
    assert wanted
    # charmhelpers.core.host and what imports it cannot be imported on every system.
    missing = [name for name in sorted(wanted - {"host"}) if not hasattr(ours, name)]
    assert not missing


def test_what_the_chapter_lists_was_there_in_1_5() -> None:
    for what in ("gone", "without effect"):
        assert listed(what)
        for module, name in listed(what):
            assert hasattr(importlib.import_module(module), name) == (what != "gone"), (module, name)
            assert name in names_in(source_of(module.rpartition(".")[2])), (module, name)


# -- deprecated names -----------------------------------------------------------------------------
def deprecated() -> Dict[str, str]:
    """Everything whose docstring says so: its name, as charms write it, with the module."""
    import charms_reactive

    found = {}
    for info in pkgutil.walk_packages(charms_reactive.__path__, "charms_reactive."):
        if info.name.rpartition(".")[2] in ("_native", "__main__") or ".testing" in info.name:
            continue
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", None) != info.name:
                continue
            if _says_so(thing):
                found[name] = info.name
            if inspect.isclass(thing) and not _says_so(thing):
                for member, value in vars(thing).items():
                    if _says_so(getattr(value, "__func__", value)):
                        found["%s.%s" % (name, member)] = info.name
    return found


def _says_so(thing: Any) -> bool:
    return ".. deprecated::" in (getattr(thing, "__doc__", None) or "")


def test_every_deprecated_name_is_listed_and_still_there() -> None:
    listed = [name for row in table("Deprecated names") for name in re.findall(r"`([\w.]+)`", row[0])]
    known = set(deprecated())
    assert len(known) > 15
    # A member of a class that is deprecated as a whole may be listed on its own.
    assert known <= set(listed)
    modules = (charms.reactive, charms.reactive.flags, charms.reactive.endpoints, charms.reactive.relations)
    for name in listed:
        first, _, member = name.partition(".")
        owners = [getattr(module, first) for module in modules if hasattr(module, first)]
        assert owners, name
        assert not member or hasattr(owners[0], member), name


def test_a_value_is_taken_away_as_the_chapter_says(framework: Framework) -> None:  # noqa: F811
    reactive = charms.reactive
    reactive.set_flag("x", 1)
    reactive.set_flag("x")
    assert reactive.flags.get_state("x") == 1
    reactive.set_flag("x", None)
    assert reactive.flags.get_state("x") is None
