"""The interface ``website``: both ends, as the maintainer of the layer tests them."""

from __future__ import annotations

from typing import Any

from charms_reactive.testing import Relation, State

OFFERING = """\
    from charms.reactive import endpoint_from_flag, when

    @when("site.wanted")
    def configure():
        endpoint_from_flag("site.wanted").configure(8080)
    """

USING = """\
    from charmhelpers.core import hookenv
    from charms.reactive import clear_flag, endpoint_from_name, when

    @when("backend.new")
    def render():
        hookenv.log(str(endpoint_from_name("backend").sites()))
        clear_flag("backend.new")
    """


def test_nobody_wants_the_website(layered: Any) -> None:
    then = layered("website", OFFERING, provides="site").run("install")
    assert "configure" not in then.handlers
    assert then.flags == frozenset()


def test_whoever_joins_is_told_where_it_is(layered: Any) -> None:
    given = State(relations=[Relation("site", "proxy", [0])], address="10.1.2.3")
    then = layered("website", OFFERING, provides="site").run("site-relation-joined", given)
    assert then.published == {"site:0": {"hostname": "10.1.2.3", "port": "8080"}}
    assert "site.wanted" in then.flags
    assert "site.shared" not in then.flags


def test_nothing_is_told_twice(layered: Any) -> None:
    unit = layered("website", OFFERING, provides="site")
    first = unit.run("site-relation-joined", State(relations=[Relation("site", "proxy", [0])]))
    again = unit.run("site-relation-changed", first.state)
    assert again.handlers == ["configure", "joined:site"]
    assert again.published == {}
    assert "relation-set" not in [call.tool for call in again.tools]


def test_every_relation_is_told(layered: Any) -> None:
    given = State(relations=[Relation("site", "proxy", [0]), Relation("site", "monitor", [3, 4])])
    then = layered("website", OFFERING, provides="site").run("site-relation-joined", given, relation="site:0")
    assert then.published == {
        name: {"hostname": "127.0.0.1", "port": "8080"} for name in ("site:0", "site:1")
    }
    assert "site.shared" in then.flags


def test_the_last_one_leaves(layered: Any) -> None:
    unit = layered("website", OFFERING, provides="site")
    joined = unit.run("site-relation-joined", State(relations=[Relation("site", "proxy", [0])]))
    departed = unit.run("site-relation-departed", joined.state)
    assert "site.wanted" not in departed.flags
    broken = unit.run("site-relation-broken", departed.state)
    assert broken.state.relations == ()


def test_the_list_of_websites(layered: Any) -> None:
    shop = Relation(
        "backend",
        "shop",
        {0: {"hostname": "h0", "port": "80"}, 1: {"hostname": "h1", "port": "81"}, 2: {"hostname": "h2"}},
    )
    blog = Relation("backend", "blog", {0: {"hostname": "b", "port": "82"}})
    unit = layered("website", USING, requires="backend")
    then = unit.run("backend-relation-changed", State(relations=[shop, blog]), relation="backend:0", unit=0)
    assert then.logged("'shop': ['h0:80', 'h1:81']")
    assert then.logged("'blog': ['b:82']")
    assert {"backend.available"} <= then.flags
    gone = unit.run("backend-relation-departed", then.state, relation="backend:0", unit=0)
    assert gone.logged("'shop': ['h1:81']")


def test_no_site_is_no_site(layered: Any) -> None:
    given = State(relations=[Relation("backend", "shop", {0: {"hostname": "h0"}})])
    then = layered("website", USING, requires="backend").run("backend-relation-changed", given)
    assert "render" in then.handlers
    assert "backend.available" not in then.flags


def test_what_is_refused_fails_the_hook_and_changes_nothing(layered: Any) -> None:
    given = State(relations=[Relation("backend", "shop", {0: {"password": "x"}})], flags=["mine"])
    then = layered("website", USING, requires="backend").run("backend-relation-changed", given)
    assert then.error == "ValueError: backend: websites have no password"
    assert then.flags == {"mine"}
    assert then.published == {}
