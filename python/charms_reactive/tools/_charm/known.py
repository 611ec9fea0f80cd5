"""Flags that somebody else than the charm's code sets: the framework, and layers that nearly every charm
has.
"""

from __future__ import annotations

from typing import Dict, Iterable, List, Tuple

from .declared import Declared

__all__ = ["DECLARE_NOTHING", "LAYERS", "automatic_flags", "is_complete", "layer_flags"]

#: The flags that well-known layers set, as patterns. One without any is there because it sets none.
LAYERS: Dict[str, Tuple[str, ...]] = {
    "basic": (),
    "options": (),
    "caas-base": (),
    "status": (),
    "debug": (),
    "hacluster": (),
    "leadership": (),
    "apt": ("apt.installed.*", "apt.queued_installs", "apt.needs_update", "apt.needs_hold"),
    "snap": ("snap.installed.*", "snap.refresh.*", "snap.installed"),
    "metrics": (),
    "coordinator": ("coordinator.granted.*", "coordinator.requested.*"),
    "nagios": (),
    "vault-kv": ("layer.vault-kv.*",),
    "tls-client": ("tls_client.*",),
    "docker": ("docker.*", "dockerlogs.*"),
    "docker-resource": ("layer.docker-resource.*",),
    "nginx": ("nginx.*",),
    "ruby": ("ruby.*",),
    "nodejs": ("nodejs.*",),
}

#: Layers that declare no option, endpoint, action, storage or resource.
DECLARE_NOTHING = frozenset(["basic", "options", "leadership", "status"])


def automatic_flags(declared: Declared) -> List[str]:
    """The flags that the framework, or layer:basic in its place, sets for what is declared."""
    found = [
        "config.changed",
        "leadership.is_leader",
        "leadership.changed",
        "leadership.changed.*",
        "leadership.set.*",
        "upgrade.series.in-progress",
    ]
    for option in declared.options:
        found += ["config.changed." + option, "config.set." + option, "config.default." + option]
    for endpoint in declared.endpoints:
        prefix = "endpoint.%s." % endpoint
        found += [prefix + "joined", prefix + "changed", prefix + "changed.*", prefix + "departed"]
        # Of those whose class is a requester or a responder.
        found += [prefix + "has_responses", prefix + "all_responses", prefix + "has_requests"]
        found.append(prefix + "new_requests")
    return found


def layer_flags(names: Iterable[str]) -> List[str]:
    """The flags of well-known layers."""
    return [flag for name in names for flag in LAYERS.get(name, ())]


def is_complete(layer: str) -> bool:
    """Whether all flags of a layer are known here."""
    return layer in LAYERS
