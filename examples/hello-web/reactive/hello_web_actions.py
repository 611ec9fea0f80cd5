"""The actions of hello-web. What an action changes runs the handlers that wait for it."""

from __future__ import annotations

from charmhelpers.core import hookenv
from notice import Notice

from charms.reactive import action, is_flag_set


@action("notice")
def notice() -> None:
    if not is_flag_set("hello.page-ready"):
        hookenv.action_fail("there is no page yet")
        return
    text = hookenv.action_get("text")
    for earlier in Notice.all():
        earlier.delete()
    if text:
        Notice.create(text=text)
    hookenv.action_set({"notice": text or "taken away"})
