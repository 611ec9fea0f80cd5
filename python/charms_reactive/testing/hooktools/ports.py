"""``open-port``, ``close-port``, ``opened-ports``: a change is made when the hook has succeeded.

``opened-ports`` shows the hook's own changes before that.
"""

from __future__ import annotations

from .command import RefusedError, Request, UsageError, quoted
from .juju_side import port_order, with_ports

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import List

    from .side import Juju


def port_range(word: str) -> str:
    """``8080``, ``8080/tcp``, ``80-90/udp`` or ``icmp`` in the form in which ports are listed."""
    numbers, _, protocol = word.lower().partition("/")
    if numbers == "icmp":
        return "icmp"
    protocol = protocol or "tcp"
    bounds = numbers.split("-")
    if len(bounds) > 2:
        raise UsageError("invalid port range %s" % quoted(numbers))
    for bound in bounds:
        if not bound.isdigit():
            raise UsageError(
                "invalid port %s: strconv.Atoi: parsing %s: invalid syntax" % (quoted(bound), quoted(bound))
            )
    low, high = int(bounds[0]), int(bounds[-1])
    if protocol == "icmp":
        raise UsageError('protocol "icmp" doesn\'t support any ports; got "%d"' % low)
    if protocol not in ("tcp", "udp"):
        raise UsageError('invalid protocol %s, expected "tcp", "udp", or "icmp"' % quoted(protocol))
    shown = "%d/%s" % (low, protocol) if low == high else "%d-%d/%s" % (low, high, protocol)
    if low > high:
        raise UsageError("invalid port range %s" % shown)
    if high > 65535:
        raise UsageError("port range bounds must be between 0 and 65535, got %d-%d" % (low, high))
    return shown


def _change(request: Request, opened: bool) -> None:
    if not request.rest:
        raise UsageError("no port or range specified")
    ports = port_range(request.first())
    request.done()
    request.deprecated_format()
    given = request.option("endpoints")
    endpoints = [endpoint.strip() for endpoint in given.split(",")] if given else [""]
    with request.change() as juju:
        for endpoint in endpoints:
            if endpoint and endpoint not in juju["bindings"]:
                # Juju would find out when the hook has ended, and fail it.
                raise RefusedError("endpoint %s not found" % quoted(endpoint))
        if juju["model"]["type"] == "caas" and "-" in ports:
            raise RefusedError(
                "port ranges are not supported for k8s applications, please specify a single port"
            )
        if opened:
            _check_conflict(juju, ports)
        pending: List[object] = juju["pending"]["ports"]
        pending += [[endpoint, ports, opened] for endpoint in endpoints]


def _check_conflict(juju: Juju, ports: str) -> None:
    """Refuse a range that overlaps another that the unit has open or opens in this hook."""
    unit = quoted(juju["unit"])
    protocol, low, high = port_order(ports)
    for other in with_ports(juju, juju["pending"]["ports"]):
        there, first, last = port_order(other)
        if other != ports and there == protocol and low <= last and first <= high:
            text = "cannot open %s (unit %s): port range conflicts with %s (unit %s)" % (
                ports,
                unit,
                other,
                unit,
            )
            raise RefusedError(text if other in juju["ports"] else text + " requested earlier")


def open_port(request: Request) -> None:
    """Let a range of ports be reached, once the application is exposed."""
    _change(request, True)


def close_port(request: Request) -> None:
    """Take that back; nothing happens where it is not open."""
    _change(request, False)


def opened_ports(request: Request) -> None:
    """The ranges that are open, with the endpoints they are open for if that is asked."""
    request.done()
    if request.restricted:
        request.answer([])
        return
    juju = request.read()
    ports = with_ports(juju, juju["pending"]["ports"])
    listed = sorted(ports, key=port_order)
    if request.flag("endpoints"):
        listed = [
            "%s (%s)" % (name, "*" if "" in ports[name] else ", ".join(sorted(ports[name])))
            for name in listed
        ]
    request.answer(listed)
