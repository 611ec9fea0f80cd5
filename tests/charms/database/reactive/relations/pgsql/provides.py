"""The providing side of an interface, beside the charm's own handlers."""

from telling import tell

from charms.reactive import Endpoint, clear_flag, when
from charms.reactive.endpoints import (
    CombinedUnitsView,
    JSONUnitDataView,
    KeyList,
    RelatedUnit,
    Relation,
    UnitDataView,
)


class PostgreSQL(Endpoint):
    def __init__(self, endpoint_name, relation_ids=None):
        super().__init__(endpoint_name, relation_ids)
        self.kinds = [isinstance(self.relations, KeyList)]

    @when("endpoint.{endpoint_name}.changed.database")
    def wanted(self):
        for relation in self.relations:
            for unit in relation.units:
                assert isinstance(relation, Relation)
                assert isinstance(unit, RelatedUnit)
                assert isinstance(unit.received, JSONUnitDataView)
                assert isinstance(unit.received_raw, UnitDataView)
                assert isinstance(relation.units, CombinedUnitsView)
                tell(
                    "wanted",
                    self.endpoint_name,
                    relation.relation_id,
                    unit.unit_name,
                    unit.received["database"],
                )
        clear_flag(self.expand_name("endpoint.{endpoint_name}.changed.database"))

    def give(self, relation, database):
        relation.to_publish_raw["host"] = "10.0.0.1"
        relation.to_publish.update(
            {"port": 5432, "databases": [database], "roles": {"b": 1, "a": [True, None]}}
        )

    def refused(self, unit):
        errors = 0
        for view in (unit.received, unit.received_raw):
            try:
                view["x"] = "y"
            except ValueError:
                errors += 1
        return errors
