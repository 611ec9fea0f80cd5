"""What the simulated Juju side of a unit holds: its description, how it begins, and how a hook leaves it."""

from __future__ import annotations

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Tuple

    from .side import Juju


def new_juju(unit: str = "app/0", metadata: Optional[Mapping[str, Any]] = None, **values: Any) -> Juju:
    """A fresh Juju side of one unit: a dictionary of what JSON can hold.

    Its keys are those below, with dashes for underscores; a hook changes what is marked with †.

    Args:
        unit: the name of the unit.
        metadata: the charm's ``metadata.yaml``, from which ``bindings``, ``endpoints``,
            ``payload_classes``, ``storage_specs`` and the names in ``resources`` follow if not given.
        **values: any of

            *About the unit and its model*

            - ``juju_version`` (``"3.6.0"``): decides which tools there are, and how they answer.
            - ``model``: ``{"name", "uuid", "type"}``; the type is ``iaas`` (machines) or ``caas``
              (Kubernetes).
            - ``address`` (``"127.0.0.1"``): of the unit, in all networks.
            - ``public_address`` (``""``): where that is another one.
            - ``bindings``: the names that ``network-get`` knows: endpoints and extra bindings.
            - ``endpoints``: ``{name: role}``, the role being ``requires``, ``provides`` or ``peers``.
            - ``networks``: ``{binding: network}`` for bindings with others than ``address``; a network is
              ``{"bind-addresses": [{"interface-name", "mac-address", "addresses": [{"address", "cidr",
              "hostname"}]}], "ingress-addresses": [...], "egress-subnets": [...]}``, and what is left out
              follows from the rest.
            - ``config``: ``{option: value}``, for every option; ``None`` for one without a value.
            - ``leader`` (true): whether the unit leads its application.
            - ``leader_settings`` †: ``{key: text}``; changed at once. Until Juju 3.
            - ``credential`` (``None``): what ``credential-get`` answers to a charm that is trusted.
            - ``since`` (``2024-01-01 00:00:00Z``): what ``goal-state`` says of every status.
            - ``goal``: ``{unit: status}`` of units that differ from what follows from ``relations``: those
              yet to come (``waiting``), going (``dying``), or with a status that is not ``active``.

            *About the hook*

            - ``hook``: ``{"relation-id", "remote-application", "remote-unit", "name", "storage-id"}``, all
              text, empty where it does not apply. The last two may be left out: the hook's environment
              tells.
            - ``action`` †: ``None``, or the action that runs: ``{"parameters": {...}, "results": {},
              "failure": None, "messages": []}``.
            - ``pending`` †: what the hook has changed and Juju does after it has succeeded; see
              ``new_pending``.
            - ``reboot`` † (``""``): ``later`` after ``juju-reboot``, ``now`` after ``juju-reboot --now``,
              which ends the hook: an executable kills the hook's process; who calls :func:`call` looks here
              after ``juju-reboot`` and ends the hook itself. That hook is run again after the reboot. One
              that fails after a mere ``juju-reboot`` reboots nothing. Whoever runs hooks empties the key.

            *About what the charm shows*

            - ``status`` †: ``{"unit": {"status", "message"}, "application": {...}}``; changed at once.
            - ``unit_statuses``: ``{unit: {"status", "message"}}`` of the application's other units.
            - ``version`` †: of the workload; changed at once.
            - ``ports`` †: the port ranges that are open, for example ``["80/tcp", "icmp"]``.
            - ``port_endpoints`` †: ``{range: [endpoint, ...]}`` for those ranges that are open for some
              endpoints only.
            - ``payload_classes``: ``{class: type}``.
            - ``payloads`` †: ``{"class/id": {"class", "type", "id", "status", "labels"}}``; changed at once.
            - ``metrics_declared``: the names in ``metrics.yaml``.
            - ``metrics`` †: ``[{"key", "value", "labels"}]``; kept even if the hook fails.
            - ``k8s`` †: ``{"spec": text, "raw": text}``.

            *About what the charm reads and keeps*

            - ``relations`` †: ``{id: relation}``; see :func:`new_relation`.
            - ``relations_made``: the number of the next relation, as Juju never uses one again.
            - ``resources``: ``{name: path}``; ``None`` for one that nobody has attached.
            - ``storages``: ``{"name/0": {"kind", "location"}}``.
            - ``storage_specs``: ``{name: {"minimum", "maximum"}}``; the maximum is ``None`` for any number.
            - ``storage_requested`` †: ``{name: count}``, from ``storage-add``: Juju provides these later.
            - ``state`` †: ``{key: text}``, from ``state-set``.
            - ``secrets`` †: ``{id: secret}``, those that the unit may know of; see :func:`new_secret`.
            - ``secrets_made`` †: how many the unit has added; their ids follow from it.

    Raises:
        TypeError: there is no such key.
    """
    juju: Juju = {
        "action": None,
        "address": "127.0.0.1",
        "bindings": [],
        "config": {},
        "credential": None,
        "endpoints": {},
        "goal": {},
        "hook": {"relation-id": "", "remote-application": "", "remote-unit": ""},
        "juju-version": "3.6.0",
        "k8s": {"raw": "", "spec": ""},
        "leader": True,
        "leader-settings": {},
        "metrics": [],
        "metrics-declared": [],
        "model": {"name": "simulated", "type": "iaas", "uuid": "6a7cbf0c-5e0a-4f06-8c5e-2f1d0c1f7e10"},
        "networks": {},
        "payload-classes": {},
        "payloads": {},
        "pending": new_pending(),
        "port-endpoints": {},
        "ports": [],
        "public-address": "",
        "reboot": "",
        "relations": {},
        "relations-made": 0,
        "resources": {},
        "secrets": {},
        "secrets-made": 0,
        "since": "2024-01-01 00:00:00Z",
        "state": {},
        "status": {
            "application": {"status": "unknown", "message": ""},
            "unit": {"status": "waiting", "message": "installing agent"},
        },
        "storage-requested": {},
        "storage-specs": {},
        "storages": {},
        "unit": unit,
        "unit-statuses": {},
        "version": "",
    }
    if metadata is not None:
        juju.update(_declared(metadata))
    for name, value in values.items():
        key = name.replace("_", "-")
        if key not in juju:
            raise TypeError("the Juju side of a unit has no %r; it has %s" % (key, ", ".join(sorted(juju))))
        if key == "resources":
            value = {**juju[key], **value}
        juju[key] = value
    return juju


def _declared(metadata: Mapping[str, Any]) -> Juju:
    """What follows from a charm's metadata."""
    roles = ("requires", "provides", "peers")
    endpoints = {name: role for role in roles for name in metadata.get(role) or {}}
    storage = {}
    for name, spec in (metadata.get("storage") or {}).items():
        low, dash, high = str(((spec or {}).get("multiple") or {}).get("range", "1")).partition("-")
        least = int(low.rstrip("+") or 0)
        # "2-4", "2-" or "2+", and "2" for just two.
        most = int(high) if high else (None if dash or low.endswith("+") else least)
        storage[str(name)] = {"minimum": least, "maximum": most}
    return {
        "bindings": sorted({*endpoints, *(metadata.get("extra-bindings") or {})}),
        "endpoints": endpoints,
        "payload-classes": {
            name: str((spec or {}).get("type", "")) for name, spec in (metadata.get("payloads") or {}).items()
        },
        "resources": dict.fromkeys(metadata.get("resources") or {}),
        "storage-specs": storage,
    }


def new_relation(
    juju: Juju,
    application: str,
    units: Optional[Mapping[str, Mapping[str, str]]] = None,
    application_data: Optional[Mapping[str, str]] = None,
) -> Dict[str, Any]:
    """A fresh relation, as ``relations`` holds it.

    Its keys:

    - ``application``: on the other side; the unit's own among peers.
    - ``units``: ``{unit: data}`` of the other units that are in it.
    - ``departing``: the same of the unit that this hook is about, which has left.
    - ``departed``: the same of those that have left before. Juju lets all be read while the relation lasts.
    - ``remote-application``: the data of the other application.
    - ``local-unit`` †: the unit's data. Juju itself puts the unit's addresses there.
    - ``local-application`` †: the data of the unit's application, which its leader alone reads; among
      peers every unit does.
    - ``model``: the UUID of the other application's model, where that is not the unit's.
    - ``remote-endpoint``: the other side's name of it, where that is not the same.
    - ``network``: as in ``networks``, for a relation that has its own.
    - ``status``: as ``goal-state`` tells it; ``joined`` if left out.
    """
    address = juju["address"]
    local = {"egress-subnets": subnet(address), "ingress-address": address}
    if numbers(juju["juju-version"]) < (4,):
        local["private-address"] = address
    return {
        "application": application,
        "departed": {},
        "departing": {},
        "units": {unit: dict(data) for unit, data in (units or {}).items()},
        "remote-application": dict(application_data or {}),
        "local-unit": local,
        "local-application": {},
    }


def new_secret(owner: str, content: Mapping[str, str], **values: Any) -> Dict[str, Any]:
    """A fresh secret with one revision, as ``secrets`` holds it.

    Args:
        owner: the name of an application or of a unit; empty for a user's secret.
        content: ``{key: text}``.
        **values: any of

            - ``label``: the owner's.
            - ``description``.
            - ``rotate``: ``never``, ``hourly``, ``daily``, ``weekly``, ``monthly``, ``quarterly`` or
              ``yearly``.
            - ``rotates`` and ``expires``: times as ``2030-01-01T00:00:00Z``; empty for never.
            - ``latest``: the number of the latest revision.
            - ``revisions``: ``{number as text: content}``.
            - ``access``: ``[{"target", "relation"}]``: which unit or application may read it, and the id of
              the relation for which that was granted.
            - ``consumers``: ``{unit: {"revision", "label"}}``: what revision a unit tracks, and its label.

    Raises:
        TypeError: there is no such key.
    """
    secret: Dict[str, Any] = {
        "access": [],
        "consumers": {},
        "description": "",
        "expires": "",
        "label": "",
        "latest": 1,
        "owner": owner,
        "revisions": {"1": dict(content)},
        "rotate": "never",
        "rotates": "",
    }
    for key, value in values.items():
        if key not in secret:
            raise TypeError("a secret has no %r; it has %s" % (key, ", ".join(sorted(secret))))
        secret[key] = value
    return secret


def new_pending() -> Dict[str, Any]:
    """What a hook has changed so far and Juju has not done yet: nothing.

    - ``relations``: ``{id: {"unit": {...}, "application": {...}}}``, an empty text taking a key away.
    - ``ports``: ``[[endpoint or "", range, whether it is opened], ...]`` in order.
    - ``state``: ``{key: text}``, ``None`` for one that was deleted.
    - ``storage``: ``{name: count}``.
    - ``secrets``: in order, what ``secrets.apply`` takes.
    - ``k8s``: ``{"spec": text}`` or ``{"raw": text}``.
    """
    return {"k8s": {}, "ports": [], "relations": {}, "secrets": [], "state": {}, "storage": {}}


def update(bag: Dict[str, str], changes: Mapping[str, str]) -> None:
    """Settings as Juju keeps them: an empty value takes the key away."""
    for key, value in changes.items():
        if value:
            bag[key] = value
        else:
            bag.pop(key, None)


def numbers(version: str) -> Tuple[int, ...]:
    """A version for comparison: ``3.6-rc1`` is (3, 6)."""
    found = []
    for part in version.partition("-")[0].split("."):
        if not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)


# -- ports ------------------------------------------------------------------------------------------
def with_ports(juju: Juju, changes: List[Any]) -> Dict[str, List[str]]:
    """Each open range with its endpoints (``""`` for all), after some changes.

    As Juju makes them when a hook has ended: it opens first, whatever the order was, and then closes.
    """
    there = {ports: list(juju["port-endpoints"].get(ports, [""])) for ports in juju["ports"]}
    for endpoint, ports, opened in changes:
        endpoints = there.setdefault(ports, [])
        if opened and endpoint not in endpoints and "" not in endpoints:
            endpoints[:] = [*endpoints, endpoint] if endpoint else [""]
    for endpoint, ports, opened in changes:
        endpoints = there[ports]
        if opened:
            continue
        if endpoint == "":
            # For every endpoint, also for those that it was opened for by name.
            endpoints.clear()
        elif "" in endpoints:
            endpoints[:] = [other for other in juju["bindings"] if other != endpoint]
        elif endpoint in endpoints:
            endpoints.remove(endpoint)
    return {ports: sorted(endpoints) for ports, endpoints in there.items() if endpoints}


def put_ports(juju: Juju, ports: Mapping[str, List[str]]) -> None:
    """Make these the ranges that are open."""
    juju["ports"] = sorted(ports, key=port_order)
    juju["port-endpoints"] = {name: endpoints for name, endpoints in ports.items() if endpoints != [""]}


def port_order(ports: str) -> Tuple[str, int, int]:
    """Orders port ranges as Juju lists them: by protocol, then by number."""
    numbers, slash, protocol = ports.partition("/")
    if not slash:
        return numbers, 0, 0
    first, _, last = numbers.partition("-")
    return protocol, int(first), int(last or first)


def subnet(address: str) -> str:
    """The subnet that has nothing but this address."""
    return address + ("/128" if ":" in address else "/32")
