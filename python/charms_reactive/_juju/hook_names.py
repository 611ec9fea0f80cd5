"""The hooks that Juju runs, by name, for what looks at charms from outside of a hook.

Every hook would pay for importing this; ``_dispatch.expected``, which each has, therefore has the names of
``UNIT_HOOKS`` again, and a test holds the two together.
"""

from __future__ import annotations

__all__ = ["RELATION_EVENTS", "STORAGE_EVENTS", "UNIT_HOOKS", "UNTIL_JUJU_3", "WORKLOAD_EVENTS"]

#: Hooks that every charm may have.
UNIT_HOOKS = (
    "install",
    "start",
    "stop",
    "remove",
    "config-changed",
    "update-status",
    "upgrade-charm",
    "leader-elected",
    "leader-deposed",
    "leader-settings-changed",
    "pre-series-upgrade",
    "post-series-upgrade",
    "collect-metrics",
    "meter-status-changed",
    "secret-changed",
    "secret-expired",
    "secret-remove",
    "secret-rotate",
)

#: Those of them that Juju 4 no longer runs.
UNTIL_JUJU_3 = (
    "collect-metrics",
    "leader-deposed",
    "leader-settings-changed",
    "meter-status-changed",
    "post-series-upgrade",
    "pre-series-upgrade",
)

#: What can happen to an endpoint, a storage and a container: the ends of hooks' names.
RELATION_EVENTS = ("created", "joined", "changed", "departed", "broken")
STORAGE_EVENTS = ("attached", "detaching")
WORKLOAD_EVENTS = (
    "pebble-ready",
    "pebble-custom-notice",
    "pebble-check-failed",
    "pebble-check-recovered",
)
