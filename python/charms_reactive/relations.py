"""Relations: finds the object that an interface layer offers for an endpoint or a flag."""

from __future__ import annotations

from ._alias import on_demand
from ._dispatch import automatic_flags
from ._juju import environment
from ._juju.environment import hookenv
from ._relations import RelationFactory as RelationFactory
from ._relations import RelationFactoryError as RelationFactoryError
from ._relations import find_relation_factory as _find_relation_factory  # noqa: F401
from ._relations import relation_factory as relation_factory
from ._relations import relation_module as _relation_module  # noqa: F401
from ._unit_state import unit_state
from ._unit_state.rows import CONVERSATIONS
from .flags import StateList as StateList
from .flags import _get_flag_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

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
    elif dot and first in environment.asked(hookenv.relation_types):
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
        from ._errors.rare import RelationMethodError

        raise RelationMethodError(type(relation).__name__, method) from None
    result = member(*args) if callable(member) else member
    from ._relations.relation_base import RelationBase

    if isinstance(relation, RelationBase) and method == "conversations":
        return [conversation.scope for conversation in result]
    return result


environment.pass_through_cmdline(globals(), {"": ("relation_call",)})


# -- relations of the old kind -----------------------------------------------------------------
def _see_to_conversations() -> None:
    """Begin a hook for relations of the old kind, if it may have anything to do with any."""
    if environment.hook_name().endswith("-relation-departed") or unit_state.unit.getrange(CONVERSATIONS):
        from ._relations import conversations

        conversations.start_hook()


hookenv.atstart(_see_to_conversations)

# Names of this module that only charms which have such relations pay for, and where they are.
_HOMES = {
    "ALL": "_relations.conversations",
    "AutoAccessors": "_relations.relation_base",
    "Conversation": "_relations.conversations",
    "RelationBase": "_relations.relation_base",
    "TOGGLE": "_relations.conversations",
    "scopes": "_relations.conversations",
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), _HOMES, old=True)


# Last: factories import names from this package while it is being imported.
RelationFactory.discover()
