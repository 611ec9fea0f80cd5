"""Offer databases: the leader answers what applications have asked for."""

from __future__ import annotations

from charmhelpers.core import hookenv

from charms.reactive import Endpoint, toggle_flag


class DatabaseProvides(Endpoint):
    """Flags: ``{endpoint_name}.requested`` while anybody waits for a database."""

    def manage_flags(self) -> None:
        toggle_flag(self.expand_name("{endpoint_name}.requested"), self.requests())

    def requests(self) -> dict[str, str]:
        """The databases that were asked for and are not there, by relation id; only the leader can tell."""
        if not hookenv.is_leader():
            return {}
        return {
            relation.relation_id: relation.received_app["database"]
            for relation in self.relations
            if relation.received_app["database"]
            and (relation.to_publish_app["connection"] or {}).get("database")
            != relation.received_app["database"]
        }

    def answer(self, relation_id: str, host: str) -> None:
        """Tell an application where its database is."""
        if hookenv.is_leader():
            relation = self.relations[relation_id]
            relation.to_publish_app["connection"] = {
                "host": host,
                "database": relation.received_app["database"],
            }
            # The flags are managed in hooks of the relation only, of which none may come.
            toggle_flag(self.expand_name("{endpoint_name}.requested"), self.requests())
