"""Where a hook's time went, as its record and ``charms.reactive explain --times`` tell."""

from __future__ import annotations

import json
import re
import time
from typing import Any, Dict

import pytest

from .support import Unit

SLOW = """
    import subprocess
    import time
    from charmhelpers.core import hookenv
    from charms.reactive import hook, set_flag, when

    time.sleep(0.15)
    hookenv.atstart(lambda: None)
    hookenv.atexit(time.sleep, 0.2)

    @hook("update-status")
    def first():
        time.sleep(0.25)
        set_flag("ready")

    @when("ready")
    def second():
        subprocess.run(["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done"], check=True)
"""


@pytest.fixture
def times(unit: Unit) -> Dict[str, Any]:
    """Those of a hook whose parts take known times."""
    unit.write("reactive/app.py", SLOW)
    unit.hook_file(
        "hooks/update-status", "import time\ntime.sleep(0.3)\nfrom charms.reactive import main\nmain()\n"
    )
    began = time.monotonic()
    done = unit.run(env={"CHARMS_REACTIVE_RECORD": str(unit.said / "record")})
    assert done.status == 0, done.stderr
    found: Dict[str, Any] = json.loads((unit.said / "record").read_text())["times"]
    found["outside"] = time.monotonic() - began
    return found


def test_each_part_of_a_hook_has_its_time(times: Dict[str, Any]) -> None:
    least = {"start": 0.3, "discovery": 0.15, "handlers": 0.25, "atexit": 0.2, "commit": 0.0}
    for part, seconds in least.items():
        assert times[part] >= seconds - 0.02, part  # Linux tells the beginning in hundredths
    parts = sum(times[part] for part in least)
    assert parts <= times["outside"] + 0.02
    handlers = times["by handler"]
    first, second = "reactive/app.py:11:first", "reactive/app.py:16:second"
    assert handlers.keys() == {first, second}
    assert handlers[first] >= 0.25
    assert sum(handlers.values()) <= times["handlers"] + 0.001


def test_cpu_of_other_processes_is_told_apart(times: Dict[str, Any]) -> None:
    second = times["by handler"]["reactive/app.py:16:second"]
    assert 0.02 < times["processes"] < second + 0.5
    assert times["cpu"] < times["outside"]


def test_explain_tells_them(unit: Unit) -> None:
    unit.write("reactive/app.py", SLOW)
    record = str(unit.said / "record")
    assert unit.run(env={"CHARMS_REACTIVE_RECORD": record}).status == 0
    said = unit.command("explain", "--times", record)
    assert said.status == 0, said.stderr
    lines = said.stdout.splitlines()
    shape = [re.sub(r"^ *\d+\.\d ms", "T", line) for line in lines]
    assert shape[0] == "T  in all"
    assert [line.split(":")[0] for line in shape[1:4]] == ["T  start", "T  discovery", "T  handlers"]
    assert set(shape[4:6]) == {"T    reactive/app.py:11:first", "T    reactive/app.py:16:second"}
    assert [line.split(":")[0] for line in shape[6:8]] == ["T  atexit", "T  commit"]
    assert re.match(r"CPU: \d+\.\d ms, and \d+\.\d ms of processes it waited for", lines[8])
    parts = [float(line.split()[0]) for line in lines[1:8] if not line.startswith(" " * 2 + "  reactive")]
    assert float(lines[0].split()[0]) > max(parts)


def test_a_hook_that_fails_has_times_too(unit: Unit) -> None:
    unit.write("reactive/app.py", "from charms.reactive import *\n@hook('update-status')\ndef f(): 1 / 0\n")
    record = unit.said / "record"
    assert unit.run(env={"CHARMS_REACTIVE_RECORD": str(record)}).status != 0
    times = json.loads(record.read_text())["times"]
    assert times["by handler"].keys() == {"reactive/app.py:2:f"}
    assert "commit" not in times


def test_a_record_without_times_says_so(one_unit: Unit) -> None:
    old = one_unit.said / "record"
    old.write_text('{"handlers": [], "events": []}')
    said = one_unit.command("explain", "--times", str(old))
    assert (said.status, said.stdout) == (0, "the record has no times\n")
