"""Relations: finds the object that an interface layer offers for an endpoint or a flag."""

from __future__ import annotations

import importlib
import os

from . import _juju
from ._juju import hookenv
from .discovery import _append_path
from .flags import _get_flag_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, List, Optional, Set, Type

__all__ = [
    "endpoint_from_name",
    "endpoint_from_flag",
    "relation_from_flag",
    "relation_from_state",
]


class RelationFactory:
    """Makes the objects with which a charm talks over its relations.

    An interface layer has a subclass of this in its module ``requires.py``, ``provides.py`` or
    ``peers.py``; usually one of :class:`~charms_reactive.endpoints.Endpoint`.
    """

    # Factories that are asked before any interface layer; they need only the three classmethods.
    _factories: ClassVar[List[Any]] = []

    @classmethod
    def get_factory(cls, relation_name: str) -> Optional[Any]:
        """The first of the additional factories that knows this relation."""
        for factory in RelationFactory._factories:
            if factory.from_name(relation_name):
                return factory
        return None

    @classmethod
    def load(cls) -> None:
        """Prepare the factory; called once, when it is found."""

    @classmethod
    def from_name(cls, relation_name: str) -> Any:
        """The object for an endpoint, or ``None``."""
        raise NotImplementedError("%s.from_name" % cls.__name__)

    @classmethod
    def from_flag(cls, flag: str) -> Any:
        """The object for the endpoint that a flag belongs to, or ``None``."""
        raise NotImplementedError("%s.from_flag" % cls.__name__)


def endpoint_from_name(endpoint_name: Optional[str]) -> Any:
    """The object for talking over the relations of an endpoint, or ``None``.

    Args:
        endpoint_name: the endpoint's name in ``metadata.yaml``; ``None`` gives ``None``.
    """
    if endpoint_name is None:
        return None
    factory = relation_factory(endpoint_name)
    return factory.from_name(endpoint_name) if factory else None


def endpoint_from_flag(flag: str) -> Any:
    """The object for talking over the relations that a flag belongs to, or ``None``.

    Args:
        flag: the name of a flag that an interface layer manages, for example
            ``endpoint.db.joined`` or ``db.available``.
    """
    value = _get_flag_value(flag)
    first, dot, rest = flag.partition(".")
    if isinstance(value, dict) and "relation" in value:
        name = value["relation"]
    elif dot and first == "endpoint":
        name = rest.split(".")[0]
    elif dot and first in hookenv.relation_types():
        name = first
    else:
        return None
    factory = relation_factory(name)
    return factory.from_flag(flag) if factory else None


def relation_from_name(relation_name: Optional[str]) -> Any:
    """The object for an endpoint.

    .. deprecated:: 0.6.0
       The old name of :func:`endpoint_from_name`.
    """
    return endpoint_from_name(relation_name)


def relation_from_flag(flag: str) -> Any:
    """The object for the endpoint of a flag.

    .. deprecated:: 0.6.0
       The old name of :func:`endpoint_from_flag`.
    """
    return endpoint_from_flag(flag)


def relation_from_state(state: str) -> Any:
    """The object for the endpoint of a flag.

    .. deprecated:: 0.5.0
       The old name of :func:`endpoint_from_flag`.
    """
    return endpoint_from_flag(state)


def relation_factory(relation_name: str) -> Optional[Any]:
    """The factory for an endpoint, or ``None`` with a line in the log that says why.

    Additional factories go first; then the module ``relations.INTERFACE.ROLE``, which may stand in
    ``reactive/`` or in ``hooks/``.

    Raises:
        RuntimeError: the module has more than one candidate.
    """
    factory = RelationFactory.get_factory(relation_name)
    if factory:
        return factory
    role, interface = hookenv.relation_to_role_and_interface(relation_name)
    if not (role and interface):
        _juju.log("Unable to determine role and interface for relation %s" % relation_name, _juju.ERROR)
        return None
    return _find_relation_factory(_relation_module(role, interface))


def _relation_module(role: str, interface: str) -> Optional[Any]:
    charm_dir = _juju.charm_dir()
    _append_path(charm_dir)
    _append_path(os.path.join(charm_dir, "hooks"))
    for package in ("reactive.relations", "relations"):
        name = "%s.%s.%s" % (package, interface, role)
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not name.startswith(error.name or "\0"):
                raise  # the module is there and needs another one that is not
    _juju.log("Unable to find implementation for relation: %s of %s" % (role, interface), _juju.ERROR)
    return None


def _find_relation_factory(module: Any) -> Optional[Type[RelationFactory]]:
    """The one class of a module that is a factory and has no subclass there."""
    if module is None:
        return None
    own_bases = {RelationFactory} | _bases()
    classes = {
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, RelationFactory) and thing not in own_bases
    }
    candidates = [one for one in classes if not any(issubclass(other, one) for other in classes - {one})]
    if not candidates:
        _juju.log("No RelationFactory found in %s" % module.__name__, _juju.WARNING)
        return None
    if len(candidates) > 1:
        names = ", ".join(sorted(candidate.__name__ for candidate in candidates))
        raise RuntimeError("Too many RelationFactory found in %s: %s" % (module.__name__, names))
    return candidates[0]


def _bases() -> Set[type]:
    """The framework's own base classes, which interface modules import without offering them."""
    return {base for base in RelationFactory.__subclasses__() if base.__module__.split(".")[0] == __package__}
