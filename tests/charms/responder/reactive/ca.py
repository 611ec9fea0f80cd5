"""Signs whatever it is asked to."""

from telling import tell

from charms.reactive import endpoint_from_flag, endpoint_from_name, when, when_any


@when("endpoint.tls.new_requests")
def sign():
    certs = endpoint_from_flag("endpoint.tls.new_requests")
    for request in certs.new_requests:
        tell("new", request.common_name, request.is_received, request.ingress_address, request.egress_subnets)
        if request.common_name == "b":
            response = request.respond(cert="signed b")
        else:
            response = request.create_response(cert="signed %s" % request.common_name)
        tell(response.cert, response.is_received, request.response.cert)


@when("endpoint.clients.new_requests")
def sign_client():
    for request in endpoint_from_name("clients").new_requests:
        request.respond(cert="client")


@when_any("endpoint.tls.has_requests", "endpoint.clients.has_requests")
def all_requests():
    tell([[each.common_name, each.response is not None] for each in endpoint_from_name("tls").all_requests])
