"""The unit as a state: its flags and rows, and what Juju tells it, as JSON that ``State.from_json`` reads.

What Juju tells is asked for with hook tools, so it is that of a hook context: both sides of each relation as
far as this unit may read them, secrets without their content. What cannot be asked for is left out and named.
Nothing is changed by it. Of the charm directory there is one file, by which charmhelpers sees that options
have changed: whoever runs a hook again has the charm.
"""

from __future__ import annotations

import json
import os
import subprocess

from charms_reactive._juju import hook_tools
from charms_reactive._juju.environment import hookenv
from charms_reactive._unit_state.fresh_rows import is_scratch
from charms_reactive._unit_state.rows import FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Tuple

__all__ = [
    "CONFIG_SEEN",
    "FORMAT",
    "UNREAD",
    "about_juju",
    "about_rows",
    "deployed",
    "parameters",
    "variables",
]

#: The version of what ``State.to_json`` writes, and ``State.from_json`` reads.
FORMAT = 1

#: Stands for the content of a secret, which is not read.
UNREAD = "not read"

# What Juju itself puts into the data of this unit in each relation.
_OF_JUJU = ("egress-subnets", "ingress-address", "private-address")

#: The file in which charmhelpers keeps the configuration of the last hook, in the charm directory.
CONFIG_SEEN = ".juju-persistent-config"

# Variables of a hook that tell where it runs, and what is known of that otherwise.
_OF_PLACE = ("JUJU_CHARM_DIR", "JUJU_AGENT_", "JUJU_CONTEXT_ID", "JUJU_API_", "JUJU_CHARM_")


def deployed(unit: str) -> str:
    """The charm directory that Juju gives a unit, which stands in rows for the one that it has here."""
    return "/var/lib/juju/agents/unit-%s/charm" % unit.replace("/", "-")


def about_rows(rows: Iterable[Tuple[str, str]], charm_dir: str, unit: str) -> Dict[str, Any]:
    """The flags and other rows of the unit state, without those that live for one hook.

    Args:
        rows: key and JSON text of each.
        charm_dir: of the unit, as rows have it.
        unit: its name.
    """
    flags: List[str] = []
    values: Dict[str, Any] = {}
    stored: Dict[str, Any] = {}
    for key, text in rows:
        if is_scratch(key):
            continue
        if charm_dir and unit:
            key, text = key.replace(charm_dir, deployed(unit)), text.replace(charm_dir, deployed(unit))
        try:
            value = json.loads(text)
        except ValueError:
            continue  # whatever reads it says so
        if not key.startswith(FLAGS):
            stored[key] = value
            continue
        flags.append(key[len(FLAGS) :])
        if value is not None:
            values[key[len(FLAGS) :]] = value
    found: Dict[str, Any] = {"format": FORMAT, "flags": sorted(flags)}
    if values:
        found["flag_values"] = values
    if stored:
        found["stored"] = stored
    try:
        with open(os.path.join(charm_dir, CONFIG_SEEN), encoding="utf-8") as file:
            found["files"] = {CONFIG_SEEN: file.read()}
    except (OSError, ValueError):
        pass  # no hook has asked for the configuration yet
    return found


def variables() -> Dict[str, str]:
    """The environment variables by which Juju tells what this hook is about."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("JUJU_") and not name.startswith(_OF_PLACE)
    }


def parameters() -> Dict[str, Any]:
    """The parameters of the action that runs."""
    found: Dict[str, Any] = _Asking()("action-get", missing={})
    return found


def about_juju() -> Tuple[Dict[str, Any], List[str]]:
    """What Juju tells the unit in this hook context, and the names of the hook tools that did not answer."""
    asking = _Asking()
    unit = os.environ.get("JUJU_UNIT_NAME", "")
    found: Dict[str, Any] = {"leader": asking("is-leader", missing=False)}
    config = asking("config-get", "--all", missing={})
    found["config"] = {option: value for option, value in config.items() if value is not None}
    address = asking("unit-get", "private-address", missing="", rare=True)
    if not address:
        address = asking("network-get", "juju-info", "--ingress-address", missing="", rare=True)
    if address:
        found["address"] = address
    found["relations"] = _relations(asking, unit, bool(found["leader"]), address)
    found["leader_settings"] = asking("leader-get", missing={}, rare=True)
    found["storages"] = [_storage(asking, one) for one in asking("storage-list", missing=[], rare=True)]
    found["secrets"] = _secrets(asking, unit)
    for key, more in (("unit_status", []), ("application_status", ["--application"])):
        if key == "application_status" and not found["leader"]:
            continue  # only the leader may ask
        status = asking("status-get", "--include-data", *more, missing={}, rare=True)
        status = status.get("application-status", status)
        if status.get("status"):
            found[key] = {"status": status["status"], "message": status.get("message") or ""}
    found["opened_ports"] = asking("opened-ports", missing=[], rare=True)
    kept = asking("state-get", missing={}, rare=True)
    if kept:
        found["juju"] = {"state": kept}
    return {key: value for key, value in found.items() if value not in ({}, [])}, asking.failed


class _Asking:
    """Asks hook tools; remembers which did not answer."""

    def __init__(self) -> None:
        self.failed: List[str] = []

    def __call__(self, tool: str, *words: str, missing: Any, rare: bool = False) -> Any:
        """The answer as JSON has it; ``missing`` if there is none.

        Args:
            rare: not every version of Juju has the tool, or answers it in each hook.
        """
        try:
            done = hook_tools.asking().run(
                [tool, "--format=json", *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=hook_tools.tool_timeout(),
            )
            if not done.returncode:
                answer = json.loads(done.stdout.decode("utf-8") or "null")
                if isinstance(answer, type(missing)):
                    return answer
                if isinstance(missing, str) and isinstance(answer, list):
                    return answer[0] if answer else missing
                return missing  # as in restricted hooks, in which Juju answers otherwise
        except Exception:  # noqa: BLE001 -- whatever it was, there is no answer
            pass
        if not rare:
            self.failed.append(tool)
        return missing


def _relations(asking: _Asking, unit: str, leader: bool, address: str) -> List[Dict[str, Any]]:
    context = os.environ.get("JUJU_RELATION_ID", "")
    found = []
    for endpoint, role in _endpoints().items():
        ids = asking("relation-ids", endpoint, missing=[])
        if context.rpartition(":")[0] == endpoint and context not in ids:
            ids = [*ids, context]  # in its hook `broken` Juju no longer lists it
        for relation in ids:
            data = _relation(asking, relation, unit, leader, address, role == "peers")
            if relation == context:
                _complete(asking, data)
            found.append({key: value for key, value in data.items() if value not in ("", {})})
    return sorted(found, key=lambda one: int(one["number"]))


def _endpoints() -> Dict[str, str]:
    """The names of the charm's endpoints, each with its role."""
    try:
        metadata = hookenv.metadata()
    except Exception:  # noqa: BLE001 -- the charm's own trouble, of which others tell
        return {}
    roles = ("requires", "provides", "peers")
    return {endpoint: role for role in roles for endpoint in metadata.get(role) or {}}


def _complete(asking: _Asking, relation: Dict[str, Any]) -> None:
    """Add what is known only of the relation that the hook is about."""
    remote = os.environ.get("JUJU_REMOTE_UNIT", "")
    if not relation["application"]:
        relation["application"] = os.environ.get("JUJU_REMOTE_APP") or remote.partition("/")[0]
    if remote and remote not in relation["units"]:
        identity = "%s:%d" % (relation["endpoint"], relation["number"])
        gone = asking("relation-get", "-r", identity, "-", remote, missing={}, rare=True)
        relation["departing"] = {remote: gone}


def _relation(
    asking: _Asking, relation: str, unit: str, leader: bool, address: str, peers: bool
) -> Dict[str, Any]:
    own = unit.partition("/")[0]
    endpoint, _, number = relation.rpartition(":")
    units = asking("relation-list", "-r", relation, missing=[])
    application = asking("relation-list", "-r", relation, "--app", missing="", rare=True)
    if not application or "/" in application:  # before Juju 2.7 it is the list of units
        application = units[0].partition("/")[0] if units else ""

    def data_of(whose: str, *more: str, rare: bool = False) -> Dict[str, str]:
        answer = asking("relation-get", "-r", relation, *more, "-", whose, missing={}, rare=rare)
        return {key: value for key, value in answer.items() if value} if isinstance(answer, dict) else {}

    local = data_of(unit)
    for key in _OF_JUJU:
        if local.get(key) in (address, address + "/32"):
            local.pop(key, None)
    return {
        "endpoint": endpoint,
        "number": int(number),
        "application": own if peers else application,
        "units": {name: data_of(name) for name in units},
        "data": data_of(application, "--app", rare=True) if application and not peers else {},
        "local": local,
        "local_application": data_of(own, "--app", rare=True) if leader or peers else {},
    }


def _storage(asking: _Asking, identity: str) -> Dict[str, Any]:
    name, _, index = identity.partition("/")
    told = asking("storage-get", "-s", identity, missing={}, rare=True)
    found = {"name": name, "index": int(index or 0)}
    return {**found, **{key: told[key] for key in ("kind", "location") if told.get(key)}}


def _secrets(asking: _Asking, unit: str) -> List[Dict[str, Any]]:
    """The secrets that the unit or its application owns: what they are called, and not what is in them."""
    found = []
    for identity in asking("secret-ids", missing=[], rare=True):
        told = asking("secret-info-get", identity, missing={}, rare=True)
        about: Dict[str, Any] = told.get(identity) or next(iter(told.values()), {})
        latest = int(about.get("revision") or 1)
        one = {
            "id": identity.rpartition(":")[2],
            "revisions": {str(number): {UNREAD: UNREAD} for number in range(1, latest + 1)},
            "owner": unit if about.get("owner") == "unit" else unit.partition("/")[0],
            "label": about.get("label") or "",
            "description": about.get("description") or "",
            "rotate": about.get("rotation") or "never",
        }
        found.append({key: value for key, value in one.items() if value})
    return found
