"""Offer a website: whoever asks is told where it listens."""

from __future__ import annotations

from charmhelpers.core import hookenv

from charms.reactive import Endpoint, clear_flag, set_flag, toggle_flag, when, when_not


class WebsiteProvides(Endpoint):
    """Flags: ``{endpoint_name}.wanted`` while anybody is related."""

    @when("endpoint.{endpoint_name}.joined")
    def joined(self) -> None:
        set_flag(self.expand_name("{endpoint_name}.wanted"))

    @when_not("endpoint.{endpoint_name}.joined")
    def left(self) -> None:
        clear_flag(self.expand_name("{endpoint_name}.wanted"))

    def configure(self, port: int) -> None:
        """Tell everybody where the website is."""
        for relation in self.relations:
            address = hookenv.ingress_address(relation.relation_id, hookenv.local_unit())
            relation.to_publish_raw.update({"hostname": address, "port": str(port)})

    def manage_flags(self) -> None:
        many = len(self.relations) > 1
        toggle_flag(self.expand_name("{endpoint_name}.shared"), many)
