"""A website tells others where it is."""

from charmhelpers.core import hookenv

from charms.reactive import Endpoint, clear_flag, set_flag, when, when_not


class Provides(Endpoint):
    @when("endpoint.{endpoint_name}.joined")
    def joined(self) -> None:
        set_flag(self.expand_name("{endpoint_name}.available"))

    @when_not("endpoint.{endpoint_name}.joined")
    def nobody(self) -> None:
        clear_flag(self.expand_name("{endpoint_name}.available"))

    def configure(self, port: int) -> None:
        for relation in self.relations:
            address = hookenv.ingress_address(relation.relation_id, hookenv.local_unit())
            relation.to_publish_raw.update({"hostname": address, "private-address": address, "port": port})
