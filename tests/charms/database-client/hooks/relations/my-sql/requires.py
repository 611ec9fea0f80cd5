"""The requiring side of an interface whose name no import statement could have."""

from telling import tell

from charms.reactive import (
    Endpoint,
    all_flags_set,
    clear_flag,
    is_flag_set,
    register_trigger,
    set_flag,
    toggle_flag,
    when,
    when_not,
)


class MySQL(Endpoint):
    def register_triggers(self):
        register_trigger(when_not=self.expand_name("joined"), clear_flag=self.expand_name("asked"))

    def manage_flags(self):
        hosts = [unit.received_raw["host"] for unit in self.all_joined_units]
        tell("manage_flags", self.endpoint_name, hosts)
        toggle_flag(self.expand_name("{endpoint_name}.available"), self.is_joined and all(hosts))

    @when("endpoint.{endpoint_name}.joined")
    @when_not("endpoint.{endpoint_name}.asked")
    def ask(self):
        for relation in self.relations:
            relation.to_publish_raw.update({"database": "app", "from": relation.endpoint_name})
            relation.to_publish["options"] = {"b": [1, 2], "a": None}
        set_flag(self.expand_name("asked"))

    @when("endpoint.{endpoint_name}.changed.host")
    def host_changed(self):
        tell("host", self.endpoint_name, self.hosts())
        clear_flag(self.expand_name("changed.host"))

    @when("endpoint.{endpoint_name}.changed")
    @when_not("endpoint.{endpoint_name}.changed.host")
    def anything_changed(self):
        tell("changed", self.endpoint_name, all_flags_set(self.expand_name("joined")))
        clear_flag(self.expand_name("changed"))

    @when("endpoint.{endpoint_name}.departed")
    def gone(self):
        for name, unit in self.all_departed_units.items():
            tell("departed", self.endpoint_name, name, unit.received_raw.get("host"), unit.received["tags"])
        self.all_departed_units.clear()
        clear_flag(self.expand_name("departed"))

    def hosts(self):
        return {
            relation.relation_id: {unit.unit_name: unit.received["host"] for unit in relation.joined_units}
            for relation in self.relations
        }

    def described(self):
        units = self.all_joined_units
        return {
            "name": self.endpoint_name,
            "joined": self.is_joined and self.joined,
            "flag": is_flag_set(self.expand_name("joined")),
            "names": [
                self.expand_name(name) for name in ("x", "{endpoint_name}.x", "endpoint.{endpoint_name}.x")
            ],
            "relations": self.relations.keys(),
            "applications": [relation.application_name for relation in self.relations],
            "units": units.keys(),
            "all_units": [unit.unit_name for unit in self.all_units],
            "merged": [units.received["host"], units.received_raw["tags"], units.received["none"]],
            "asked": [dict(relation.to_publish_raw) for relation in self.relations],
        }
