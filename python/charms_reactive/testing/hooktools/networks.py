"""``network-get`` and ``unit-get``: where the unit is."""

from __future__ import annotations

from .command import RefusedError, Request, UsageError, quoted
from .juju_side import subnet
from .relations import relation_id
from .values import Struct

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

    from .side import Juju


def unit_get(request: Request) -> None:
    """The address of the unit, within the cloud or from outside."""
    if not request.rest:
        raise UsageError("no setting specified")
    key = request.first()
    if key not in ("private-address", "public-address"):
        raise UsageError("unknown setting %s" % quoted(key))
    request.done()
    juju = request.read()
    address = (key == "public-address" and juju["public-address"]) or juju["address"]
    if not address:
        raise RefusedError("%s not found" % key.replace("-", " "))
    request.answer(address)


def _network(juju: Juju, given: Dict[str, Any]) -> Dict[str, Any]:
    """A network in full: what is not given follows from the rest."""
    interfaces = given.get("bind-addresses")
    if interfaces is None:
        interfaces = [{"interface-name": "eth0", "addresses": [{"address": juju["address"]}]}]
    addresses = [address["address"] for interface in interfaces for address in interface["addresses"]]
    ingress = given.get("ingress-addresses")
    if ingress is None:
        ingress = addresses if len(addresses) < 2 else sorted(addresses, key=_publicity)
    egress = given.get("egress-subnets")
    if egress is None:
        egress = [subnet(address) for address in ingress[:1]]
    return {"bind-addresses": interfaces, "ingress-addresses": ingress, "egress-subnets": egress}


def _publicity(address: str) -> Tuple[int, str]:
    """Orders addresses as Juju does: the most public first, version 4 before 6, and then as text."""
    from ipaddress import ip_address

    try:
        known = ip_address(address)
    except ValueError:
        return 1, address  # a name
    if known.is_loopback:
        scope = 50
    elif known.is_link_local:
        scope = 70
    else:
        scope = 30 if known.is_private else 0
    return scope + (2 if known.version == 6 else 0), address


def network_get(request: Request) -> None:
    """The interfaces and addresses of a binding, and the addresses to tell others."""
    if not request.rest:
        raise UsageError("no arguments specified")
    binding = request.first()
    if not binding:
        raise UsageError("no binding name specified")
    juju = request.read()
    # In a hook of a relation, that relation is meant, but only for its own endpoint.
    identity = relation_id(request, juju, required=False)
    request.done()
    if binding not in juju["bindings"]:
        raise RefusedError("no network config found for binding %s" % quoted(binding))
    given = juju["networks"].get(binding, {})
    if identity and identity.partition(":")[0] == binding:
        given = juju["relations"][identity].get("network", given)
    network = _network(juju, given)
    wanted = [key for key in ("bind-address", "ingress-address", "egress-subnets") if request.flag(key)]
    if request.flag("primary-address"):
        if wanted:
            raise RefusedError("--primary-address must be the only flag specified")
        request.answer(_first(network, binding))
    elif wanted:
        parts: Dict[str, Any] = {}
        if "egress-subnets" in wanted:
            parts["egress-subnets"] = network["egress-subnets"]
        if "ingress-address" in wanted:
            ingress = network["ingress-addresses"]
            parts["ingress-address"] = ingress[0] if ingress else _first(network, binding)
        if "bind-address" in wanted:
            parts["bind-address"] = _first(network, binding)
        request.answer(parts[wanted[0]] if len(wanted) == 1 else parts)
    else:
        request.answer(_shown(network, in_yaml=request.option("format") != "json"))


def _first(network: Dict[str, Any], binding: str) -> str:
    """The first address of the first interface."""
    interfaces = network["bind-addresses"]
    if not interfaces or not interfaces[0]["addresses"]:
        raise RefusedError("no addresses attached to space for binding %s" % quoted(binding))
    first: str = interfaces[0]["addresses"][0]["address"]
    return first


def _shown(network: Dict[str, Any], in_yaml: bool) -> Struct:
    """The whole network; in YAML some values have a second name, for charms of older times."""
    interfaces: List[Struct] = []
    for interface in network["bind-addresses"]:
        addresses: List[Struct] = []
        for address in interface["addresses"]:
            shown = Struct(
                hostname=address.get("hostname", ""),
                value=address["address"],
                cidr=address.get("cidr") or subnet(address["address"]),
            )
            if in_yaml:
                shown["address"] = address["address"]
            addresses.append(shown)
        name, mac = interface.get("interface-name", ""), interface.get("mac-address", "")
        described = Struct({"mac-address": mac, "interface-name": name, "addresses": addresses})
        if in_yaml:
            described.update({"macaddress": mac, "interfacename": name})
        interfaces.append(described)
    whole = Struct({"bind-addresses": interfaces})
    whole["egress-subnets"] = network["egress-subnets"]
    whole["ingress-addresses"] = network["ingress-addresses"]
    return Struct({key: value for key, value in whole.items() if value})
