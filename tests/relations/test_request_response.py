"""Requests and responses, from both sides of a relation, with several endpoints of one interface."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest
from fakes import Juju

import charms_reactive
from charms_reactive import endpoint_from_name
from charms_reactive.endpoints import Relation
from charms_reactive.patterns.request_response import (
    BaseRequest,
    BaseResponse,
    Field,
    FieldFinders,
    FieldHolderDictProxy,
    RequesterEndpoint,
    ResponderEndpoint,
    SetNameBackport,
)

CLASSES = """
class CertResponse(BaseResponse):
    cert = Field("the signed certificate")

class CertRequest(BaseRequest):
    RESPONSE_CLASS = CertResponse
    name = Field("common name")
    sans = Field("other names")
"""
REQUIRES = CLASSES + "class Requires(RequesterEndpoint):\n    REQUEST_CLASS = CertRequest\n"
PROVIDES = CLASSES + "class Provides(ResponderEndpoint):\n    REQUEST_CLASS = CertRequest\n"

FLAGS = ("has_responses", "all_responses", "has_requests", "new_requests")


def flags(charm: Any, endpoint: str) -> Any:
    begin = "endpoint.%s." % endpoint
    return [name for name in FLAGS if begin + name in charm.flags]


@pytest.fixture
def client(charm: Any, juju: Juju) -> Any:
    """A charm with two endpoints that make requests, each related to two authorities."""
    charm.metadata(requires={"certs": "tls", "more": "tls"})
    charm.interface("tls", "requires", REQUIRES)
    for relation_id in ("certs:1", "certs:2", "more:3"):
        juju.relate(relation_id, "ca" + relation_id[-1], {"ca%s/0" % relation_id[-1]: {}})
    return charm


@pytest.fixture
def server(charm: Any, juju: Juju) -> Any:
    """A charm with an endpoint that answers requests, related to two applications."""
    charm.metadata(provides={"clients": "tls"})
    charm.interface("tls", "provides", PROVIDES)
    juju.relate("clients:1", "a", {"a/0": {"request_1": '{"request_id": "1", "name": "one", "sans": ["x"]}'}})
    juju.relate("clients:2", "b", {"b/0": {"request_2": '{"request_id": "2", "name": "two"}'}, "b/1": {}})
    return charm


def request_class(name: str = "certs") -> Any:
    return endpoint_from_name(name).REQUEST_CLASS


# -- making requests ------------------------------------------------------------------------------
def test_a_request_is_published_under_its_id(client: Any, juju: Juju) -> None:
    client.start("certs-relation-joined", "certs:1", "ca1/0")
    endpoint = endpoint_from_name("certs")
    request = request_class().create(relation=endpoint.relations["certs:1"], name="me", sans=["a", "b"])
    assert request.is_created
    assert not request.is_received
    assert request.response is None
    assert (request.name, request.sans) == ("me", ["a", "b"])
    assert endpoint.requests == [request]
    client.finish()
    published = juju.relations["certs:1"].local_unit["request_" + request.request_id]
    assert json.loads(published) == {"request_id": request.request_id, "name": "me", "sans": ["a", "b"]}
    assert dict(request) == json.loads(published)

    client.start("update-status")
    (again,) = endpoint_from_name("certs").requests
    assert again is not request
    assert dict(again) == dict(request)


def test_a_field_that_is_changed_is_published_again(client: Any, juju: Juju) -> None:
    client.start("update-status")
    relation = endpoint_from_name("certs").relations["certs:1"]
    request = request_class().create(relation, request_id="7", name="me")
    request.sans = ["x"]
    client.finish()
    assert json.loads(juju.relations["certs:1"].local_unit["request_7"]) == {
        "request_id": "7",
        "name": "me",
        "sans": ["x"],
    }
    with pytest.raises(AttributeError, match="id of a request"):
        request.request_id = "8"
    assert repr(request) == "<CertRequest 7>"


def test_a_response_is_paired_with_its_request(client: Any, juju: Juju) -> None:
    client.start("update-status")
    relation = endpoint_from_name("certs").relations["certs:1"]
    for number in ("1", "2"):
        request_class().create(relation, request_id=number, name="n" + number)
    client.finish()
    client.run("update-status")
    assert flags(client, "certs") == []

    juju.relations["certs:1"].units["ca1/0"]["response_2"] = '{"cert": "c2"}'
    client.start("certs-relation-changed", "certs:1", "ca1/0")
    endpoint = endpoint_from_name("certs")
    assert flags(client, "certs") == ["has_responses"]
    assert [request.response is None for request in endpoint.requests] == [True, False]
    (response,) = endpoint.responses
    assert response.cert == "c2"
    assert response.is_received
    assert response.request is endpoint.requests[1]
    assert dict(response) == {"cert": "c2"}
    assert endpoint.response_by_field(name="n2") is response
    assert endpoint.response_by_name("n2") is response
    assert endpoint.response_by_request_id("2") is response
    assert endpoint.response_by_name("n1") is None
    assert endpoint.response_by_name("nobody") is None
    with pytest.raises(AttributeError, match="'cert' of a response that was received"):
        response.cert = "x"

    juju.relations["certs:1"].units["ca1/0"]["response_1"] = "{}"
    client.run("certs-relation-changed", "certs:1", "ca1/0")
    assert flags(client, "certs") == ["has_responses", "all_responses"]


def test_where_nothing_was_asked_not_all_is_answered(client: Any) -> None:
    client.run("install")
    assert flags(client, "certs") == []


ASKING = """
    @when("endpoint.certs.joined")
    @when_not("asked")
    def ask():
        certs = endpoint_from_name("certs")
        request = certs.REQUEST_CLASS.create(certs.relations[0], name="me")
        unitdata.kv().set("asked", request.request_id)
        set_flag("asked")

    @when("endpoint.certs.all_responses")
    def write():
        certs = endpoint_from_name("certs")
        response = certs.response_by_field(request_id=unitdata.kv().get("asked"))
        tell(response.cert)
"""


@pytest.mark.parametrize("order", ["ask first", "write first"])
def test_a_charm_that_waits_for_all_responses_alone_gets_them(client: Any, juju: Juju, order: str) -> None:
    """As the documentation of 1.5.x has it; there it failed in the first hook, where nothing was asked."""
    asking, writing = ("    @when(" + part for part in ASKING.split("    @when(")[1:])
    imports = (
        "    from charmhelpers.core import unitdata\n    from charms.reactive import clear_flag, set_flag\n"
    )
    client.handlers(imports + (asking + writing if order == "ask first" else writing + asking))
    assert client.run("install") == []
    assert client.run("certs-relation-joined", "certs:1", "ca1/0") == []
    assert client.run("update-status") == []

    def answer(cert: str) -> None:
        data = juju.relations["certs:1"].local_unit
        for key in data:
            if key.startswith("request_"):
                response = key.replace("request", "response")
                juju.relations["certs:1"].units["ca1/0"].setdefault(response, '{"cert": "%s"}' % cert)

    answer("one")
    assert client.run("certs-relation-changed", "certs:1", "ca1/0") == ["one"]
    assert client.run("update-status") == ["one"]

    # It asks once more; whoever is in the queue behind that, for all were answered, leaves it.
    client.start("update-status")
    charms_reactive.clear_flag("asked")
    client.finish()
    assert client.run("update-status") == ([] if order == "ask first" else ["one"])
    assert "endpoint.certs.all_responses" not in client.flags
    answer("two")
    assert client.run("certs-relation-changed", "certs:1", "ca1/0") == ["two"]


def test_endpoints_of_one_interface_do_not_mix(client: Any, juju: Juju) -> None:
    client.start("update-status")
    certs, more = endpoint_from_name("certs"), endpoint_from_name("more")
    mine = request_class().create(certs.relations["certs:1"], request_id="1", name="same")
    theirs = request_class().create(more.relations["more:3"], request_id="2", name="same")
    client.finish()
    juju.relations["more:3"].units["ca3/0"]["response_2"] = '{"cert": "c"}'
    client.start("more-relation-changed", "more:3", "ca3/0")
    certs, more = endpoint_from_name("certs"), endpoint_from_name("more")
    assert [dict(request) for request in certs.requests] == [dict(mine)]
    assert [dict(request) for request in more.requests] == [dict(theirs)]
    assert flags(client, "certs") == []
    assert flags(client, "more") == ["has_responses", "all_responses"]
    assert certs.response_by_name("same") is None
    assert more.response_by_name("same").cert == "c"
    assert [request.request_id for request in request_class().get_all()] == ["1", "2"]
    assert request_class().get("2") is more.requests[0]
    assert request_class().get("3") is None


def test_find_looks_only_on_the_relation_it_is_given(client: Any) -> None:
    client.start("update-status")
    one, two = endpoint_from_name("certs").relations
    on_one = request_class().create(one, request_id="1", name="same")
    on_two = request_class().create(two, request_id="2", name="same")
    find = request_class().find
    assert find(name="same") is on_one
    assert find(one, name="same") is on_one
    assert find(relation=two, name="same") is on_two
    assert find(two, name="other") is None
    assert request_class().find_all(name="same") == [on_one, on_two]
    assert request_class().find_all(name="other") == []
    assert endpoint_from_name("certs").response_by_name("same", relation=two) is None


def test_create_or_update_keeps_one_request_per_relation(client: Any, juju: Juju) -> None:
    client.start("update-status")
    made = [
        request_class().create_or_update(["name"], relation, name="n", sans=sans)
        for sans in (["a"], ["b"])
        for relation in endpoint_from_name("certs").relations
    ]
    assert made[0] is made[2]
    assert made[1] is made[3]
    assert made[0] is not made[1]
    client.finish()
    for relation_id in ("certs:1", "certs:2"):
        keys = [key for key in juju.relations[relation_id].local_unit if key.startswith("request_")]
        assert len(keys) == 1
        assert json.loads(juju.relations[relation_id].local_unit[keys[0]])["sans"] == ["b"]


def test_an_update_that_changes_nothing_publishes_nothing(client: Any, juju: Juju) -> None:
    for calls in (1, 0):
        client.start("update-status")
        relation = endpoint_from_name("certs").relations[0]
        request_class().create_or_update(["request_id"], relation, request_id="1", name="n")
        client.finish()
        assert juju.count("relation-set") == calls


# -- answering them -------------------------------------------------------------------------------
def test_a_request_is_received_and_answered(server: Any, juju: Juju) -> None:
    server.start("clients-relation-changed", "clients:1", "a/0")
    endpoint = endpoint_from_name("clients")
    assert flags(server, "clients") == ["has_requests", "new_requests"]
    one, two = endpoint.all_requests
    assert endpoint.new_requests == [one, two]
    assert (one.name, one.sans, two.sans) == ("one", ["x"], None)
    assert one.is_received
    assert not one.is_created
    with pytest.raises(AttributeError, match="'name' of a request that was received"):
        one.name = "x"
    response = one.respond(cert="c1")
    assert response is one.response
    assert not response.is_received
    assert repr(response) == "<CertResponse 1>"
    assert two.create_response(cert="c2").cert == "c2"
    two.response.cert = "c3"
    assert endpoint.new_requests == []
    server.finish()
    assert json.loads(juju.relations["clients:1"].local_unit["response_1"]) == {"cert": "c1"}
    assert json.loads(juju.relations["clients:2"].local_unit["response_2"]) == {"cert": "c3"}

    server.run("update-status")
    assert flags(server, "clients") == ["has_requests"]
    juju.relations.clear()
    server.run("update-status")
    assert flags(server, "clients") == []


def test_a_response_without_fields_is_a_response(server: Any, juju: Juju) -> None:
    server.start("update-status")
    endpoint_from_name("clients").all_requests[0].respond()
    server.finish()
    server.start("update-status")
    assert [request.request_id for request in endpoint_from_name("clients").new_requests] == ["2"]


def test_one_does_not_answer_oneself(client: Any) -> None:
    client.start("update-status")
    request = request_class().create(endpoint_from_name("certs").relations[0], name="x")
    with pytest.raises(ValueError, match="was made here"):
        request.respond(cert="c")


def test_where_to_reach_the_requester(server: Any, juju: Juju) -> None:
    data = juju.relations["clients:1"].units["a/0"]
    data.update({"ingress-address": "10.0.0.9", "egress-subnets": "10.0.0.9/32", "private-address": "p"})
    juju.relations["clients:2"].units["b/0"]["private-address"] = "10.0.0.8"
    server.start("update-status")
    one, two = endpoint_from_name("clients").all_requests
    assert (one.ingress_address, one.egress_subnets) == ("10.0.0.9", "10.0.0.9/32")
    assert (two.ingress_address, two.egress_subnets) == ("10.0.0.8", None)


@pytest.mark.parametrize("nonsense", ["[]", "null", "5", "{", '"text"', "[" * 100000])
def test_nonsense_from_the_other_side_is_no_request(server: Any, juju: Juju, nonsense: str) -> None:
    juju.relations["clients:1"].units["a/0"]["request_1"] = nonsense
    server.start("clients-relation-changed", "clients:1", "a/0")
    assert [request.request_id for request in endpoint_from_name("clients").all_requests] == ["2"]
    server.finish()
    server.run("update-status")
    assert [line for line in server.lines("WARNING") if "'request_1' in relation clients:1" in line]


@pytest.mark.parametrize("data", ["{}", '{"request_id": "2"}', '{"request_id": ["x"], "__class__": 1}'])
def test_the_key_says_which_request_it_is(server: Any, juju: Juju, data: str) -> None:
    juju.relations["clients:1"].units["a/0"]["request_1"] = data
    server.start("update-status")
    one, two = endpoint_from_name("clients").all_requests
    assert (one.request_id, two.request_id, two.name) == ("1", "2", "two")
    one.respond(cert="c")
    server.finish()
    assert "response_1" in juju.relations["clients:1"].local_unit
    assert "response_2" not in juju.relations["clients:2"].local_unit


@pytest.mark.parametrize("nonsense", ["[]", "null", "5", "{"])
def test_nonsense_from_the_other_side_is_no_response(client: Any, juju: Juju, nonsense: str) -> None:
    client.start("update-status")
    request_class().create(endpoint_from_name("certs").relations["certs:1"], request_id="1", name="x")
    client.finish()
    juju.relations["certs:1"].units["ca1/0"]["response_1"] = nonsense
    client.start("certs-relation-changed", "certs:1", "ca1/0")
    assert endpoint_from_name("certs").responses == []


# -- the classes ----------------------------------------------------------------------------------
def test_classes_that_lack_their_counterpart() -> None:
    class Lonely(BaseRequest):
        pass

    class Endpoint(ResponderEndpoint):
        pass

    with pytest.raises(TypeError, match="Lonely must name its responses in RESPONSE_CLASS"):
        Lonely(Relation("db:1"), "1")
    with pytest.raises(TypeError, match="Endpoint must name its requests in REQUEST_CLASS"):
        Endpoint("db")
    assert BaseRequest.get_all() == []


def test_fields_and_finders_describe_themselves() -> None:
    class Request(BaseRequest):
        size = Field("how large")

    class Larger(Request):
        depth = Field(description="how deep")

    class Requester(RequesterEndpoint):
        REQUEST_CLASS = Larger

    assert Request.size.__doc__ == "how large"
    assert repr(Larger.depth) == "<Field Larger.depth>"
    assert isinstance(Request.size, property)
    finders = sorted(name for name in dir(Requester) if name.startswith("response_by_"))
    assert finders == ["response_by_" + name for name in ("depth", "field", "request_id", "size")]
    assert "``depth``" in str(Requester.response_by_depth.__doc__)  # type: ignore[attr-defined]
    assert type(Requester) is FieldFinders
    assert issubclass(Request, FieldHolderDictProxy)
    assert issubclass(BaseResponse, dict)
    assert issubclass(SetNameBackport, type)


def test_handlers_work_with_it(server: Any, juju: Juju) -> None:
    server.handlers(
        """
        @when("endpoint.clients.new_requests")
        def answer():
            for request in endpoint_from_name("clients").new_requests:
                request.respond(cert="for " + request.name)
        """
    )
    server.run("clients-relation-changed", "clients:1", "a/0")
    answers: Dict[str, str] = {
        key: value
        for relation in juju.relations.values()
        for key, value in relation.local_unit.items()
        if key.startswith("response_")
    }
    assert answers == {"response_1": '{"cert": "for one"}', "response_2": '{"cert": "for two"}'}
    assert juju.count("relation-set") == 2
