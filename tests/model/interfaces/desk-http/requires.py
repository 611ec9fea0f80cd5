"""The side that passes requests on."""

from charms.reactive import Endpoint


class HttpRequires(Endpoint):
    @property
    def servers(self):
        """Host and port of every unit that answers, in order."""
        return sorted(
            (unit.received["host"], unit.received["port"])
            for unit in self.all_joined_units
            if unit.received["host"] and unit.received["port"]
        )
