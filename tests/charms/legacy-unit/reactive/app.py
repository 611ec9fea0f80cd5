"""Handlers that are given the relations of their flags, in the order that the decorators say."""

from charmhelpers.core.hookenv import status_set
from telling import tell

from charms.reactive import (
    RelationBase,
    all_states,
    any_states,
    clear_flag,
    is_state,
    relation_from_flag,
    relation_from_state,
    remove_state,
    set_flag,
    set_state,
    when,
    when_not,
)
from charms.reactive.bus import get_state


@when("database.connected")
@when_not("asked")
def ask(database):
    database.ask("app")
    set_state("asked")


@when("database.available")
def use(database):
    tell("use", database.hosts(), isinstance(database, RelationBase))
    status_set("active", "%d databases" % len(database.conversations()))


@when("archive.connected")
@when("database.available", "asked")
def both(database, archive):
    tell("both", database.relation_name, archive.relation_name, all_states("asked", "database.available"))


@when("database.available", "archive.connected")
def both_in_one(database, archive):
    tell("in one", database.hosts(), archive.hosts(), any_states("no", "asked"))


@when_not("database.available")
def wait():
    status_set("waiting", "for a database")
    tell("wait", relation_from_state("database.available") is None, is_state("database.connected"))


@when("database.named")
def named(*relations):
    one = relation_from_flag("database.named")
    tell("named", len(relations), one.relation_name, sorted(get_state("database.named")))
    remove_state("no.such.state")
    set_flag("plain")
    clear_flag("plain")
