"""What a whole application shares; published here."""

from charms.reactive import Endpoint


class Share(Endpoint):
    def publish(self, **settings):
        for relation in self.relations:
            relation.to_publish_app.update(settings)
