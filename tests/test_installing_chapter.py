"""What the chapter on installing says of versions is what the package asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("page", ["docs/installing.md", "docs/moving-from-1.5.md"])
def test_the_oldest_charmhelpers(page: str) -> None:
    [floor] = re.findall(r'"charmhelpers>=([\d.]+),', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert re.search(
        r"charmhelpers %s or\s+later" % re.escape(floor), (ROOT / page).read_text(encoding="utf-8")
    )


def test_the_name_as_charm_tools_compares_it() -> None:
    """All blocks of wheelhouses in the manual spell it as layer:basic does."""
    for page in sorted((ROOT / "docs").glob("*.md")):
        for block in re.findall(r"```text\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            for line in block.splitlines():
                assert not re.match(r"charms[-_]reactive\b(?!-)", line), (page.name, line)
