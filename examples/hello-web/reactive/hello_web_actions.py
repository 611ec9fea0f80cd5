"""The actions of hello-web. A flag that an action sets runs the handlers that wait for it."""

from __future__ import annotations

from charmhelpers.core import hookenv, unitdata

from charms.reactive import action, is_flag_set, set_flag


@action("notice")
def notice() -> None:
    if not is_flag_set("hello.page-ready"):
        hookenv.action_fail("there is no page yet")
        return
    text = hookenv.action_get("text")
    unitdata.kv().set("hello.notice", text)
    set_flag("hello.content-changed")
    hookenv.action_set({"notice": text or "taken away"})
