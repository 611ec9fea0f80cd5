"""A hook of a large charm, as far as Juju sees it: what it asks, what it says, and what it publishes."""

from charmhelpers.core import hookenv

from charms.reactive import hook


@hook("update-status")
def a_hundred_tools() -> None:
    for number in range(25):
        hookenv.log("line %d" % number)
    for number in range(25):
        hookenv.relation_get("key", "pg/%d" % number, "db:0")
    for number in range(25):
        hookenv.related_units("db:%d" % number)
    for _ in range(20):
        hookenv.opened_ports()
        hookenv.cache.clear()
    hookenv.status_set("active", "ready")
    hookenv.is_leader()
    hookenv.unit_get("private-address")
    hookenv.application_version_set("1.0")
    hookenv.log("ready")
