"""What a whole application shares; read here."""

from telling import tell

from charms.reactive import Endpoint, clear_flag, when


class Shared(Endpoint):
    @when("endpoint.{endpoint_name}.changed.colour")
    def changed(self):
        tell("colour")
        clear_flag(self.expand_name("changed.colour"))

    def settings(self):
        return {
            relation.relation_id: dict(relation.received_app) for relation in self.relations if relation.units
        }
