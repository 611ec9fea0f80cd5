"""Servers of one application: which of them is the primary, and the password they share."""

from charms.reactive import Endpoint


class Replicas(Endpoint):
    @property
    def primary(self):
        """The unit, host and port of the primary, as the leader has announced it."""
        return self._announced("primary")

    @property
    def password(self):
        return self._announced("password")

    def announce(self, primary, password):
        """Tell the others; only the leader may."""
        for relation in self.relations:
            relation.to_publish_app["primary"] = primary
            relation.to_publish_app["password"] = password

    def _announced(self, key):
        for relation in self.relations:
            return relation.received_app[key]
        return None
