"""A relation of the old kind, used from a shell."""

from charms.reactive import RelationBase, hook, scopes


class MySQL(RelationBase):
    scope = scopes.GLOBAL
    auto_accessors = ["host"]

    @hook("{requires:mysql}-relation-{joined,changed}")
    def changed(self):
        self.set_state("{relation_name}.connected")
        self.toggle_state("{relation_name}.available", bool(self.host()))

    @hook("{requires:mysql}-relation-broken")
    def broken(self):
        self.remove_state("{relation_name}.connected")
        self.remove_state("{relation_name}.available")
