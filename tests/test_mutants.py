"""The tool that makes small mistakes: each one is another program, at the place that it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import mutants
from documents import ROOT

pytestmark = pytest.mark.once

SOURCE = '''"""Not this."""
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    x = 1 == 2

def f(a: int = 3, *, b: bool = True) -> "int":
    """Nor this."""
    try:
        if a < 4 and not b:
            a.ä = f"{a == 1} é"
            g(a, key=b)
    except (OSError, ValueError):
        return None
    except Exception:
        raise
    return a
'''


def test_the_mistakes_of_a_small_file(tmp_path: Path) -> None:
    path = tmp_path / "small.py"
    path.write_text(SOURCE, encoding="utf-8")
    made = list(mutants.mutants(path, "small.py"))
    assert sorted(mutant.what for mutant in made) == sorted(
        [
            "constant: 4",
            "constant: False",
            "comparison: a <= 4",
            "constant: 5",
            "boolean: a < 4 or not b",
            "boolean: without not",
            "statement removed: a.ä = f'{a == 1} é'",
            "statement removed: g(a, key=b)",
            "argument removed: key=b",
            "except: without OSError",
            "except: without ValueError",
            "except: ArithmeticError",
            "statement removed: raise",
            "returns None",
        ]
    )
    for mutant in made:
        changed = mutant.apply(SOURCE)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(SOURCE)), mutant.name
        assert mutant.statement == mutant.line
        before, after = SOURCE.splitlines(), changed.splitlines()
        assert before[: mutant.line - 1] == after[: mutant.line - 1]
        assert before[mutant.end_line :] == after[len(after) - len(before) + mutant.end_line :]


def test_every_mistake_of_the_package_is_python() -> None:
    files = sorted((ROOT / "python").rglob("*.py"))
    kinds = set()
    for path in files[3 :: len(files) // 6]:
        source = path.read_text(encoding="utf-8")
        for mutant in mutants.mutants(path, path.name):
            ast.parse(mutant.apply(source))
            kinds.add(re.split("[: ]", mutant.what)[0])
    assert kinds == {"argument", "boolean", "comparison", "constant", "except", "returns", "statement"}


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "small.py").write_text(SOURCE, encoding="utf-8")
    first = mutants.chosen(tmp_path, 8, 1)
    assert first == mutants.chosen(tmp_path, 8, 1)
    assert len({mutant.what.partition(":")[0] for mutant in first}) == 7
    assert len({mutants.chosen(tmp_path, 3, seed)[1] for seed in range(9)}) > 1
