"""Small mistakes in the Python code, one at a time: does a test notice?

    .venv/bin/python tests/mutants.py COPY               copies the tree, and notes which test runs which line
    .venv/bin/python tests/mutants.py COPY 300 --seed 7  tries 300 mutants there, and lists those that survive

A tool for developers, which no test runs. A mutant is one change of an expression or a statement: another
comparison, `and` for `or`, a constant, a narrower `except`, a statement or an argument that is gone. The
tests that run the line are run, those first that run the fewest lines; what survives them is tried on all
tests of the folders in ``FOLDERS`` by the same command with ``--again``. What is left shows a test that is
missing, or changes nothing that anybody can see. Results are kept in ``COPY/mutants.jsonl``, and a command
goes on where the last one ended.
"""

from __future__ import annotations

import argparse
import ast
import copy
import itertools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

ROOT = Path(__file__).resolve().parent.parent

# What a run for coverage leaves out says nothing of this code, or starts processes only.
COVERED = (
    "framework relations events records status state bash testing model interfaces plugin commands engine "
    "history tools agent"
)

# The tests of a module, by the beginning of its path below python/; among them those that start processes.
FOLDERS = {
    "charms_reactive/_engine": "engine framework",
    "charms_reactive/_unit_state": "state commands/test_trouble.py framework/test_spec13_main.py",
    "charms_reactive/_juju": "framework status relations",
    "charms_reactive/_juju/agent": "agent",
    "charms_reactive/_juju/calls": "agent framework",
    "charms_reactive/_juju/gob": "agent",
    "charms_reactive/_shell": "bash framework/test_files_in_the_way.py",
    "charms_reactive/_dispatch": "framework state relations/test_automatic_flags.py plugin",
    "charms_reactive/_dispatch/memory": "history",
    "charms_reactive/_dispatch/notes": "history framework",
    "charms_reactive/_dispatch/telemetry": "history",
    "charms_reactive/_dispatch/unit_as_state": "history",
    "charms_reactive/_events": "events",
    "charms_reactive/_history": "history",
    "charms_reactive/_relations": "relations interfaces",
    "charms_reactive/_records": "records",
    "charms_reactive/_commands": "commands",
    "charms_reactive/_errors": "framework events records status state",
    "charms_reactive/patterns": "relations/test_request_response.py interfaces",
    "charms_reactive/testing/_model": "model",
    "charms_reactive/testing/_running": "testing/test_inprocess.py testing/test_isolation.py testing plugin",
    "charms_reactive/testing/_terminal": "testing/test_simulate.py",
    "charms_reactive/testing/_unit": "testing/test_state.py testing/test_scenario.py testing",
    "charms_reactive/testing/hooktools": "testing/hooktools testing/test_hooktools.py testing",
    "charms_reactive/testing/explain": "testing/test_explain.py plugin",
    "charms_reactive/testing": "testing plugin",
    "charms_reactive/tools": "tools",
    "charms_reactive/cli": "framework/test_spec7_cli.py framework/test_spec7_bash.py commands",
    "charms_reactive/status": "status",
    "charms_reactive/records": "records",
    "charms_reactive/events": "events",
    "charms_reactive/endpoints": "relations interfaces",
    "charms_reactive/relations": "relations interfaces framework",
    "charms_reactive/flags": "framework state engine",
    "charms_reactive": "framework bash",
    "pytest_charms_reactive": "plugin",
}

# Few random programs, and always the same.
OPTIONS = [
    "-x",
    "-q",
    "-n0",
    "--no-header",
    "-pno:cacheprovider",
    "--programs=200",
    "--command-steps=60",
    "--seed=0",
]

# For the first try: one engine, and nothing that starts processes.
QUICK = ["--further", "-mnot long"]


# -- mutants -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Mutant:
    """One change: the text between two places of a file, and what stands there instead."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    what: str
    statement: int  # the line on which its statement begins, which is the one that coverage counts

    def apply(self, source: str) -> str:
        lines = source.encode("utf-8").splitlines(keepends=True)
        before = b"".join(lines[: self.line - 1]) + lines[self.line - 1][: self.column]
        after = lines[self.end_line - 1][self.end_column :] + b"".join(lines[self.end_line :])
        return (before + self.text.encode("utf-8") + after).decode("utf-8")

    @property
    def name(self) -> str:
        return "%s:%d:%d %s" % (self.file, self.line, self.column, self.what)


_COMPARISONS = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}

# An exception, and one kind of it.
_NARROWER = {
    "OSError": "FileNotFoundError",
    "Exception": "ArithmeticError",
    "BaseException": "Exception",
    "ValueError": "UnicodeError",
    "LookupError": "KeyError",
    "ImportError": "ModuleNotFoundError",
}


def mutants(path: Path, name: str) -> Iterator[Mutant]:
    """All mutants of a file, in the order of its text."""
    source = path.read_text(encoding="utf-8")
    for node, statement in _code(ast.parse(source)):
        for changed, what in _changes(node):
            text = changed if isinstance(changed, str) else ast.unparse(changed)
            if isinstance(node, ast.expr):
                text = "(%s)" % text if not isinstance(node, ast.Constant) else text
            where = node.type if isinstance(node, ast.ExceptHandler) else node
            assert where is not None
            end = where.end_lineno or 0, where.end_col_offset or 0
            yield Mutant(name, where.lineno, where.col_offset, *end, text, what, statement)


def _code(tree: ast.Module) -> Iterator[Tuple[Any, int]]:
    """The statements and expressions that run: without docstrings, annotations and what type checkers see.

    Each comes with the line on which its statement begins.
    """
    waiting: List[Tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:
        node, line = waiting.pop()
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            line = node.lineno
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += [(child, line) for child in reversed(node.orelse)]
            continue
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in (
            "__all__",
            "TYPE_CHECKING",
        ):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        yield node, line
        if isinstance(node, ast.JoinedStr):  # the parts of an f-string have no places before CPython 3.12
            continue
        left_out = {id(getattr(node, name, None)) for name in ("annotation", "returns")}
        children = [child for child in ast.iter_child_nodes(node) if id(child) not in left_out]
        waiting += [(child, line) for child in reversed(children)]


def _changes(node: ast.AST) -> Iterator[Tuple[Any, str]]:
    """What may stand in the place of a node, each with a few words."""
    new: Any = copy.deepcopy(node)
    if isinstance(node, ast.Compare):
        new.ops[0] = _COMPARISONS[type(node.ops[0])]()
        yield new, "comparison: " + ast.unparse(new)
    elif isinstance(node, ast.BoolOp):
        new.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield new, "boolean: " + ast.unparse(new)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand, "boolean: without not"
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield str(not node.value), "constant: %s" % (not node.value)
        elif isinstance(node.value, int):
            yield str(node.value + 1), "constant: %d" % (node.value + 1)
        elif isinstance(node.value, str) and node.value.isidentifier():
            yield repr(node.value + "x"), "constant: %r" % (node.value + "x")
    elif isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Tuple):
        for index in range(len(node.type.elts)):
            fewer = copy.deepcopy(node.type)
            gone = fewer.elts.pop(index)
            yield "(%s)" % ast.unparse(fewer), "except: without " + ast.unparse(gone)
    elif isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name):
        if node.type.id in _NARROWER:
            yield _NARROWER[node.type.id], "except: " + _NARROWER[node.type.id]
    elif isinstance(node, (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break, ast.Delete)) or (
        isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name)
    ):
        yield "pass", "statement removed: " + ast.unparse(node).splitlines()[0][:60]
    elif isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield "return None", "returns None"
    elif isinstance(node, ast.Call):
        for index in range(len(node.keywords)):
            fewer_words: Any = copy.deepcopy(node)
            gone_word = fewer_words.keywords.pop(index)
            yield fewer_words, "argument removed: " + ast.unparse(gone_word)
        if len(node.args) > 1 and not isinstance(node.args[-1], ast.Starred):
            new.args.pop()
            yield new, "argument removed: " + ast.unparse(node.args[-1])


def chosen(tree: Path, count: int, seed: int) -> List[Mutant]:
    """That many mutants, of each kind as many; within a kind each has the same chance."""
    kinds: Dict[str, List[Mutant]] = {}
    for path in sorted((tree / "python").rglob("*.py")):
        for mutant in mutants(path, path.relative_to(tree).as_posix()):
            kinds.setdefault(mutant.what.partition(":")[0], []).append(mutant)
    draw = random.Random(seed)
    for of_kind in kinds.values():
        draw.shuffle(of_kind)
    turns = (mutant for turn in itertools.zip_longest(*map(kinds.get, sorted(kinds))) for mutant in turn)
    return list(itertools.islice(filter(None, turns), count))


# -- the copy ------------------------------------------------------------------------------------
def make_copy(tree: Path) -> None:
    """Copy the source tree and its .venv, and have the copy of that find the copy of this."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=str(ROOT), check=True, stdout=subprocess.PIPE
    ).stdout
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    names += [path.relative_to(ROOT).as_posix() for path in ROOT.glob("python/**/_native*.so")]
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(ROOT / name), str(tree / name))
    for directory in (".venv", ".cache"):
        if (ROOT / directory).is_dir():
            shutil.copytree(str(ROOT / directory), str(tree / directory), symlinks=True)
    for pattern in (".venv/bin/*", ".venv/**/*.pth", ".cache/bench/**/*.pth", ".cache/bench/*/bin/*"):
        for path in tree.glob(pattern):
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            if os.fsencode(ROOT) in content and not content.startswith(b"\x7fELF"):
                path.write_bytes(content.replace(os.fsencode(ROOT), os.fsencode(tree)))


def cover(tree: Path) -> None:
    """Note which test runs which line, in ``.coverage``."""
    (tree / "mutants.ini").write_text(
        "[run]\ndynamic_context = test_function\nsource = %s/python\ndata_file = %s/.coverage\n"
        % (tree, tree)
    )
    python = str(tree / ".venv/bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "coverage>=7"], check=True)
    command = [python, "-m", "coverage", "run", "--rcfile", "mutants.ini", "-m", "pytest", *OPTIONS[1:]]
    folders = ["tests/" + name for name in COVERED.split()]
    subprocess.run(
        [*command, "--further", "-o", "filterwarnings=default", *folders], cwd=str(tree), check=False
    )


class Covered:
    """Which test functions run a line, those first that run the fewest lines."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._data = sqlite3.connect(str(tree / ".coverage"))
        self._contexts = dict(self._data.execute("select id, context from context"))
        size: Dict[int, int] = {}
        for context, bits in self._data.execute("select context_id, numbits from line_bits"):
            size[context] = size.get(context, 0) + sum(bin(byte).count("1") for byte in bits)
        self._size = size
        self._files: Dict[str, List[str]] = {}
        for path in sorted((tree / "tests").rglob("test_*.py")):
            self._files.setdefault(path.stem, []).append(path.relative_to(tree).as_posix())

    def tests(self, file: str, line: int) -> List[str]:
        """The ids of the tests of a line, without what they are parametrized with."""
        rows = self._data.execute(
            "select context_id, numbits from line_bits join file on file.id = file_id where path = ?",
            (str(self._tree / file),),
        )
        found = [id for id, bits in rows if line // 8 < len(bits) and bits[line // 8] & 1 << line % 8]
        names = [self._contexts[id] for id in sorted(found, key=self._size.__getitem__)]
        return [test for name in names for test in self._ids(name)]

    def _ids(self, context: str) -> List[str]:
        parts = context.split(".")
        stems = [part for part in parts if part.startswith("test_") and part in self._files]
        if not stems or not parts[-1].startswith("test_"):
            return []
        return ["%s::%s" % (file, parts[-1]) for file in self._files[stems[0]]]


# -- a run ---------------------------------------------------------------------------------------
def passes(tree: Path, tests: Sequence[str], seconds: float) -> Tuple[bool, str]:
    """Whether tests pass, and what they said where not; too slow is not."""
    process = subprocess.Popen(
        ["nice", "-n", "5", str(tree / ".venv/bin/python"), "-B", "-m", "pytest", *OPTIONS, *tests],
        cwd=str(tree),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False, "too slow"
    lines = said.decode(errors="replace").splitlines()
    # 5: no test of these is to run here, which tells nothing.
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return process.returncode in (0, 5), failed[0] if failed else "\n".join(lines[-3:])


def existing(tree: Path, tests: Sequence[str]) -> List[str]:
    """Those tests whose file has a function of that name: two files may have the same name."""
    return [
        test
        for test in tests
        if "def %s(" % test.partition("::")[2] in (tree / test.partition("::")[0]).read_text(encoding="utf-8")
    ]


def verdict(tree: Path, covered: Covered, mutant: Mutant, folders: bool, seconds: float) -> Tuple[str, str]:
    """``killed``, ``too slow`` or ``survived``, and by what or after what."""
    path = tree / mutant.file
    source = path.read_text(encoding="utf-8")
    lines = range(mutant.statement, mutant.end_line + 1)
    tests = existing(
        tree, list(dict.fromkeys(test for line in lines for test in covered.tests(mutant.file, line)))
    )
    stages: List[List[str]] = [[*QUICK, *tests[:10]], [*QUICK, *tests[10:60]]]
    if folders:
        stages = [tests[:40], ["tests/" + name for name in _folders(mutant.file).split()]]
    path.write_text(mutant.apply(source), encoding="utf-8")
    try:
        for number, stage in enumerate(stages):
            if any("::" in test or test.startswith("tests/") for test in stage):
                passed, said = passes(tree, stage, seconds * (4 if folders and number else 1))
                if not passed:
                    # A loop without an end is noticed by whoever waits; so is a machine with much to do.
                    return "too slow" if said == "too slow" else "killed", said
    finally:
        path.write_text(source, encoding="utf-8")
    return "survived", "%d tests run it%s" % (len(tests), ", and all of the folder" if folders else "")


def _folders(file: str) -> str:
    name = file[len("python/") :]
    return FOLDERS[max((prefix for prefix in FOLDERS if name.startswith(prefix)), key=len)]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("copy", type=Path, help="the directory in which all happens")
    parser.add_argument("count", type=int, nargs="?", default=0, help="how many mutants to try")
    parser.add_argument("--seed", type=int, default=0, help="from which they are drawn")
    parser.add_argument(
        "--again", action="store_true", help="try those that have survived, with all of their folders"
    )
    parser.add_argument(
        "--part", default="1/1", metavar="K/N", help="only each Nth of them, for N copies side by side"
    )
    parser.add_argument("--seconds", type=float, default=300, help="that the tests of one may take")
    options = parser.parse_args(arguments)
    tree = options.copy.resolve()
    if not tree.exists():
        make_copy(tree)
    if not (tree / ".coverage").exists():
        cover(tree)
    covered = Covered(tree)
    kept = tree / "mutants.jsonl"
    known: Dict[str, Dict[str, Any]] = {}
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []:
        known[json.loads(line)["mutant"]] = json.loads(line)
    # Of what was too slow nobody knows whether it survives.
    done: Set[str] = {name for name, one in known.items() if one["verdict"] == "killed" or not options.again}
    part, _, parts = options.part.partition("/")
    drawn = chosen(tree, options.count, options.seed)[int(part) - 1 :: int(parts)]
    for number, mutant in enumerate(drawn, 1):
        if mutant.name not in done:
            began = time.monotonic()
            result, said = verdict(tree, covered, mutant, options.again, options.seconds)
            took = time.monotonic() - began
            known[mutant.name] = {"mutant": mutant.name, "verdict": result, "by": said}
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(known[mutant.name]) + "\n")
            print("%3d %s %3.0f s  %s  (%s)" % (number, result, took, mutant.name, said[:90]), flush=True)
    for wanted, told in (("survived", "survive"), ("too slow", "took too long")):
        found = [known[mutant.name] for mutant in drawn if known[mutant.name]["verdict"] == wanted]
        print("%d of %d mutants %s" % (len(found), len(drawn), told))
        for one in found:
            print("  %(mutant)s  (%(by)s)" % one)
    return 0


if __name__ == "__main__":
    sys.exit(main())
