"""Requests over relations, each of which gets a response of its own.

The requesting side publishes ``request_ID`` and the responding side ``response_ID``, both mappings as
JSON. Requests are kept per endpoint, so that two endpoints of one interface do not mix.
"""

from __future__ import annotations

from charms_reactive._alias import on_demand
from charms_reactive._juju import juju_log
from charms_reactive.endpoints import Endpoint
from charms_reactive.flags import clear_flag, toggle_flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        Callable,
        ClassVar,
        Dict,
        Iterable,
        Iterator,
        List,
        Optional,
        Sequence,
        Tuple,
        Type,
    )

    from typing_extensions import TypeAlias

    from charms_reactive.endpoints import RelatedUnit, Relation

    _Dict: TypeAlias = Dict[str, Any]
else:
    _Dict = dict

__all__ = [
    "Field",
    "BaseRequest",
    "BaseResponse",
    "RequesterEndpoint",
    "ResponderEndpoint",
]

_REQUEST = "request_"
_RESPONSE = "response_"


class SetNameBackport(type):
    """A metaclass that once did for Python 3.5 what every Python does now; it does nothing."""


class Field(property):
    """A field of a request or response: an attribute that travels over the relation.

    Args:
        description: what the field is, for the documentation.
    """

    def __init__(self, description: str) -> None:
        super().__init__(doc=description)
        self.__doc__ = description
        self._class: Optional[str] = None
        self._name = ""

    def __repr__(self) -> str:
        return "<Field %s.%s>" % (self._class, self._name)

    def __set_name__(self, owner: type, name: str) -> None:
        self._class = owner.__name__
        self._name = name

    def __get__(self, instance: Any, owner: Optional[type] = None) -> Any:
        if instance is None:
            return self
        return instance._get_field(self._name)

    def __set__(self, instance: Any, value: Any) -> None:
        instance._update_field(self._name, value)


def _field_names(cls: type) -> List[str]:
    return [name for name in dir(cls) if isinstance(getattr(cls, name), Field)]


class FieldHolderDictProxy(_Dict):
    """Something with fields, which is also a mapping of them, so that JSON can hold it."""

    def __init__(self) -> None:
        super().__init__({name: getattr(self, name) for name in _field_names(type(self))})

    def _update_field(self, field_name: str, field_value: Any) -> None:
        self[field_name] = field_value


class _Published(FieldHolderDictProxy):
    """What requests and responses share: fields that stand under one key of relation data."""

    _what: ClassVar[str]

    # The data of the relation in which this stands.
    _source_data: Any

    @property
    def _key(self) -> str:
        raise NotImplementedError

    @property
    def is_received(self) -> bool:
        """Whether the other side of the relation has made this."""
        raise NotImplementedError

    def _get_field(self, name: str) -> Any:
        return _mapping(self._source_data, self._key).get(name)

    def _update_field(self, name: str, value: Any) -> None:
        if self.is_received:
            raise AttributeError("field %r of a %s that was received cannot be changed" % (name, self._what))
        # What is read is a copy, so it has to be written back as a whole.
        self._source_data[self._key] = {**_mapping(self._source_data, self._key), name: value}
        super()._update_field(name, value)


def _mapping(data: Any, key: str) -> Dict[str, Any]:
    """What stands under a key; empty if the other side has put anything but a mapping there."""
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _holds(data: Any, key: str) -> bool:
    """Whether there is a mapping under a key."""
    return isinstance(data.get(key), dict)


class BaseRequest(_Published):
    """Base of requests.

    A subclass has a :class:`Field` for each of its attributes, and names its responses in
    ``RESPONSE_CLASS``::

        class CertResponse(BaseResponse):
            cert = Field("the signed certificate")

        class CertRequest(BaseRequest):
            RESPONSE_CLASS = CertResponse

            common_name = Field("name that the certificate is for")

    The class methods see the requests of all endpoints that use the class.

    Args:
        source: the :class:`~charms_reactive.endpoints.Relation` on which the request is made, or the
            :class:`~charms_reactive.endpoints.RelatedUnit` that has made it.
        request_id: unique among all requests.

    Attributes:
        response: the response, or ``None`` as long as there is none.
    """

    RESPONSE_CLASS: ClassVar[Optional[Type[BaseResponse]]] = None

    request_id = Field("unique id of this request, made when the request is")

    _what = "request"

    # By name of the endpoint, then by relation and id.
    _requests: ClassVar[Dict[str, Dict[Tuple[str, str], BaseRequest]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._requests = {}

    @classmethod
    def _load(cls, request_sources: Iterable[Any], endpoint_name: Optional[str] = None) -> None:
        """Find the requests of an endpoint, with their responses, in place of those known before.

        Args:
            request_sources: the endpoint's relations if it makes requests, its units if it gets them.
            endpoint_name: of the endpoint; by default that of the sources.
        """
        sources = list(request_sources)
        names = {_relation_of(source).endpoint_name for source in sources}
        for name in names if endpoint_name is None else names | {endpoint_name}:
            cls._requests[name] = {}
        for source in sources:
            data = source.to_publish if hasattr(source, "to_publish") else source.received
            for key in data:
                if not key.startswith(_REQUEST):
                    continue
                if not _holds(data, key):
                    where = (key[:80], _relation_of(source).relation_id)
                    juju_log.log("ignoring %r in relation %s: it is no mapping" % where, juju_log.WARNING)
                    continue
                request = cls(source, key[len(_REQUEST) :])
                request.response = request._response_class()._load(request)
                cls._remember(request)

    @classmethod
    def _remember(cls, request: BaseRequest) -> None:
        relation = _relation_of(request._source)
        known = cls._requests.setdefault(relation.endpoint_name, {})
        known[relation.relation_id, request._id] = request

    @classmethod
    def _all(cls, endpoint_name: Optional[str] = None) -> Iterator[BaseRequest]:
        """The requests of one endpoint, or of all."""
        for name, requests in cls._requests.items():
            if endpoint_name in (None, name):
                yield from requests.values()

    @classmethod
    def create(cls, relation: Relation, **fields: Any) -> Any:
        """Make a request, which is published when the hook succeeds.

        Args:
            relation: on which to publish it.
            fields: values of the fields.
        """
        if "request_id" not in fields:
            from uuid import uuid4  # most hooks make no request

            fields["request_id"] = str(uuid4())
        request_id = fields["request_id"]
        relation.to_publish[_REQUEST + request_id] = fields
        request = cls(relation, request_id)
        cls._remember(request)
        # Handlers that are queued because all were answered are not to find one that is not.
        clear_flag("endpoint.%s.all_responses" % relation.endpoint_name)
        return request

    @classmethod
    def get(cls, request_id: str) -> Any:  # type: ignore[override]
        """The request with an id, or ``None``."""
        return next((request for request in cls._all() if request._id == request_id), None)

    @classmethod
    def get_all(cls) -> List[Any]:
        """All requests, by id."""
        return _sorted(cls._all())

    @classmethod
    def find(cls, relation: Optional[Relation] = None, **fields: Any) -> Any:
        """The first request whose fields have these values, or ``None``.

        Args:
            relation: look only for requests on this relation.
            fields: values of fields.
        """
        return next(cls._matching(cls._all(), relation, fields), None)

    @classmethod
    def find_all(cls, **fields: Any) -> List[Any]:
        """All requests whose fields have these values."""
        return list(cls._matching(cls._all(), None, fields))

    @classmethod
    def create_or_update(cls, match_fields: Sequence[str], relation: Relation, **fields: Any) -> Any:
        """Find a request on a relation and update it, or make one.

        If several match, the first one is updated.

        Args:
            match_fields: names of the fields to find it by.
            relation: on which to find or make it.
            fields: values of the fields, those to find it by included.

        Returns:
            The request.
        """
        request = cls.find(relation, **{name: fields[name] for name in match_fields})
        if request is None:
            return cls.create(relation, **fields)
        for name, value in fields.items():
            if getattr(request, name) != value:
                request._update_field(name, value)
        return request

    @classmethod
    def _matching(
        cls, requests: Iterable[BaseRequest], relation: Optional[Relation], fields: Dict[str, Any]
    ) -> Iterator[BaseRequest]:
        for request in requests:
            if relation is not None and _relation_of(request._source).relation_id != relation.relation_id:
                continue
            if all(getattr(request, name) == value for name, value in fields.items()):
                yield request

    @classmethod
    def _response_class(cls) -> Type[BaseResponse]:
        if cls.RESPONSE_CLASS is None:
            raise TypeError("%s must name its responses in RESPONSE_CLASS" % cls.__name__)
        return cls.RESPONSE_CLASS

    def __init__(self, source: Any, request_id: str) -> None:
        self._response_class()
        self._id = request_id
        self._source = source
        self._created = hasattr(source, "to_publish")
        self._source_data = source.to_publish if self._created else source.received
        self.response: Any = None
        super().__init__()

    def __repr__(self) -> str:
        return "<%s %s>" % (type(self).__name__, self._id)

    @property
    def _key(self) -> str:
        return _REQUEST + self._id

    @property
    def is_created(self) -> bool:
        """Whether this side of the relation has made the request."""
        return self._created

    @property
    def is_received(self) -> bool:
        """Whether the other side of the relation has made the request."""
        return not self._created

    def create_response(self, **fields: Any) -> Any:
        """Respond to this request; the response is published when the hook succeeds.

        Args:
            fields: values of the response's fields.

        Returns:
            The response, which is ``request.response`` as well.
        """
        self.response = self._response_class().create(self, **fields)
        return self.response

    def respond(self, **fields: Any) -> Any:
        """Another name of :meth:`create_response`."""
        return self.create_response(**fields)

    def _get_field(self, name: str) -> Any:
        # The key says which request this is, whatever the other side has written below it.
        return self._id if name == "request_id" else super()._get_field(name)

    def _update_field(self, name: str, value: Any) -> None:
        if name == "request_id":
            raise AttributeError("the id of a request cannot be changed")
        super()._update_field(name, value)

    @property
    def ingress_address(self) -> Any:
        """Address at which the requester can be reached."""
        return self._source_data["ingress-address"] or self._source_data["private-address"]

    @property
    def egress_subnets(self) -> Any:
        """Subnets from which the requester's traffic comes."""
        return self._source_data["egress-subnets"]


class BaseResponse(_Published):
    """Base of responses; a subclass has a :class:`Field` for each of its attributes.

    Args:
        request: the request that this responds to.
    """

    _what = "response"

    @classmethod
    def _load(cls, request: BaseRequest) -> Optional[BaseResponse]:
        """The response to a request, or ``None`` if there is none yet."""
        response = cls(request)
        return response if _holds(response._source_data, response._key) else None

    @classmethod
    def create(cls, request: BaseRequest, **fields: Any) -> Any:
        """Respond to a request that was received; see :meth:`BaseRequest.create_response`.

        Raises:
            ValueError: we have made the request ourselves.
        """
        if request.is_created:
            raise ValueError("%r was made here; it is for the other side to respond" % request)
        request._source.relation.to_publish[_RESPONSE + request._id] = fields
        request.response = cls(request)
        return request.response

    def __init__(self, request: BaseRequest) -> None:
        self.request = request
        if request.is_received:
            self._source_data = request._source.relation.to_publish
        else:
            units: Iterable[RelatedUnit] = request._source.joined_units
            answers = (unit.received for unit in units)
            self._source_data = next((data for data in answers if _holds(data, self._key)), {})
        super().__init__()

    def __repr__(self) -> str:
        return "<%s %s>" % (type(self).__name__, self.request._id)

    @property
    def _key(self) -> str:
        return _RESPONSE + self.request._id

    @property
    def is_received(self) -> bool:
        """Whether the other side of the relation has made the response."""
        return not self.request.is_received


def _relation_of(source: Any) -> Any:
    """The relation of what a request was made on or came from."""
    return source if hasattr(source, "to_publish") else source.relation


def _sorted(requests: Iterable[BaseRequest]) -> List[Any]:
    return sorted(requests, key=lambda request: request._id)


class FieldFinders(type):
    """Gives a requester's class a method ``response_by_FIELD`` for each field of its requests."""

    def __init__(cls, name: str, bases: Tuple[type, ...], namespace: Dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        for field_name in _field_names(getattr(cls, "REQUEST_CLASS", type(None))):
            finder = _make_finder(field_name)
            setattr(cls, finder.__name__, finder)


def _make_finder(field_name: str) -> Any:
    def finder(self: RequesterEndpoint, field_value: Any, relation: Optional[Relation] = None) -> Any:
        return self.response_by_field(relation=relation, **{field_name: field_value})

    finder.__name__ = "response_by_%s" % field_name
    finder.__doc__ = (
        "The response to the request whose ``%s`` has this value, or ``None``.\n\n"
        "Args:\n    field_value: the value.\n    relation: look only on this relation.\n" % field_name
    )
    return finder


class _RequestEndpoint(Endpoint):
    """What the two kinds of endpoints share: the requests that are theirs."""

    REQUEST_CLASS: ClassVar[Any] = None

    def _sources(self) -> Iterable[Any]:
        raise NotImplementedError

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.REQUEST_CLASS is None:
            raise TypeError("%s must name its requests in REQUEST_CLASS" % type(self).__name__)
        super().__init__(*args, **kwargs)
        self.REQUEST_CLASS._load(self._sources(), self.endpoint_name)

    def _requests(self) -> List[Any]:
        return _sorted(self.REQUEST_CLASS._all(self.endpoint_name))


class RequesterEndpoint(_RequestEndpoint, metaclass=FieldFinders):
    """Base of an endpoint that makes requests, of the class that it names in ``REQUEST_CLASS``.

    Two more flags are managed:

    ``endpoint.{endpoint_name}.has_responses``
        is set as long as there are responses.
    ``endpoint.{endpoint_name}.all_responses``
        is set as long as there are requests and none waits for its response; a new request clears it.
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Any]:
            """Type checkers cannot know for which fields there is a ``response_by_FIELD``."""

    def _sources(self) -> Iterable[Any]:
        return self.relations

    def _manage_flags(self) -> None:
        super()._manage_flags()
        requests, responses = self.requests, self.responses
        toggle_flag(self.expand_name("has_responses"), responses)
        toggle_flag(self.expand_name("all_responses"), requests and len(responses) == len(requests))

    @property
    def requests(self) -> List[Any]:
        """All requests that this endpoint has made, by id."""
        return self._requests()

    @property
    def responses(self) -> List[Any]:
        """All responses that it has received."""
        return [request.response for request in self.requests if request.response is not None]

    def response_by_field(self, relation: Optional[Relation] = None, **fields: Any) -> Any:
        """The response to the request whose fields have these values, or ``None``.

        Args:
            relation: look only on this relation.
            fields: values of the request's fields.
        """
        known = self.REQUEST_CLASS._all(self.endpoint_name)
        request = next(self.REQUEST_CLASS._matching(known, relation, fields), None)
        return request.response if request is not None else None


class ResponderEndpoint(_RequestEndpoint):
    """Base of an endpoint that responds to requests, of the class that it names in ``REQUEST_CLASS``.

    Two more flags are managed:

    ``endpoint.{endpoint_name}.has_requests``
        is set as long as there are requests.
    ``endpoint.{endpoint_name}.new_requests``
        is set at the start of a hook in which there are requests without a response.
    """

    def _sources(self) -> Iterable[Any]:
        return self.all_joined_units

    def _manage_flags(self) -> None:
        super()._manage_flags()
        toggle_flag(self.expand_name("has_requests"), self.all_requests)
        toggle_flag(self.expand_name("new_requests"), self.new_requests)

    @property
    def all_requests(self) -> List[Any]:
        """All requests, by id, those with a response included."""
        return self._requests()

    @property
    def new_requests(self) -> List[Any]:
        """The requests that have no response yet."""
        return [request for request in self.all_requests if request.response is None]


if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), {}, old=True)
