"""Asks for a certificate on each endpoint."""

from telling import tell

from charms.reactive import endpoint_from_name, set_flag, when, when_not


@when("endpoint.certs.joined")
@when_not("asked.certs")
def ask():
    endpoint_from_name("certs").ask("a.example", sans=["b", "c"], request_id="r-a")
    set_flag("asked.certs")


@when("endpoint.backup-certs.joined")
@when_not("asked.backup")
def ask_again():
    certs = endpoint_from_name("backup-certs")
    request = certs.REQUEST_CLASS.create(certs.relations[0], common_name="x.example")
    tell(type(request).__name__, request.is_created, request.is_received, bool(request.request_id))
    tell(certs.REQUEST_CLASS.get(request.request_id) is request, request.response)
    request.sans = ["y"]
    tell("in all", len(certs.REQUEST_CLASS.get_all()))
    set_flag("asked.backup")


@when("endpoint.certs.has_responses")
def responses():
    certs = endpoint_from_name("certs")
    tell([[each.request_id, each.common_name, each.sans] for each in certs.requests])
    for response in certs.responses:
        tell(response.cert, response.key, response.is_received, response.request.common_name)
    found = certs.response_by_common_name("a.example")
    tell(found and found.cert, certs.response_by_field(common_name="z") is None)
    request = certs.REQUEST_CLASS.find(common_name="a.example")
    tell(
        request["common_name"],
        request.get("sans"),
        sorted(request),
        len(certs.REQUEST_CLASS.find_all(common_name="a.example")),
    )


@when("endpoint.certs.all_responses", "endpoint.certs.joined")
def complete():
    tell("all", len(endpoint_from_name("certs").requests))
