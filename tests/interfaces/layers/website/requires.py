"""Use websites: a list of all that are there."""

from __future__ import annotations

from charms.reactive import Endpoint, clear_flag, toggle_flag, when, when_any


class WebsiteRequires(Endpoint):
    """Flags: ``{endpoint_name}.available``, ``{endpoint_name}.new`` when the list has changed."""

    @when_any("endpoint.{endpoint_name}.changed", "endpoint.{endpoint_name}.departed")
    def update(self) -> None:
        toggle_flag(self.expand_name("{endpoint_name}.available"), self.sites())
        toggle_flag(self.expand_name("{endpoint_name}.new"), True)
        for flag in ("changed", "departed"):
            clear_flag(self.expand_name("endpoint.{endpoint_name}." + flag))

    @when("endpoint.{endpoint_name}.changed.password")
    def refuse(self) -> None:
        raise ValueError("%s: websites have no password" % self.endpoint_name)

    def sites(self) -> dict[str, list[str]]:
        """Host and port of every website, by name of the application."""
        found = {}
        for relation in self.relations:
            for unit in relation.joined_units:
                raw = unit.received_raw
                if raw["hostname"] and raw["port"]:
                    found.setdefault(relation.application_name, []).append(
                        "%(hostname)s:%(port)s" % {"hostname": raw["hostname"], "port": raw["port"]}
                    )
        return {name: sorted(sites) for name, sites in found.items()}
