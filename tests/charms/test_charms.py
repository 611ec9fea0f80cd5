"""The charms of this directory, on each engine: all that their handlers see, and every flag after each hook.

What is expected stands in ``expected.yaml`` beside each scenario. It is written by
``tests/charms/record.py``, from what our framework does, once ``make compat`` has shown that 1.5.3 does
the same; a change of it is a change of behaviour, to be read like one.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List

import pytest
import scenario
import yaml

from engines import name_of

pytestmark = pytest.mark.long

CHARMS = scenario.charms()

#: What a charm can use to talk over relations, and what goes with it.
_PUBLIC_NAMES = """
    Endpoint Relation RelatedUnit KeyList CombinedUnitsView UnitDataView JSONUnitDataView
    endpoint_name relations is_joined joined expand_name register_triggers manage_flags
    all_joined_units all_units all_departed_units from_name from_flag
    relation_id endpoint application_name units joined_units
    to_publish to_publish_raw to_publish_app to_publish_app_raw
    received received_raw received_app received_app_raw unit_name relation modified writeable
    RelationBase Conversation scopes UNIT SERVICE GLOBAL AutoAccessors auto_accessors StateList states
    conversation conversations set_state remove_state is_state toggle_state
    set_flag clear_flag remove_flag is_flag_set toggle_flag
    set_remote get_remote set_local get_local relation_name relation_ids namespace scope key depart
    RelationFactory relation_factory endpoint_from_name endpoint_from_flag relation_from_name
    relation_from_flag relation_from_state from_state relation_call
    RequesterEndpoint ResponderEndpoint BaseRequest BaseResponse Field REQUEST_CLASS RESPONSE_CLASS
    create create_or_update get get_all find find_all create_response respond response request
    request_id requests responses response_by_field response_by_common_name all_requests new_requests
    is_created is_received ingress_address egress_subnets
    has_responses all_responses has_requests
    data_changed is_data_changed any_file_changed any_hook was_invoked mark_invoked
    register_trigger when when_all when_any when_not when_none when_not_all when_file_changed not_unless
    only_once hook collect_metrics meter_status_changed
    all_flags_set any_flags_set get_flags get_unset_flags all_states any_states get_state main
    entry_points.txt
    config.changed config.set config.default leadership.is_leader leadership.changed leadership.set
    upgrade.series.in-progress
"""


def source(charm: Path) -> str:
    """All that a charm's author has written, with the names of the files."""
    written = [
        path
        for path in sorted(charm.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix in (".py", ".sh", "", ".txt")
    ]
    return "\n".join("%s\n%s" % (path.name, path.read_text(encoding="utf-8")) for path in written)


def test_there_are_at_least_ten_charms() -> None:
    assert len(CHARMS) >= 10


def test_the_charms_use_every_public_name() -> None:
    text = "\n".join(map(source, CHARMS))
    missing = [
        name for name in _PUBLIC_NAMES.split() if not re.search(r"(?<!\w)%s(?!\w)" % re.escape(name), text)
    ]
    assert not missing, "not used by any charm: %s" % " ".join(missing)


@pytest.mark.parametrize("in_process", [False, True], ids=["processes", "in-process"])
@pytest.mark.parametrize("charm", CHARMS, ids=lambda charm: charm.name)
def test_charm(charm: Path, tmp_path: Path, engine_module: ModuleType, in_process: bool) -> None:
    engine = name_of(engine_module)
    environment = {"CHARMS_REACTIVE_ENGINE": engine}
    played = scenario.play(charm, tmp_path / "unit", environment=environment, in_process=in_process)
    seen = [scenario.summary(one) for one in played]
    expected: List[Dict[str, Any]] = yaml.safe_load((charm / "expected.yaml").read_text(encoding="utf-8"))
    for number, (found, wanted) in enumerate(zip(seen, expected)):
        assert found == wanted, "hook %d of %s" % (number + 1, charm.name)
    assert len(seen) == len(expected)


@pytest.mark.once
@pytest.mark.parametrize("charm", CHARMS, ids=lambda charm: charm.name)
def test_hook_tools_over_the_socket_and_as_processes(charm: Path, tmp_path: Path) -> None:
    """All that is seen after each hook is the same, however its hook tools are asked."""
    played = [
        scenario.play(charm, tmp_path / tools, environment={"CHARMS_REACTIVE_TOOLS": tools})
        for tools in ("agent", "process")
    ]
    for over_socket, as_processes in zip(*map(list, played)):
        first, second = vars(over_socket), vars(as_processes)
        for what in first:
            if what == "tools":  # lines of the log are gathered where each is a process
                counts = [
                    {name: n for name, n in one[what].items() if name != "juju-log"}
                    for one in (first, second)
                ]
                assert counts[0] == counts[1], over_socket.label
            elif what == "rows":
                # What was declared in bash holds for files with these very inodes.
                rows = [
                    {key: row for key, row in one[what].items() if not key.startswith("reactive.shell.")}
                    for one in (first, second)
                ]
                assert rows[0] == rows[1], over_socket.label
            else:
                assert first[what] == second[what], "%s: %s" % (over_socket.label, what)
