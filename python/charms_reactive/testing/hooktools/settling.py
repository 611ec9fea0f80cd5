"""What Juju does when a hook has ended: what the hook asked for takes effect, or is forgotten."""

from __future__ import annotations

from .juju_side import new_pending, put_ports, update, with_ports
from .secrets import apply

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from .side import Juju


def settle(juju: Juju, succeeded: bool) -> None:
    """The hook or action has ended: what was buffered takes effect, or is forgotten.

    Args:
        juju: the side; changed.
        succeeded: whether the process ended well. An action that has called ``action-fail`` did, so what it
            has set in relations is sent.
    """
    pending = juju["pending"]
    juju["pending"] = new_pending()
    if not succeeded:
        if juju["reboot"] == "later":
            juju["reboot"] = ""
        return
    for identity, changes in pending["relations"].items():
        relation = juju["relations"].get(identity)
        if relation is not None:
            update(relation["local-unit"], changes.get("unit", {}))
            update(relation["local-application"], changes.get("application", {}))
    if pending["ports"]:
        put_ports(juju, with_ports(juju, pending["ports"]))
    for key, value in pending["state"].items():
        if value is None:
            juju["state"].pop(key, None)
        else:
            juju["state"][key] = value
    for name, count in pending["storage"].items():
        juju["storage-requested"][name] = juju["storage-requested"].get(name, 0) + count
    for change in pending["secrets"]:
        apply(juju["secrets"], change)
    for kind, text in pending["k8s"].items():
        juju["k8s"] = {"raw": "", "spec": "", kind: text}
