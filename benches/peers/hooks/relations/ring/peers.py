"""The interface layer: counts the hooks in which something has changed."""

from __future__ import annotations

from charmhelpers.core import unitdata

from charms.reactive import Endpoint, clear_flag, when


class Ring(Endpoint):
    """The other units."""

    @when("endpoint.{endpoint_name}.changed")
    def note(self) -> None:
        clear_flag(self.expand_name("changed"))
        unitdata.kv().set("bench.changed", unitdata.kv().get("bench.changed", 0) + 1)
