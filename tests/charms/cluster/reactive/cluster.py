"""A leader that tells, followers that read, and both in applications around them."""

from charmhelpers.core import hookenv
from telling import tell

from charms.reactive import endpoint_from_name, hook, when


@when("endpoint.ring.joined")
def share():
    ring = endpoint_from_name("ring")
    if hookenv.is_leader():
        ring.lead(
            members=[hookenv.local_unit()] + ring.all_joined_units.keys(), size=len(ring.all_joined_units) + 1
        )
    else:
        tell("follow", ring.follow())
    hookenv.status_set("active", "%d peers" % len(ring.all_joined_units))


@when("endpoint.share.joined")
def publish():
    if hookenv.is_leader():
        endpoint_from_name("share").publish(motto={"b": "two", "a": 1})


@when("endpoint.shared.joined")
def read():
    tell("shared", endpoint_from_name("shared").settings())


@hook("ring-relation-departed")
def left(ring):
    tell("left", hookenv.remote_unit(), ring.all_departed_units.keys(), ring is endpoint_from_name("ring"))
