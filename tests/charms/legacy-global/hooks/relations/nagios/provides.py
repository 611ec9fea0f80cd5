"""A relation of the old kind, with one conversation for all."""

from telling import tell

from charms.reactive import RelationBase, hook, scopes
from charms.reactive.relations import AutoAccessors, Conversation


class Monitors(RelationBase):
    scope = scopes.GLOBAL
    auto_accessors = ["target"]

    @hook("{provides:nagios}-relation-{joined,changed}")
    def changed(self):
        self.set_state("{relation_name}.available")
        self.set_remote("checks", "load disk")
        tell(
            "changed",
            self.target(),
            isinstance(type(self), AutoAccessors),
            isinstance(self.conversation(), Conversation),
        )

    @hook("{provides:nagios}-relation-departed")
    def departed(self):
        tell("departed", sorted(self.conversation().units))

    @hook("{provides:nagios}-relation-broken")
    def broken(self):
        self.remove_state("{relation_name}.available")

    def remember(self, **data):
        self.set_local(data=data)
        return self.get_local("a"), self.get_local("b", "none")
