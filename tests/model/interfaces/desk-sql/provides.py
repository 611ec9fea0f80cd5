"""The side with the database."""

from charms.reactive import Endpoint


class DatabaseProvides(Endpoint):
    def offer(self, host, port, user, password, database):
        """Tell all clients where the primary is; only the leader may."""
        for relation in self.relations:
            relation.to_publish_app["access"] = {
                "host": host,
                "port": port,
                "user": user,
                "password": password,
                "database": database,
            }
