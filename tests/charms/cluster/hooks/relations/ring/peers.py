"""Units of one application among themselves."""

from charmhelpers.core.hookenv import local_unit
from telling import tell

from charms.reactive import Endpoint, clear_flag, when


class Ring(Endpoint):
    @when("endpoint.{endpoint_name}.joined")
    def introduce(self):
        for relation in self.relations:
            relation.to_publish["name"] = local_unit()

    @when("endpoint.{endpoint_name}.changed.name")
    def met(self):
        tell("met", sorted(unit.received["name"] or "" for unit in self.all_joined_units))
        clear_flag(self.expand_name("changed.name"))

    def lead(self, **settings):
        for relation in self.relations:
            relation.to_publish_app.update(settings)
            relation.to_publish_app_raw["plain"] = "text"

    def follow(self):
        return [
            (relation.application_name, dict(relation.received_app), dict(relation.received_app_raw))
            for relation in self.relations
        ]
