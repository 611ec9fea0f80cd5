"""Every import goes down: the floors as ARCHITECTURE.md lists them, and no circles between files.

Imports that stand in a function or are only for type checkers count like any other, and stubs like modules.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Sequence, Set

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "python"
PACKAGE = "charms_reactive"
PLUGIN = "pytest_charms_reactive"

pytestmark = pytest.mark.once


class Import(NamedTuple):
    """One module names another."""

    module: str
    line: int
    imported: str


# -- what there is ----------------------------------------------------------------------------------
def floors() -> Dict[str, int]:
    """The floor of each module or folder that ARCHITECTURE.md lists below "Floors", lowest first."""
    told = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    (listing,) = re.findall(r"^## Floors\n.*?```text\n(.*?)```", told, re.DOTALL | re.MULTILINE)
    found: Dict[str, int] = {}
    for number, line in enumerate(listing.splitlines()):
        _, _, modules = line.partition(": ")
        assert modules, line
        for module in modules.split():
            assert module not in found, "%s is on two floors" % module
            found[module] = number
    return found


def floor_of(module: str, listed: Mapping[str, int]) -> int:
    """The floor of a module: its own, or that of the nearest folder above it that is listed."""
    name = re.sub(r"^charms[._]reactive\.", "", re.sub(r"^charms\.reactive$", PACKAGE, module))
    while name not in listed:
        name, dot, _ = name.rpartition(".")
        assert dot, "%s has no floor: list it, or its folder, in ARCHITECTURE.md" % module
    return listed[name]


def modules_below(root: Path, packages: Sequence[str]) -> Dict[str, Path]:
    """The files of these packages, stubs too, by the names of their modules."""
    found = {}
    for package in packages:
        for suffix in (".py", ".pyi"):
            for path in sorted((root / package).rglob("*" + suffix)):
                parts = list(path.relative_to(root).with_suffix("").parts)
                if parts[-1] == "__init__":
                    parts.pop()
                found[".".join(parts) + (" (stub)" if suffix == ".pyi" else "")] = path
    return found


def imports_of(module: str, path: Path, known: Set[str]) -> Iterator[Import]:
    """The modules of ours that a file imports, wherever it does."""
    module_name = module.replace(" (stub)", "")
    package = module_name if path.stem == "__init__" else module_name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package
            for _ in range(node.level - 1):
                base = base.rpartition(".")[0]
            base = ".".join(part for part in (base if node.level else "", node.module) if part)
            # A name is a module, or something in the module that it is imported from.
            names = [name if name in known else base for name in (base + "." + a.name for a in node.names)]
        else:
            continue
        for name in names:
            if name in known and name != module_name:
                yield Import(module, node.lineno, name)


def imports_below(root: Path, packages: Sequence[str]) -> List[Import]:
    modules = modules_below(root, packages)
    known = {name.replace(" (stub)", "") for name in modules}
    return [found for name, path in modules.items() for found in imports_of(name, path, known)]


# -- the checks -------------------------------------------------------------------------------------
def going_up(imports: Sequence[Import], listed: Mapping[str, int]) -> List[str]:
    """What is wrong with each import that goes to a higher floor."""
    wrong = []
    for one in imports:
        here, there = floor_of(one.module.replace(" (stub)", ""), listed), floor_of(one.imported, listed)
        if there > here:
            place = "%s, line %d, on floor %d" % (one.module, one.line, here)
            wrong.append("%s, imports %s, which is on floor %d" % (place, one.imported, there))
    return wrong


def circles(imported_by: Mapping[str, Set[str]]) -> List[List[str]]:
    """The circles in a graph, each as its members in order; none if there is none."""
    left = {name: set(others) for name, others in imported_by.items()}
    while True:
        # Whatever imports nothing that is left is in no circle, nor is what nothing left imports.
        named = {other for others in left.values() for other in others}
        free = [name for name, others in left.items() if not others & set(left) or name not in named]
        if not free:
            break
        for name in free:
            del left[name]
    found: List[List[str]] = []
    while left:
        way = [min(left)]
        while True:
            following = min(left[way[-1]] & set(left))
            if following in way:
                break
            way.append(following)
        found.append(way[way.index(following) :])
        del left[following]
        while True:
            free = [name for name, others in left.items() if not others & set(left)]
            if not free:
                break
            for name in free:
                del left[name]
    return found


def test_no_import_goes_up() -> None:
    imports = imports_below(PYTHON, [PACKAGE, PLUGIN, "charms/reactive"])
    assert len(imports) > 500
    assert "charms_reactive._engine._native" in {one.imported for one in imports}
    # What stands for a module asks its own package whether that is ours; Python has imported it by then.
    imports = [one for one in imports if one.imported != "charms.reactive"]
    wrong = going_up(imports, floors())
    assert not wrong, "imports that go up:\n" + "\n".join(wrong)


def test_every_floor_that_is_listed_is_there() -> None:
    there = set(modules_below(PYTHON, [PACKAGE, PLUGIN]))
    assert [name for name in floors() if name not in there and PACKAGE + "." + name not in there] == []


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph: Dict[str, Set[str]] = {}
    for one in imports_below(PYTHON, [PACKAGE, PLUGIN]):
        graph.setdefault(one.module.replace(" (stub)", ""), set()).add(one.imported)
    found = circles(graph)
    assert not found, "circles:\n" + "\n".join(" -> ".join([*circle, circle[0]]) for circle in found)


@pytest.mark.parametrize("crate", ["reactive-command", "reactive-core", "reactive-python"])
def test_no_module_of_rust_uses_itself_by_way_of_others(crate: str) -> None:
    source = ROOT / "crates" / crate / "src"
    graph = {
        path.stem: set(re.findall(r"\bcrate::(?:\{)?(\w+)", path.read_text(encoding="utf-8"))) - {path.stem}
        for path in sorted(source.glob("*.rs"))
        if path.stem not in ("lib", "main")  # the crate itself, which names them all
    }
    assert len(graph) > 2
    assert circles(graph) == []


def test_the_crates_stand_on_the_engine_and_on_nothing_else_of_ours() -> None:
    for crate, below in {
        "reactive-core": [],
        "reactive-command": ["reactive-core"],
        "reactive-python": ["reactive-core"],
    }.items():
        manifest = (ROOT / "crates" / crate / "Cargo.toml").read_text(encoding="utf-8")
        (dependencies,) = re.findall(r"(?ms)^\[dependencies\]\n(.*?)(?=^\[|\Z)", manifest) or [""]
        assert re.findall(r"(?m)^(reactive-\w+)", dependencies) == below, crate


# -- the checks themselves ----------------------------------------------------------------------------
WRONG = {
    "pkg/__init__.py": "",
    "pkg/low.py": "def f():\n    from pkg.high import g\n",
    "pkg/high.py": "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from . import low\n",
    "pkg/sub/__init__.py": "",
    "pkg/sub/one.py": "from ..high import g\n",
    "pkg/sub/native.pyi": "from .. import high\n",
}


def test_an_import_that_goes_up_or_round_is_found(tmp_path: Path) -> None:
    for name, text in WRONG.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    imports = imports_below(tmp_path, ["pkg"])
    listed = {"pkg": 0, "pkg.sub": 1, "pkg.low": 0, "pkg.high": 2}
    assert sorted(going_up(imports, listed)) == [
        "pkg.low, line 2, on floor 0, imports pkg.high, which is on floor 2",
        "pkg.sub.native (stub), line 1, on floor 1, imports pkg.high, which is on floor 2",
        "pkg.sub.one, line 1, on floor 1, imports pkg.high, which is on floor 2",
    ]
    assert circles({"pkg.low": {"pkg.high"}, "pkg.high": {"pkg.low"}, "pkg.sub.one": {"pkg.high"}}) == [
        ["pkg.high", "pkg.low"]
    ]
