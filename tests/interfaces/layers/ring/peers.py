"""The other units of an application: where each is, and whether all agree."""

from __future__ import annotations

from charms.reactive import Endpoint, data_changed, set_flag, toggle_flag, when, when_not


class RingPeers(Endpoint):
    """Flags: ``{endpoint_name}.agreed`` while all know the same members, ``….alone`` without others."""

    @when("endpoint.{endpoint_name}.joined")
    def publish(self) -> None:
        for relation in self.relations:
            relation.to_publish["members"] = self.members()
        if data_changed(self.endpoint_name + ".members", self.members()):
            set_flag(self.expand_name("{endpoint_name}.changed"))

    @when_not("endpoint.{endpoint_name}.joined")
    def alone(self) -> None:
        toggle_flag(self.expand_name("{endpoint_name}.alone"), True)

    def manage_flags(self) -> None:
        told = [sorted(unit.received["members"] or []) for unit in self.all_joined_units]
        agreed = bool(told) and bool(told[0]) and all(members == told[0] for members in told)
        toggle_flag(self.expand_name("{endpoint_name}.agreed"), agreed)
        if self.is_joined:
            toggle_flag(self.expand_name("{endpoint_name}.alone"), False)

    def members(self) -> list[str]:
        """The names of the other units, sorted."""
        return sorted(unit.unit_name for unit in self.all_joined_units)
