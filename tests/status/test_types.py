"""What type checkers find in code that uses records and statuses: each mistake is marked where it stands."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Set, Tuple

import pytest

SOURCE = """\
from typing import List, Optional

from typing_extensions import assert_type

from charms_reactive import records, status
from charms_reactive.events import PostRecordUpdate, handle_event
from charms_reactive.records import Record


class Setting(Record, key="key"):
    key: str
    value: Optional[str] = None
    sensitive: bool = False


class Special(Setting):
    tags: List[str] = []


assert_type(Setting.get("a"), Setting)
assert_type(Setting.get("a", None), Optional[Setting])
assert_type(Setting.get(key="a"), Setting)
assert_type(Setting.create(key="a"), Setting)
assert_type(Special.all(), List[Special])
assert_type(Special.filter(sensitive=True), List[Special])

setting = Setting(key="a", value="x")
assert_type(setting.sensitive, bool)
setting.save()
Setting(key=1)  # E: arg-type
Setting(valeu="x")  # E: call-arg
Setting()  # E: call-arg
setting.value = 3  # E: assignment
setting.valeu  # E: attr-defined
Setting.get("a", None).value  # E: union-attr
Setting.get(1.5)  # E: call-overload


@handle_event(PostRecordUpdate, origin=Setting)
def changed(event: PostRecordUpdate[Setting]) -> None:
    assert_type(event.record, Setting)
    event.record.valeu  # E: attr-defined
    event.dif  # E: attr-defined


with status.context() as opened:
    assert_type(opened, status.Context)
    status.add(status.BlockedStatus("x"))
    status.add("x")  # E: arg-type
    status.add(status.BlockedStatus("x"), app="x")  # E: arg-type


@status.on_error(status.BlockedStatus("x"), ValueError)
def work(number: int) -> str:
    return str(number)


assert_type(work(1), str)
work("x")  # E: arg-type
status.on_error(status.BlockedStatus("x"), "ValueError")  # E: arg-type
status.BlockedStatus(3)  # E: arg-type
records.Record.get("a")
"""


@pytest.mark.skipif(sys.version_info < (3, 10), reason="mypy does not run on it any more")
def test_mypy_strict_finds_the_types(tmp_path: Path) -> None:
    from mypy import api

    import charms_reactive

    program = tmp_path / "charm.py"
    program.write_text(SOURCE)
    config = tmp_path / "mypy.ini"
    packages = Path(charms_reactive.__file__).parent.parent
    config.write_text(
        "[mypy]\nstrict = true\nmypy_path = %s\nfollow_imports_for_stubs = true\n"
        "[mypy-charmhelpers.*]\nignore_missing_imports = true\n" % packages
    )
    cache = Path(__file__).resolve().parents[2] / ".mypy_cache"
    arguments = ["--config-file", str(config), "--cache-dir", str(cache), "--no-error-summary", str(program)]
    told, trouble, _ = api.run(arguments)
    assert not trouble
    found = set(re.findall(r"charm\.py:(\d+): error: .*\[([a-z-]+)\]", told))
    expected: Set[Tuple[str, str]] = {
        (str(number), line.rpartition("# E: ")[2])
        for number, line in enumerate(SOURCE.splitlines(), 1)
        if "# E: " in line
    }
    assert found == expected, told
    assert len(told.splitlines()) >= len(expected)
