"""The events in the life of a record."""

from __future__ import annotations

import types

from .event_class import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Generic, Tuple, TypeVar

    R = TypeVar("R")

    class _OfRecord(Event, Generic[R]):
        record: R
else:
    R = None

    class _OfRecord(Event):
        record: R

        # As typing.Generic would, whose import is too dear for a hook.
        __class_getitem__ = classmethod(getattr(types, "GenericAlias", lambda cls, _: cls))


__all__ = [
    "PreRecordCreate",
    "PostRecordCreate",
    "PreRecordUpdate",
    "PostRecordUpdate",
    "PreRecordDelete",
    "PostRecordDelete",
]


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
        diff: by the name of each field that differs: the value that is stored, and the new one.
    """

    diff: Dict[str, Tuple[Any, Any]]


class PostRecordUpdate(_OfRecord[R]):
    """A record that was changed has been saved. Origin: its class.

    Attributes:
        record: the record.
        diff: by the name of each field that was changed: the value before, and the new one.
    """

    diff: Dict[str, Tuple[Any, Any]]


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
