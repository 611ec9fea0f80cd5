"""Endpoints: the classes that interface layers are made of."""

from __future__ import annotations

from ._juju import hookenv
from .flags import is_flag_set
from .relations import RelationFactory, relation_factory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Dict, List, Optional

__all__ = ["Endpoint"]


class Endpoint(RelationFactory):
    """Base of an interface layer's class; there is one instance per endpoint of the charm.

    Args:
        endpoint_name: the endpoint's name in ``metadata.yaml``.
        relation_ids: ids of its relations, such as ``db:3``.
    """

    _endpoints: ClassVar[Dict[str, Endpoint]] = {}

    @classmethod
    def from_name(cls, endpoint_name: str) -> Any:
        """The instance for an endpoint, or ``None``."""
        return Endpoint._endpoints.get(endpoint_name)

    @classmethod
    def from_flag(cls, flag: str) -> Any:
        """The instance for the endpoint that a set flag is named after, or ``None``."""
        if "." not in flag or not is_flag_set(flag):
            return None
        parts = flag.split(".")
        return cls.from_name(parts[1] if parts[0] == "endpoint" else parts[0])

    @classmethod
    def _startup(cls) -> None:
        """Make the instances, in sorted order of the endpoints' names."""
        for endpoint_name in sorted(hookenv.relation_types()):
            endpoint = cls._instance(endpoint_name)
            if endpoint is not None:
                endpoint.register_triggers()
                endpoint.manage_flags()

    @classmethod
    def _instance(cls, endpoint_name: str) -> Optional[Endpoint]:
        """Make the instance for an endpoint, or ``None`` if its interface layer has no such class."""
        if endpoint_name not in hookenv.relation_types():
            return None
        factory = relation_factory(endpoint_name)
        if not (isinstance(factory, type) and issubclass(factory, cls)):
            return None
        endpoint = factory(endpoint_name, sorted(hookenv.relation_ids(endpoint_name)))
        Endpoint._endpoints[endpoint_name] = endpoint
        return endpoint

    def __init__(self, endpoint_name: str, relation_ids: Optional[List[str]] = None) -> None:
        self._endpoint_name = endpoint_name
        self._relation_ids = list(relation_ids or [])

    @property
    def endpoint_name(self) -> str:
        """The endpoint's name."""
        return self._endpoint_name

    def expand_name(self, flag: str) -> str:
        """The full name of a flag of this endpoint.

        ``{endpoint_name}`` is replaced; a name without it gets ``endpoint.{endpoint_name}.`` in front.
        """
        if "{endpoint_name}" not in flag:
            flag = "endpoint.{endpoint_name}." + flag
        return flag.replace("{endpoint_name}", self.endpoint_name)

    def register_triggers(self) -> None:
        """Called once per hook before the flags are managed; for subclasses that couple them."""

    def manage_flags(self) -> None:
        """Called once per hook when the flags have been managed; for subclasses."""


hookenv.atstart(Endpoint._startup)
