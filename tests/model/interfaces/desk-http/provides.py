"""The side with the web server."""

from charms.reactive import Endpoint


class HttpProvides(Endpoint):
    def publish(self, host, port):
        """Tell where this unit answers; nothing of both takes it out of the rotation."""
        for relation in self.relations:
            relation.to_publish["host"] = host
            relation.to_publish["port"] = port
