"""A relation of the old kind, with a conversation for each remote unit."""

from telling import tell

from charms.reactive import RelationBase, hook, scopes


class MySQLClient(RelationBase):
    scope = scopes.UNIT
    auto_accessors = ["host", "user-name"]

    @hook("{requires:mysql}-relation-{joined,changed}")
    def changed(self):
        conversation = self.conversation()
        conversation.set_state("{relation_name}.connected")
        tell("changed", self.relation_name, conversation.scope, conversation.key, sorted(conversation.units))
        if self.host() and self.user_name():
            self.set_local("seen", self.get_local("seen", 0) + 1)
            self.set_state("{relation_name}.available")
        else:
            self.remove_state("{relation_name}.available")
        self.toggle_state("{relation_name}.named", bool(self.user_name()))

    @hook("{requires:mysql}-relation-{departed,broken}")
    def departed(self):
        tell("departed", self.conversation().scope, self.host(), self.is_state("{relation_name}.available"))
        self.remove_state("{relation_name}.available")
        self.remove_state("{relation_name}.connected")
        self.remove_flag("{relation_name}.named")
        if self.relation_name == "archive":
            self.conversation().depart()

    def ask(self, database):
        for conversation in self.conversations():
            conversation.set_remote("database", database)
            conversation.set_remote(data={"count": 3}, extra="yes")

    def hosts(self):
        return [
            [each.scope, each.get_remote("host"), each.get_remote("none", "default"), each.get_local("seen")]
            for each in self.conversations()
        ]
