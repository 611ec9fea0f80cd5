"""The interface ``memcache``: an old layer, whose handlers get the relation as their argument."""

from __future__ import annotations

from typing import Any

from charms_reactive.testing import Relation, State

HANDLERS = """\
    from charmhelpers.core import hookenv
    from charms.reactive import when

    @when("cache.available")
    def use(cache):
        hookenv.log("servers: %s" % ", ".join(cache.servers()))
    """


def test_a_server_that_has_not_said_where_it_is(layered: Any) -> None:
    given = State(relations=[Relation("cache", "memcached", [0])])
    then = layered("memcache", HANDLERS, requires="cache").run("cache-relation-joined", given)
    assert then.handlers == ["changed"]
    assert then.flags == {"cache.connected"}
    assert "'cache.available' is not set" in then.why("use")


def test_all_servers_are_used(layered: Any) -> None:
    unit = layered("memcache", HANDLERS, requires="cache")
    where = {number: {"host": "h%d" % number, "port": "11211"} for number in range(2)}
    given = State(relations=[Relation("cache", "memcached", where)])
    first = unit.run("cache-relation-changed", given, unit=0)
    assert first.logged("servers: h0:11211")
    second = unit.run("cache-relation-changed", first.state, unit=1)
    assert second.logged("servers: h0:11211, h1:11211")
    gone = unit.run("cache-relation-departed", second.state, unit=0)
    assert gone.flags >= {"cache.available"}
    assert unit.run("update-status", gone.state).logged("servers: h1:11211")
    last = unit.run("cache-relation-departed", gone.state, unit=1)
    assert "cache.available" not in last.flags


def test_the_flag_keeps_its_conversations_from_hook_to_hook(layered: Any) -> None:
    unit = layered("memcache", HANDLERS, requires="cache")
    given = State(relations=[Relation("cache", "memcached", {0: {"host": "h", "port": "1"}})])
    then = unit.run("cache-relation-changed", given)
    assert then.state.flag_values["cache.available"]["relation"] == "cache"
    later = unit.run("update-status", then.state)
    assert later.handlers == ["use"]
    assert later.logged("servers: h:1")
