"""Mistakes that were planted, one of each kind and more: each is found, where it is, with what was meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Set, Tuple

import pytest

from charms_reactive.tools._charm.reading import read
from charms_reactive.tools._lint.comments import Selection
from charms_reactive.tools._lint.linting import lint
from charms_reactive.tools._lint.rules import RULES

pytestmark = pytest.mark.once

_MARK = re.compile(r"[ \t]*#! (CR\d{3})([+-]\d+)?(?:: (\S+))?")


class Case(NamedTuple):
    """A charm with a mistake in it: its files, and what has to be found, each with file, line, code, and
    meant.
    """

    name: str
    files: Dict[str, Tuple[str, int]]
    wanted: Set[Tuple[str, int, str, str]]


def parsed(text: str) -> List[Case]:
    """The cases of a text in the format that planted.txt tells of."""
    return [_case(part) for part in re.split(r"^===== ", text, flags=re.MULTILINE)[1:]]


def _case(text: str) -> Case:
    name, _, rest = text.partition("\n")
    files: Dict[str, Tuple[str, int]] = {"metadata.yaml": ("name: app\n", 0o644)}
    wanted: Set[Tuple[str, int, str, str]] = set()
    for part in re.split(r"^--- ", rest, flags=re.MULTILINE)[1:]:
        head, _, content = part.partition("\n")
        path, _, mode = head.partition(" ")
        lines = content.rstrip("\n").split("\n")
        for number, line in enumerate(lines, 1):
            for code, offset, meant in _MARK.findall(line):
                wanted.add((path, number + int(offset or 0), code, meant))
        # A mark at the end of a line goes; one that has a line of its own stays a comment.
        plain = [line if line.startswith("#! ") else _MARK.sub("", line) for line in lines]
        executable = plain[0].startswith("#!/")
        files[path] = "\n".join(plain) + "\n", int(mode, 8) if mode else 0o755 if executable else 0o644
    return Case(name, files, wanted)


CASES = parsed((Path(__file__).parent / "planted.txt").read_text(encoding="utf-8"))


def write(case: Case, directory: Path) -> Path:
    for path, (content, mode) in case.files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        file.chmod(mode)
    return directory


def found_in(case: Case, directory: Path, *, load: bool) -> Set[Tuple[str, int, str, str]]:
    codes = sorted({code for _, _, code, _ in case.wanted})
    reading = read(write(case, directory), load=load)
    done = lint(reading, Selection(extend=codes))
    return {(one.place.file, one.place.line, one.code, one.meant) for one in done.findings}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_planted_mistake_is_found_and_nothing_else(case: Case, tmp_path: Path) -> None:
    assert found_in(case, tmp_path, load=False) == case.wanted


# One of each rule is looked for in the loaded charm, too.
_FIRST = list({sorted(case.wanted)[0][2]: case for case in reversed(CASES)}.values())


@pytest.mark.long
@pytest.mark.parametrize("case", _FIRST, ids=lambda case: case.name)
def test_it_is_found_in_the_loaded_charm_as_well(case: Case, tmp_path: Path) -> None:
    assert found_in(case, tmp_path, load=True) == case.wanted


def test_there_are_sixty_and_some_of_every_rule() -> None:
    assert all(case.wanted for case in CASES)
    assert len(CASES) >= 60
    assert {code for case in CASES for _, _, code, _ in case.wanted} == set(RULES)
