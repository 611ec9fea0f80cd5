"""The events in the life of a record."""

from __future__ import annotations

import types

from charms_reactive._errors import kind_of

from .event_class import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, FrozenSet, Generic, Tuple, TypeVar

    from typing_extensions import TypeAlias

    _Diff: TypeAlias = Dict[str, Tuple[Any, Any]]

    R = TypeVar("R")

    class _OfRecord(Event, Generic[R]):
        record: R
else:
    R = None
    _Diff = dict

    class _Parameterised:
        """What ``types.GenericAlias`` is from Python 3.9 on, as far as events need it."""

        def __init__(self, origin, parameter):  # noqa: ANN001, ANN204
            self.__origin__ = origin
            self.__args__ = (parameter,)

        def __mro_entries__(self, bases):  # noqa: ANN001, ANN204
            return (self.__origin__,)

        def __call__(self, **attrs):  # noqa: ANN003, ANN204
            return self.__origin__(**attrs)

        def __getattr__(self, name):  # noqa: ANN001, ANN204
            return getattr(self.__origin__, name)

        def __eq__(self, other):  # noqa: ANN001, ANN204
            mine = (self.__origin__, self.__args__)
            return mine == (getattr(other, "__origin__", None), getattr(other, "__args__", None))

        def __hash__(self):  # noqa: ANN204
            return hash((self.__origin__, self.__args__))

    class _OfRecord(Event):
        record: R

        #: What :func:`~charms_reactive._events.event_class.origin_of` looks at.
        _parameter_is_origin = True

        # As typing.Generic would, whose import is too dear for a hook.
        __class_getitem__ = classmethod(getattr(types, "GenericAlias", None) or _Parameterised)


__all__ = [
    "EVENTS",
    "REDACTED",
    "RecordDiff",
    "PreRecordCreate",
    "PostRecordCreate",
    "PreRecordUpdate",
    "PostRecordUpdate",
    "PreRecordDelete",
    "PostRecordDelete",
]


#: What stands for the value of a sensitive field where people may see it.
REDACTED = "[REDACTED]"


class RecordDiff(_Diff):
    """What has changed in a record: by field, the value before and the new one.

    A dict, but shown in a log or a traceback it has no values.
    """

    _sensitive: FrozenSet[str] = frozenset()

    @classmethod
    def _of(cls, values: Dict[str, Tuple[Any, Any]], sensitive: FrozenSet[str]) -> RecordDiff:
        made = cls(values)
        made._sensitive = sensitive
        return made

    def redacted(self) -> Dict[str, Tuple[Any, Any]]:
        """The same for people to see: in the place of values of sensitive fields is ``[REDACTED]``."""
        hidden = (REDACTED, REDACTED)
        return {name: hidden if name in self._sensitive else pair for name, pair in self.items()}

    def __repr__(self) -> str:
        kinds = ["%s: %s to %s" % (name, kind_of(old), kind_of(new)) for name, (old, new) in self.items()]
        return "<%s>" % ", ".join([type(self).__name__, *kinds])


class PreRecordCreate(_OfRecord[R]):
    """A record is about to be created. Origin: its class. A handler may still change it.

    Attributes:
        record: the record.
    """


class PostRecordCreate(_OfRecord[R]):
    """A record was created. Origin: its class.

    Attributes:
        record: the record.
    """


class PreRecordUpdate(_OfRecord[R]):
    """A record that was changed is about to be saved. Origin: its class. A handler may change it too.

    Attributes:
        record: the record.
        diff: by the name of each field that differs: the value that is stored, and the new one; a
            :class:`RecordDiff`.
    """

    diff: RecordDiff


class PostRecordUpdate(_OfRecord[R]):
    """A record that was changed has been saved. Origin: its class.

    Attributes:
        record: the record.
        diff: by the name of each field that was changed: the value before, and the new one; a
            :class:`RecordDiff`.
    """

    diff: RecordDiff


class PreRecordDelete(_OfRecord[R]):
    """A record is about to be deleted. Origin: its class.

    Attributes:
        record: the record.
    """


class PostRecordDelete(_OfRecord[R]):
    """A record was deleted. Origin: its class.

    Attributes:
        record: the record, as it was.
    """


#: All of them.
EVENTS = (
    PreRecordCreate,
    PostRecordCreate,
    PreRecordUpdate,
    PostRecordUpdate,
    PreRecordDelete,
    PostRecordDelete,
)
