"""A factory of a charm's own, which is no Endpoint."""

from telling import tell

from charms.reactive import set_flag
from charms.reactive.relations import RelationFactory


class Simple(RelationFactory):
    @classmethod
    def load(cls):
        tell("nobody calls this")

    @classmethod
    def from_name(cls, relation_name):
        return cls()

    @classmethod
    def from_flag(cls, flag):
        return cls()

    def act(self):
        set_flag("website.acted")
