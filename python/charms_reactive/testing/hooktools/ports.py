"""``open-port``, ``close-port``, ``opened-ports``: a change is made when the hook has succeeded.

Juju compares a request with what is open when the hook begins, and with what was requested before in the same
direction. ``opened-ports`` shows the hook's own changes before they are made, but not until Juju 3.
"""

from __future__ import annotations

from .command import RefusedError, Request, UsageError, quoted
from .juju_side import numbers, port_order, with_ports

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Dict, Iterable, List, Tuple

    from .side import Juju


def port_range(word: str) -> str:
    """``8080``, ``8080/tcp``, ``80-90/udp`` or ``icmp`` in the form in which ports are listed."""
    text, _, protocol = word.lower().partition("/")
    if text == "icmp":
        return "icmp"
    protocol = protocol if "/" in word else "tcp"
    bounds = text.split("-")
    if len(bounds) > 2:
        raise UsageError("invalid port range %s" % quoted(text))
    low, high = _number(bounds[0]), _number(bounds[-1])
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


def _number(text: str) -> int:
    """A number as Go reads it."""
    digits = text[1:] if text[:1] == "+" else text
    what = ""
    if not (digits.isascii() and digits.isdigit()):
        what = "invalid syntax"
    elif int(digits) >= 1 << 63:
        what = "value out of range"
    if what:
        raise UsageError("invalid port %s: strconv.Atoi: parsing %s: %s" % (quoted(text), quoted(text), what))
    return int(digits)


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
            what = "CAAS" if numbers(juju["juju-version"]) < (3,) else "k8s applications"
            raise RefusedError("port ranges are not supported for %s, please specify a single port" % what)
        pending: List[List[object]] = [list(one) for one in juju["pending"]["ports"]]
        for endpoint in endpoints:
            if [endpoint, ports, not opened] in pending:
                pending.remove([endpoint, ports, not opened])  # It is not to be done any more.
            if _is_new(juju, pending, endpoint, ports, opened):
                pending.append([endpoint, ports, opened])
        _check_commit(juju, pending)
        juju["pending"]["ports"] = pending


def _is_new(juju: Juju, pending: List[List[object]], endpoint: str, ports: str, opened: bool) -> bool:
    """Whether a request is to be noted: not if it was made before, or would change nothing.

    Raises:
        RefusedError: it overlaps a range that is open, or one of an earlier request.
    """
    earlier = [(str(one[0]), str(one[1])) for one in pending if one[2] is opened]
    there = [(name, other) for other, names in with_ports(juju, []).items() for name in names]
    if _exists(juju, endpoint, ports, opened, earlier, " requested earlier"):
        return False
    exists = _exists(juju, endpoint, ports, opened, there, "")
    return not exists if opened else bool(there)


def _exists(
    juju: Juju, endpoint: str, ports: str, opened: bool, ranges: Iterable[Tuple[str, str]], when: str
) -> bool:
    """Whether a range is among others for the same endpoint; for another one it may be, too."""
    protocol, low, high = port_order(ports)
    found = False
    for name, other in sorted(ranges, key=lambda one: port_order(one[1])):
        there, first, last = port_order(other)
        if there != protocol or low > last or first > high:
            continue
        if other == ports:
            found = found or name == endpoint
            continue
        unit = quoted(juju["unit"])
        what = ("open" if opened else "close", ports, unit, other, unit, when)
        raise RefusedError("cannot %s %s (unit %s): port range conflicts with %s (unit %s)%s" % what)
    return found


def _check_commit(juju: Juju, pending: List[List[object]]) -> None:
    """Refuse to close what overlaps a range that the same hook opens.

    Juju would find out when the hook has ended, and fail it.
    """
    unit = quoted(juju["unit"])
    for _, closed, closes in pending:
        for _, opened, opens in pending:
            if closes or not opens or closed == opened:
                continue
            protocol, low, high = port_order(str(closed))
            other, first, last = port_order(str(opened))
            if protocol == other and low <= last and first <= high:
                what = (closed, opened, unit, closed, unit)
                raise RefusedError("cannot close ports %s: port ranges %s (%s) and %s (%s) conflict" % what)


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
    ports = _seen(juju)
    listed = sorted(ports, key=port_order)
    if request.flag("endpoints"):
        listed = [
            "%s (%s)" % (name, "*" if "" in ports[name] else ", ".join(sorted(ports[name])))
            for name in listed
        ]
    request.answer(listed)


def _seen(juju: Juju) -> Dict[str, List[str]]:
    """What a hook sees of its own changes: each for its endpoint, whatever it will come to."""
    ports = with_ports(juju, [])
    if numbers(juju["juju-version"]) < (3,):
        return ports
    pending = juju["pending"]["ports"]
    for endpoint, name, opened in pending:
        if opened and endpoint not in ports.setdefault(name, []):
            ports[name].append(endpoint)
    for endpoint, name, opened in pending:
        if not opened and endpoint in ports.get(name, ()):
            ports[name].remove(endpoint)
    return {name: endpoints for name, endpoints in ports.items() if endpoints}
