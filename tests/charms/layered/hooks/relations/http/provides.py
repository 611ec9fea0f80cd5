"""A website that publishes its port."""

from charms.reactive import Endpoint


class HTTP(Endpoint):
    def configure(self, port):
        for relation in self.relations:
            relation.to_publish_raw.update({"port": str(port)})
