"""Gives a database to each application that asks for one."""

from telling import tell

from charms.reactive import endpoint_from_flag, endpoint_from_name, set_flag, when, when_not


@when("endpoint.db.joined")
def serve():
    db = endpoint_from_flag("endpoint.db.joined")
    for relation in db.relations:
        wanted = relation.joined_units.received["database"]
        if wanted:
            db.give(relation, wanted)
            unit = relation.joined_units[0]
            tell(
                relation.relation_id, relation.application_name, sorted(relation.to_publish), db.refused(unit)
            )
            tell(
                relation.to_publish["roles"],
                relation.to_publish_raw["roles"],
                relation.to_publish.get("no", 1),
            )
            tell(db.kinds, relation.to_publish_raw.writeable, unit.received.writeable)


@when("endpoint.db.departed")
def forget():
    departed = endpoint_from_name("db").all_departed_units
    tell("departed", departed.keys(), [unit.relation.relation_id for unit in departed.values()])
    tell([dict(unit.received) for unit in departed], "web/1" in departed)
    if len(departed) > 1 and "web/1" in departed:
        del departed["web/1"]
        tell("kept", departed.keys())


@when("endpoint.db-admin.joined")
@when_not("admin.done")
def admin():
    for relation in endpoint_from_name("db-admin").relations:
        before = relation.to_publish.modified
        relation.to_publish_raw["secret"] = "s3"
        tell("modified", before, relation.to_publish_raw.modified)
        relation.to_publish_raw["other"] = "o"
    set_flag("admin.done")


@when("withdrawn")
def withdraw():
    for relation in endpoint_from_name("db-admin").relations:
        relation.to_publish_raw["other"] = ""


@when("admin.done")
@when_not("withdrawn")
def then_withdraw():
    if endpoint_from_name("db").all_departed_units:
        set_flag("withdrawn")
