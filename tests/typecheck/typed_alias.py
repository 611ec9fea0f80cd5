"""A charm's code as a type checker sees it, under the name that charms use."""

from __future__ import annotations

from typing import List, Optional

from typing_extensions import assert_type

import charms.reactive
import charms.reactive.status as unit_status
import charms_reactive
from charms import reactive
from charms.reactive import Endpoint, ReactiveError, bus, events, hook, main, records, set_flag, status, when
from charms.reactive.events import Event, emit_event
from charms.reactive.flags import State
from charms.reactive.patterns.request_response import ResponderEndpoint
from charms.reactive.relations import AutoAccessors, Conversation


class Rendered(Event):
    path: str


class Setting(records.Record, key="key"):
    key: str
    value: Optional[str] = None


class Website(Endpoint):
    @when("endpoint.{endpoint_name}.joined")
    def on_joined(self) -> None:
        set_flag(self.expand_name("{endpoint_name}.available"))


@when("website.available", "page.changed")
@hook("config-changed")
def render(path: str = "index.html") -> str:
    return emit_event(Rendered, path=path).path


assert_type(render(), str)
render(path=1)  # type: ignore[arg-type]
assert_type(events.emit_event(Rendered, path="index.html"), Rendered)
wrong = events.emit_event(Rendered, path="index.html").pth  # type: ignore[attr-defined]
assert_type(Setting.filter(value="red"), List[Setting])
assert_type(Setting.get("colour").value, Optional[str])
with status.context(exit_status=unit_status.ActiveStatus("Serving")):
    unit_status.add(status.BlockedStatus("The option host is needed"))
    unit_status.add("blocked")  # type: ignore[arg-type]

# Names of old, where charms find them.
bus.set_state("page.changed")
charms.reactive.bus.get_state("page.changed")
reactive.set_state(State("page.changed"))
old = (AutoAccessors, Conversation, ResponderEndpoint, main)
failed: Exception = ReactiveError("the class, and not Any")
same: Endpoint = charms_reactive.Endpoint("website")
missing = charms.reactive.sett_flag  # type: ignore[attr-defined]
assert_type(charms.reactive.__version__, str)
