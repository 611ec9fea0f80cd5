"""Relations of the old kind: the base of the classes that their interface layers have.

Public as names of :mod:`charms_reactive.relations`. Charms whose interface layers have endpoints do without.
"""

from __future__ import annotations

from charms_reactive._juju import environment
from charms_reactive._juju.environment import hookenv
from charms_reactive.flags import StateList, _get_flag_value

from . import RelationFactory, find_relation_factory, relation_module
from .conversations import TOGGLE, Conversation, scope_of_hook, scopes, start_hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple

__all__ = ["AutoAccessors", "RelationBase"]


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

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Any]:
            """Type checkers cannot know which methods ``auto_accessors`` gives a class."""

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
            role, interface = environment.asked(hookenv.relation_to_role_and_interface, relation_name)
            relation_class = cls._find_impl(role, interface) if role and interface else None
            if relation_class is None:
                return None
            cls._cache[relation_name] = relation_class
        return relation_class(relation_name, conversations)

    @classmethod
    def _find_impl(cls, role: str, interface: str) -> Any:
        """The class for a role and interface, or ``None``."""
        return cls._find_subclass(relation_module(role, interface))

    @classmethod
    def _find_subclass(cls, module: Any) -> Any:
        found = find_relation_factory(module)
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
            scope = scope_of_hook(self.scope)
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
