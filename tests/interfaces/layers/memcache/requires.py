"""Use memcached servers: an interface layer of the old kind, with a conversation for each unit."""

from __future__ import annotations

from charms.reactive import RelationBase, hook, scopes


class MemcacheRequires(RelationBase):
    scope = scopes.UNIT
    auto_accessors = ("host", "port")

    @hook("{requires:memcache}-relation-{joined,changed}")
    def changed(self) -> None:
        conversation = self.conversation()
        conversation.set_state("{relation_name}.connected")
        if self.host() and self.port():
            conversation.set_state("{relation_name}.available")
            conversation.set_local("known", "yes")

    @hook("{requires:memcache}-relation-{departed,broken}")
    def departed(self) -> None:
        conversation = self.conversation()
        conversation.remove_state("{relation_name}.connected")
        conversation.remove_state("{relation_name}.available")

    def servers(self) -> list[str]:
        """Host and port of every server, sorted."""
        return sorted(
            "%s:%s" % (one.get_remote("host"), one.get_remote("port"))
            for one in self.conversations()
            if one.get_remote("host")
        )
