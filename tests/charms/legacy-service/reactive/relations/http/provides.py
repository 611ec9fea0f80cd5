"""A relation of the old kind, with a conversation for each remote application."""

from telling import tell

from charms.reactive import RelationBase, hook, scopes
from charms.reactive.flags import State, StateList


class HTTP(RelationBase):
    scope = scopes.SERVICE

    class states(StateList):  # noqa: N801
        available = State("{relation_name}.available")

    @hook("{provides:http}-relation-joined")
    def joined(self):
        self.set_state(self.states.available)
        self.conversation().set_local(first=True)

    @hook("{provides:http}-relation-changed")
    def changed(self):
        path = self.get_remote("path", "/")
        tell("changed", self.conversation().scope, path, sorted(self.conversation().units))
        self.toggle_state("{relation_name}.path", path != "/")

    @hook("{provides:http}-relation-departed")
    def departed(self):
        conversation = self.conversation()
        tell("departed", conversation.scope, sorted(conversation.units), conversation.get_local("first"))
        if len(conversation.units) == 1:
            conversation.remove_state("{relation_name}.available")
            conversation.remove_state("{relation_name}.path")

    def configure(self, port):
        for conversation in self.conversations():
            conversation.set_remote(port=port, hostname=conversation.scope)
