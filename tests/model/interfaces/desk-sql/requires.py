"""The side that reads from the database."""

from charms.reactive import Endpoint, toggle_flag


class DatabaseRequires(Endpoint):
    @property
    def access(self):
        """Where the primary is, and how to get in; ``None`` as long as nobody said."""
        for relation in self.relations:
            if relation.units:
                return relation.received_app["access"]
        return None

    def manage_flags(self):
        super().manage_flags()
        toggle_flag(self.expand_name("endpoint.{endpoint_name}.available"), bool(self.access))
