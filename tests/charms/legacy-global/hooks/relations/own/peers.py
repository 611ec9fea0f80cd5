"""A conversation whose scope is a word of the charm's own."""

from telling import tell

from charms.reactive import RelationBase, hook


class Own(RelationBase):
    scope = "everybody"

    @hook("{peers:own}-relation-joined")
    def joined(self):
        self.set_flag("{relation_name}.met")
        tell(
            self.conversation().scope, self.conversation().namespace, self.is_flag_set("{relation_name}.met")
        )
        self.toggle_flag("{relation_name}.toggled")
