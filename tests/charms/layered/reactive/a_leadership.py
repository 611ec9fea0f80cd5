"""A layer that manages the leadership flags, as built charms have one."""

from charmhelpers.core import hookenv, unitdata

from charms import reactive
from charms.reactive.helpers import toggle_state


def initialize():
    seen = unitdata.kv().getrange("leadership.settings.", strip=True)
    current = hookenv.leader_get() or {}
    changed = {key for key in {*seen, *current} if seen.get(key) != current.get(key)}
    toggle_state("leadership.is_leader", hookenv.is_leader())
    toggle_state("leadership.changed", changed)
    for key in {*seen, *current}:
        toggle_state("leadership.changed.%s" % key, key in changed)
        toggle_state("leadership.set.%s" % key, current.get(key) is not None)
    unitdata.kv().update(current, prefix="leadership.settings.")


if not hasattr(reactive, "_leadership_registered"):
    hookenv.atstart(initialize)
    reactive._leadership_registered = True
