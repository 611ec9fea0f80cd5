"""Relations: finds the object that an interface layer offers for an endpoint or a flag."""

from __future__ import annotations

import importlib
import os

from . import _automatic, _juju
from ._conversations import ALL, TOGGLE, Conversation, scopes, start_hook
from ._entry_points import entry_points
from ._juju import hookenv
from .discovery import _append_path
from .errors import ReactiveError, RelationMethodError
from .flags import StateList, _get_flag_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple, Type

__all__ = [
    "endpoint_from_name",
    "endpoint_from_flag",
    "relation_from_flag",
    "scopes",
    "RelationBase",
    "relation_from_state",
]

# Not used here, but reached through this module by charms and their tests.
_KEPT = (ALL,)

# Before anything below is registered: automatic flags are there when endpoints manage theirs.
_automatic.register()


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
            if error.name is None or not (name + ".").startswith(error.name + "."):
                raise  # the module is there and needs another one that is not
    _juju.log("Unable to find implementation for relation: %s of %s" % (role, interface), _juju.ERROR)
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
        _juju.log("No RelationFactory found in %s" % module.__name__, _juju.WARNING)
        return None
    if len(candidates) > 1:
        names = ", ".join(sorted(candidate.__name__ for candidate in candidates))
        raise RuntimeError("Too many RelationFactory found in %s: %s" % (module.__name__, names))
    return candidates[0]


def _is_ours(thing: type) -> bool:
    """Whether a class is the framework's, which interface modules import without offering it."""
    return thing.__module__.partition(".")[0] == __package__


# -- legacy relations ---------------------------------------------------------------------------
class AutoAccessors(type):
    """Metaclass that makes a method of each name in ``auto_accessors``."""

    def __new__(
        cls, name: str, parents: Tuple[type, ...], namespace: Dict[str, Any], **kwargs: Any
    ) -> AutoAccessors:
        for field in namespace.get("auto_accessors", ()):
            method = field.replace("-", "_")
            namespace[method] = cls._accessor(field)
            namespace[method].__name__ = method
            namespace[method].__qualname__ = "%s.%s" % (namespace.get("__qualname__", name), method)
            namespace[method].__module__ = namespace.get("__module__")
        return super().__new__(cls, name, parents, namespace, **kwargs)

    @staticmethod
    def _accessor(field: str) -> Callable[..., Any]:
        def accessor(self: RelationBase) -> Any:
            return self.get_remote(field)

        accessor.__doc__ = "The value of ``%s`` on the other side, or ``None``." % field
        return accessor


class RelationBase(RelationFactory, metaclass=AutoAccessors):
    """Base of an interface layer's class of the old kind.

    An instance speaks for the conversations of the moment: that of the current hook, or those that
    have the flag which it was made from.

    .. deprecated:: 0.6.0
       Use :class:`~charms_reactive.endpoints.Endpoint`.

    Args:
        relation_name: the endpoint's name in ``metadata.yaml``.
        conversations: those to speak for; without any, the one of the current hook, which its remote
            unit joins if the hook is one of this endpoint. A broken hook has no remote unit: its
            conversation is with nobody, and not kept. Elsewhere a relation of any scope but
            ``UNIT`` and ``SERVICE`` speaks for its one conversation, and other relations for none.
    """

    # The class of each endpoint.
    _cache: ClassVar[Dict[str, Any]] = {}

    #: How remote units are grouped into conversations; one of :class:`scopes`, or any string.
    scope: str = scopes.UNIT

    #: Keys of the remote data, each of which becomes a method that returns its value.
    auto_accessors: ClassVar[List[str]] = []

    class states(StateList):  # noqa: N801 -- the name that charms know
        """The flags that the relation may set, for subclasses that list them."""

    @classmethod
    def _startup(cls) -> None:
        start_hook()

    @classmethod
    def from_state(cls, state: str) -> Any:
        """The object for the endpoint of a flag.

        .. deprecated:: 0.6.1
           Use :func:`endpoint_from_flag`.
        """
        return cls.from_flag(state)

    @classmethod
    def from_flag(cls, flag: str) -> Any:
        """The object for the conversations that have a flag; use :func:`endpoint_from_flag`."""
        value = _get_flag_value(flag)
        if not isinstance(value, dict) or "relation" not in value:
            return None
        return cls.from_name(value["relation"], Conversation.load(value.get("conversations", ())))

    @classmethod
    def from_name(
        cls, relation_name: Optional[str], conversations: Optional[Sequence[Conversation]] = None
    ) -> Any:
        """The object for an endpoint; use :func:`endpoint_from_name`."""
        if relation_name is None:
            return None
        relation_class = cls._cache.get(relation_name)
        if relation_class is None or not issubclass(relation_class, cls):
            role, interface = hookenv.relation_to_role_and_interface(relation_name)
            relation_class = cls._find_impl(role, interface) if role and interface else None
            if relation_class is None:
                return None
            cls._cache[relation_name] = relation_class
        return relation_class(relation_name, conversations)

    @classmethod
    def _find_impl(cls, role: str, interface: str) -> Any:
        """The class for a role and interface, or ``None``."""
        return cls._find_subclass(_relation_module(role, interface))

    @classmethod
    def _find_subclass(cls, module: Any) -> Any:
        found = _find_relation_factory(module)
        return found if found is not None and issubclass(found, cls) else None

    def __init__(self, relation_name: str, conversations: Optional[Sequence[Conversation]] = None) -> None:
        self._relation_name = relation_name
        self._conversations = list(conversations or self._of_this_moment())

    def _of_this_moment(self) -> List[Conversation]:
        if hookenv.relation_type() == self._relation_name and hookenv.remote_unit() is not None:
            # In a broken hook it is with nobody, but interface layers clear their flags through it.
            return [Conversation.join(self.scope)]
        if self.scope in (scopes.UNIT, scopes.SERVICE):
            return []
        alone = Conversation(self._relation_name, (), self.scope)
        return Conversation.load([alone.key]) or [alone]

    @property
    def relation_name(self) -> str:
        """The endpoint's name."""
        return self._relation_name

    def conversations(self) -> List[Conversation]:
        """The conversations that this object speaks for; not all that the endpoint has."""
        return list(self._conversations)

    def conversation(self, scope: Optional[str] = None) -> Conversation:
        """One of the conversations that this object speaks for.

        Args:
            scope: name of a remote unit or application, or another scope; without it, that of the
                current hook.

        Raises:
            ValueError: there is none of this scope, or no scope is given in a hook that has none.
        """
        if scope is None:
            if self.scope == scopes.UNIT:
                scope = hookenv.remote_unit()
            elif self.scope == scopes.SERVICE:
                scope = hookenv.remote_service_name()
            else:
                scope = self.scope
        if scope is None:
            raise ValueError(
                "relation %s has a conversation for each remote %s, and this hook has none: name one"
                % (self.relation_name, "unit" if self.scope == scopes.UNIT else "application")
            )
        for conversation in self._conversations:
            if conversation.scope == scope:
                return conversation
        raise ValueError("relation %s has no conversation of scope %r here" % (self.relation_name, scope))

    def set_state(self, state: str, scope: Optional[str] = None) -> None:
        """:meth:`.Conversation.set_state` of :meth:`conversation`."""
        self.conversation(scope).set_state(state)

    def remove_state(self, state: str, scope: Optional[str] = None) -> None:
        """:meth:`.Conversation.remove_state` of :meth:`conversation`."""
        self.conversation(scope).remove_state(state)

    def is_state(self, state: str, scope: Optional[str] = None) -> bool:
        """:meth:`.Conversation.is_state` of :meth:`conversation`."""
        return self.conversation(scope).is_state(state)

    def toggle_state(self, state: str, active: Any = TOGGLE, scope: Optional[str] = None) -> None:
        """:meth:`.Conversation.toggle_state` of :meth:`conversation`."""
        self.conversation(scope).toggle_state(state, active)

    set_flag = set_state
    remove_flag = remove_state
    is_flag_set = is_state
    toggle_flag = toggle_state

    def set_remote(
        self,
        key: Optional[str] = None,
        value: object = None,
        data: Optional[Mapping[str, object]] = None,
        scope: Optional[str] = None,
        **kwdata: object,
    ) -> None:
        """:meth:`.Conversation.set_remote` of :meth:`conversation`."""
        self.conversation(scope).set_remote(key, value, data, **kwdata)

    def get_remote(self, key: str, default: Any = None, scope: Optional[str] = None) -> Any:
        """:meth:`.Conversation.get_remote` of :meth:`conversation`."""
        return self.conversation(scope).get_remote(key, default)

    def set_local(
        self,
        key: Optional[str] = None,
        value: object = None,
        data: Optional[Mapping[str, object]] = None,
        scope: Optional[str] = None,
        **kwdata: object,
    ) -> None:
        """:meth:`.Conversation.set_local` of :meth:`conversation`."""
        self.conversation(scope).set_local(key, value, data, **kwdata)

    def get_local(self, key: str, default: Any = None, scope: Optional[str] = None) -> Any:
        """:meth:`.Conversation.get_local` of :meth:`conversation`."""
        return self.conversation(scope).get_local(key, default)


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
        raise RelationMethodError(type(relation).__name__, method) from None
    result = member(*args) if callable(member) else member
    if isinstance(relation, RelationBase) and method == "conversations":
        return [conversation.scope for conversation in result]
    return result


hookenv.atstart(RelationBase._startup)

# Last: factories import names from this package while it is being imported.
RelationFactory.discover()
