"""Ask for a database: the leader asks, and the answer is in the other application's data."""

from __future__ import annotations

from typing import Iterable

from charmhelpers.core import hookenv

from charms.reactive import Endpoint, clear_flag, toggle_flag, when


class DatabaseRequires(Endpoint):
    """Flags: ``{endpoint_name}.ready`` while there is a database that was asked for."""

    def manage_flags(self) -> None:
        toggle_flag(self.expand_name("{endpoint_name}.ready"), self.url() is not None)

    @when("endpoint.{endpoint_name}.changed")
    def acknowledge(self) -> None:
        for relation in self.relations:
            relation.to_publish["seen"] = sorted(unit.unit_name for unit in relation.joined_units)
        clear_flag(self.expand_name("endpoint.{endpoint_name}.changed"))

    def ask(self, name: str, extensions: Iterable[str] = ()) -> None:
        """Ask for a database; only the leader can."""
        if hookenv.is_leader():
            for relation in self.relations:
                relation.to_publish_app.update({"database": name, "extensions": sorted(extensions)})

    def url(self) -> str | None:
        """Where the database is; None if there is none yet."""
        for relation in self.relations:
            answer = relation.received_app["connection"]
            if answer:
                return "postgresql://%(host)s/%(database)s" % answer
        return None
