"""What an event is: a class with annotated attributes, which its constructor takes by keyword."""

from __future__ import annotations

import sys

from charms_reactive._errors import kind_of
from charms_reactive._errors.rare import EventAttributeError, EventUseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Dict, FrozenSet, Optional, Set, Tuple, Type, TypeVar

    from typing_extensions import TypeAlias, dataclass_transform

    E = TypeVar("E", bound="Event")
    #: What is known of a class: which one it is, its attributes, those defaults that are copied, and what may
    #: be assigned: the attributes, and what the constructors of the class assign besides.
    _Known: TypeAlias = Tuple[type, FrozenSet[str], Dict[str, Any], FrozenSet[str]]

else:

    def dataclass_transform(**_):  # noqa: ANN003, ANN202 -- it is what type checkers never see
        return lambda cls: cls


__all__ = ["Event", "class_of", "origin_of", "set_attribute"]

#: Sets an attribute that is known to be one of the event.
set_attribute = object.__setattr__


@dataclass_transform(kw_only_default=True, eq_default=False)
class Event:
    """Base of all events.

    The annotations of a class are the attributes of its events, those of its base classes included;
    a value that is assigned to one in the class is its default. The constructor takes the attributes
    as keywords. One that is not given and has no default is missing until somebody assigns it, which
    leaves a class free to do so in its own ``__init__``. Annotations are not evaluated, and values are
    not checked against them.

    Attributes:
        origin: what :func:`~charms.reactive.events.emit_event` was given as the origin; for events on
            objects the object; else ``None``.

    Args:
        sets: (of the class, ``class Ready(Event, sets="db.ready")``) a flag that every emission sets,
            before the handlers run. Inherited, unless the subclass names another.
        attrs: (of the constructor) the attributes.

    Raises:
        EventAttributeError: a keyword, or what is assigned later, is not an annotated attribute; it is a
            :class:`TypeError`. Names that begin with an underscore are the charm's own.
    """

    # Kept for the one class that is named in it, and found anew for each subclass.
    _known: ClassVar[_Known]
    _sets: ClassVar[Optional[str]] = None
    if TYPE_CHECKING:
        origin: Any
    else:
        origin = None

    def __init_subclass__(cls, *, sets: Optional[str] = None, **others: Any) -> None:
        super().__init_subclass__(**others)
        if sets is None:
            # An attribute of the class does as well, as long as it is not one of the event.
            found = cls.__dict__.get("sets")
            sets = found if isinstance(found, str) and "sets" not in _annotations(cls) else None
        elif not isinstance(sets, str):
            raise EventUseError("%s: sets names one flag, and is not %s" % (cls.__qualname__, kind_of(sets)))
        if sets is not None:
            cls._sets = sets or None

    def __init__(self, /, **attrs: Any) -> None:
        known = self._known
        if known[0] is not type(self):
            known = _learn(type(self))
        attributes = known[1]
        for name, value in attrs.items():
            if name not in attributes:
                raise EventAttributeError(type(self).__qualname__, name, sorted(attributes))
            set_attribute(self, name, value)
        if known[2]:
            for name, value in known[2].items():
                if name not in attrs:
                    set_attribute(self, name, _copied(value))

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            cls = type(self)
            known = cls._known if cls._known[0] is cls else _learn(cls)
            if name in known[3] or name.startswith("_") or hasattr(cls, name):
                set_attribute(self, name, value)
            else:
                raise EventAttributeError(cls.__qualname__, name, sorted(known[1]))

        def __getattr__(self, name: str) -> Any:
            kind = type(self).__qualname__
            if name in _learn(type(self))[1]:
                raise AttributeError(
                    "this %s has no value for %r: it was not given when the event was emitted, and the "
                    "class has no default for it" % (kind, name)
                )
            raise AttributeError("%s has no attribute %r" % (kind, name))

    def __repr__(self) -> str:
        # What it carries may be secret, and whoever logs an event had better not find out by that.
        known = _learn(type(self))[1]
        kinds = ["%s: %s" % (name, kind_of(value)) for name, value in vars(self).items() if name in known]
        return "<%s>" % ", ".join([type(self).__qualname__, *kinds])


Event._known = (Event, frozenset(), {}, frozenset(["origin"]))


def _learn(cls: Type[Event]) -> _Known:
    """What is known of a class, found when it is asked for first: forward references are there by then."""
    if cls._known[0] is not cls:
        names: Set[str] = set()
        for base in cls.__mro__:
            if issubclass(base, Event) and base is not Event:
                names.update(
                    name for name, kind in _annotations(base).items() if not _is_class_variable(base, kind)
                )
        # A list that is shared by all events of a class is never what its author meant.
        copied = {name: getattr(cls, name, None) for name in names}
        copied = {name: value for name, value in copied.items() if _is_copied(value)}
        cls._known = (cls, frozenset(names), copied, frozenset([*names, "origin", *_constructed(cls)]))
    return cls._known


def _constructed(cls: type) -> Set[str]:
    """The names of attributes that constructors of the class's own may assign, and some more."""
    found: Set[str] = set()
    for base in cls.__mro__:
        code = getattr(base.__dict__.get("__init__"), "__code__", None)
        if code is not None and base is not Event:
            found.update(code.co_names)
    return found


def _copied(value: Any) -> Any:
    """A copy that shares no list, dict or set with the value, whichever kinds of these they are."""
    if isinstance(value, list):
        made = value.copy()
        made[:] = [_copied(item) for item in value]
        return made
    if isinstance(value, dict):
        mapping = value.copy()
        mapping.update((key, _copied(item)) for key, item in value.items())
        return mapping
    if isinstance(value, set):
        return value.copy()
    if type(value) is tuple:
        return tuple(_copied(item) for item in value)
    return value


def _is_copied(value: Any) -> bool:
    """Whether something is in a value that events must not share."""
    return isinstance(value, (list, dict, set)) or (type(value) is tuple and any(map(_is_copied, value)))


def _annotations(cls: type) -> Dict[str, Any]:
    """The annotations of the class itself, as they stand there."""
    own = cls.__dict__.get("__annotations__")  # noqa: RUF063 -- typing_extensions is not on units
    if own is None and sys.version_info >= (3, 14):
        try:
            own = cls.__annotations__
        except Exception:  # noqa: BLE001 -- they are evaluated only now, and may name what is not there
            import annotationlib

            own = annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return own or {}


def _is_class_variable(cls: type, kind: Any) -> bool:
    typing = sys.modules.get("typing")
    wanted = getattr(typing, "ClassVar", None)
    if isinstance(kind, str):
        words = kind.strip("'\" ").partition("[")[0].strip().split(".")
        found = vars(sys.modules.get(cls.__module__, sys)).get(words[0])
        for word in words[1:]:
            found = getattr(found, word, None)
        # Under TYPE_CHECKING it may have been imported for type checkers only.
        return (found is not None and found is wanted) or words[-1] == "ClassVar"
    return wanted is not None and (kind is wanted or getattr(kind, "__origin__", None) is wanted)


def class_of(what: Type[E]) -> Type[E]:
    """The event class that a class or a parameterised one (``PostRecordUpdate[Setting]``) stands for.

    Raises:
        EventUseError: it is neither.
    """
    given: Any = what
    # Asked first: CPython 3.9 and 3.10 take a parameterised class for a class.
    found = getattr(given, "__origin__", given)
    if isinstance(found, type) and issubclass(found, Event):
        return found  # type: ignore[return-value]
    raise EventUseError("an event class is needed, a subclass of events.Event, and not %s" % kind_of(what))


def origin_of(what: Any, origin: Any) -> Any:
    """The origin that an event class is given with: of ``PostRecordUpdate[Setting]`` it is the parameter.

    Only the events of records have such a parameter. To those of others, which are parameterised for type
    checkers alone, it means nothing.

    Raises:
        EventUseError: the parameter is no class, or another one than the given origin.
    """
    parameters = getattr(what, "__args__", None)
    kind: Any = getattr(what, "__origin__", None)
    if not parameters or not getattr(kind, "_parameter_is_origin", False):
        return origin
    parameter = parameters[0]
    typing = sys.modules.get("typing")
    if parameter is None or (typing and (parameter is typing.Any or isinstance(parameter, typing.TypeVar))):
        return origin
    if not isinstance(parameter, type):
        raise EventUseError(
            "%s[...] takes the class of the records itself, and not %s"
            % (kind.__name__, type(parameter).__name__)
        )
    if origin is not None and origin is not parameter:
        raise EventUseError(
            "%s[%s] has that class as its origin; another origin cannot be given"
            % (kind.__name__, parameter.__name__)
        )
    return parameter
