"""Monitored."""

from telling import tell

from charms.reactive import RelationBase, set_flag, when, when_not
from charms.reactive.relations import relation_call


@when("monitors.available")
@when_not("told")
def remember(monitors):
    tell(monitors.remember(a=1), relation_call("target", relation_name="monitors"))
    set_flag("told")


@when("ring.met")
def met(ring):
    tell("met", sorted(ring.conversation().units), RelationBase.from_state("ring.met").relation_name)
