"""Relations: finds the object that an interface layer offers for an endpoint or a flag."""

from __future__ import annotations

import importlib
import os

from ._dispatch import automatic_flags
from ._juju import environment, juju_log
from ._juju.environment import hookenv
from ._relations.entry_points import entry_points
from ._unit_state import unit_state
from ._unit_state.rows import CONVERSATIONS
from .discovery import _append_path
from .errors import ReactiveError
from .flags import StateList as StateList
from .flags import _get_flag_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, List, Optional, Type

    from ._relations.conversations import ALL as ALL
    from ._relations.conversations import TOGGLE as TOGGLE
    from ._relations.conversations import Conversation as Conversation
    from ._relations.conversations import scopes as scopes
    from ._relations.relation_base import AutoAccessors as AutoAccessors
    from ._relations.relation_base import RelationBase as RelationBase

__all__ = [
    "endpoint_from_name",
    "endpoint_from_flag",
    "relation_from_flag",
    "scopes",
    "RelationBase",
    "relation_from_state",
]

# Before anything below is registered: automatic flags are there when endpoints manage theirs.
automatic_flags.register()


class RelationFactoryError(ReactiveError, ImportError):
    """A distribution says that it has a factory of relations, and that does not work.

    The original exception is the ``__cause__``.

    Attributes:
        distribution: name of the distribution.
    """

    def __init__(self, distribution: str, entry_point: str, reason: BaseException) -> None:
        self.distribution = distribution
        super().__init__(
            "the relation factory %s of the installed distribution %s cannot be loaded: %s: %s"
            % (entry_point, distribution, type(reason).__name__, reason)
        )


class RelationFactory:
    """Makes the objects with which a charm talks over its relations.

    An interface layer has a subclass of this in its module ``requires.py``, ``provides.py`` or
    ``peers.py``; usually one of :class:`~charms_reactive.endpoints.Endpoint`. Other distributions may
    add factories for all relations, as entry points of the group ``charms.reactive.relation_factory``:
    classes with the classmethods ``load``, ``from_name`` and ``from_flag``, of whatever base.
    """

    # Factories that are asked before any interface layer.
    _factories: ClassVar[List[Any]] = []

    @classmethod
    def discover(cls) -> None:
        """Load the factories that installed distributions offer.

        Raises:
            RelationFactoryError: one cannot be loaded.
        """
        for distribution, entry_point in entry_points("charms.reactive.relation_factory"):
            try:
                factory = entry_point.load()
                factory.load()
            except Exception as error:
                raise RelationFactoryError(distribution, entry_point.value, error) from error
            RelationFactory._factories.append(factory)

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


# -- finding ------------------------------------------------------------------------------------
def endpoint_from_name(endpoint_name: Optional[str]) -> Any:
    """The object for talking over the relations of an endpoint, or ``None``.

    Args:
        endpoint_name: the endpoint's name in ``metadata.yaml``; ``None`` gives ``None``.

    Raises:
        RuntimeError: the module of the interface layer has more than one candidate.
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
        juju_log.log("Unable to determine role and interface for relation %s" % relation_name, juju_log.ERROR)
        return None
    return _find_relation_factory(_relation_module(role, interface))


def _relation_module(role: str, interface: str) -> Optional[Any]:
    charm_dir = environment.charm_dir()
    _append_path(charm_dir)
    _append_path(os.path.join(charm_dir, "hooks"))
    for package in ("reactive.relations", "relations"):
        name = "%s.%s.%s" % (package, interface, role)
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not (name + ".").startswith(error.name + "."):
                raise  # the module is there and needs another one that is not
    juju_log.log("Unable to find implementation for relation: %s of %s" % (role, interface), juju_log.ERROR)
    return None


def _find_relation_factory(module: Any) -> Optional[Type[RelationFactory]]:
    """The one class of a module that is a factory and has no subclass there."""
    if module is None:
        return None
    classes = {
        thing
        for thing in list(vars(module).values())
        if isinstance(thing, type) and issubclass(thing, RelationFactory) and not _is_ours(thing)
    }
    candidates = [one for one in classes if not any(issubclass(other, one) for other in classes - {one})]
    if not candidates:
        juju_log.log("No RelationFactory found in %s" % module.__name__, juju_log.WARNING)
        return None
    if len(candidates) > 1:
        names = ", ".join(sorted(candidate.__name__ for candidate in candidates))
        raise RuntimeError("Too many RelationFactory found in %s: %s" % (module.__name__, names))
    return candidates[0]


def _is_ours(thing: type) -> bool:
    """Whether a class is the framework's, which interface modules import without offering it."""
    return thing.__module__.partition(".")[0] == __package__


def relation_call(
    method: str,
    relation_name: Optional[str] = None,
    flag: Optional[str] = None,
    state: Optional[str] = None,
    *args: Any,
) -> Any:
    """Call a method of the object for an endpoint or a flag.

    Args:
        method: the method's name.
        relation_name: the endpoint's name, or
        flag: a flag that belongs to the endpoint, or
        state: the same under its old name.
        *args: arguments of the method.

    Returns:
        What the method returns, or the attribute if it is none; of conversations, their scopes.

    Raises:
        ValueError: neither an endpoint nor a flag is named, or nothing is found for it.
        RelationMethodError: the object has no such method.
    """
    asked = relation_name or flag or state
    if not asked:
        raise ValueError("relation_call needs relation_name or flag")
    relation = endpoint_from_name(asked) if relation_name else endpoint_from_flag(asked)
    if relation is None:
        raise ValueError("no relation was found for %r" % asked)
    try:
        member = getattr(relation, method)
    except AttributeError:
        from .errors import RelationMethodError

        raise RelationMethodError(type(relation).__name__, method) from None
    result = member(*args) if callable(member) else member
    from ._relations.relation_base import RelationBase

    if isinstance(relation, RelationBase) and method == "conversations":
        return [conversation.scope for conversation in result]
    return result


# -- relations of the old kind -----------------------------------------------------------------
def _see_to_conversations() -> None:
    """Begin a hook for relations of the old kind, if it may have anything to do with any."""
    if environment.hook_name().endswith("-relation-departed") or unit_state.unit.getrange(CONVERSATIONS):
        from ._relations import conversations

        conversations.start_hook()


hookenv.atstart(_see_to_conversations)

# Names of this module that only charms which have such relations pay for, and where they are.
_OLD = {
    "ALL": "_relations.conversations",
    "AutoAccessors": "_relations.relation_base",
    "Conversation": "_relations.conversations",
    "RelationBase": "_relations.relation_base",
    "TOGGLE": "_relations.conversations",
    "scopes": "_relations.conversations",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _OLD:
            return getattr(importlib.import_module("%s.%s" % (__package__, _OLD[name])), name)
        raise AttributeError("module %r has no attribute %r" % (__name__, name))

    def __dir__() -> list:
        return sorted({*globals(), *_OLD})


# Last: factories import names from this package while it is being imported.
RelationFactory.discover()
