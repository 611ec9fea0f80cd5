"""Whatever databases there are, the charm tells of them."""

from charmhelpers.core.hookenv import status_set
from telling import tell

from charms.reactive import Endpoint, endpoint_from_flag, endpoint_from_name, when, when_any, when_none


@when_none("db.available", "replica.available")
def wait():
    status_set("waiting", "for a database")


@when_any("db.available", "replica.available")
def work():
    status_set("active", "")


@when("db.available")
def use():
    db = endpoint_from_flag("db.available")
    tell("use", db.described(), db is endpoint_from_name("db"), db is Endpoint.from_name("db"))
    first = db.all_joined_units[0].relation
    tell(
        first is db.relations[first.relation_id],
        first.endpoint is db,
        first.relation_id in db.relations,
        first in db.relations,
        first.units[0].relation is first,
        first.units[0].application_name,
        [key for key, unit in db.all_joined_units.items()],
        "db:99" in db.relations,
    )


@when("replica.available")
def use_replica():
    tell(
        "replica",
        endpoint_from_flag("endpoint.replica.joined").hosts(),
        endpoint_from_flag("endpoint.db.nothing"),
    )
