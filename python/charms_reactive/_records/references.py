"""Records that depend on others: values that no two may have, and fields that hold the key of another one."""

from __future__ import annotations

import sys

from charms_reactive._errors.rare import RecordExistsError, RecordReferenceError
from charms_reactive._unit_state import texts, unit_state

from .queries import Query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Set

    from .record_model import RecordModel

    _Models = Callable[[Any], RecordModel]

__all__ = ["check", "let_go"]

# The rows that are being deleted, so that records which refer to one another in a circle can go together.
_going: Set[str] = set()


def check(
    cls: Any, model: RecordModel, values: Dict[str, Any], key: Any, names: Iterable[str], model_of: _Models
) -> None:
    """Refuse a record whose unique value another one has, or that refers to one that is not there.

    Args:
        cls: its class.
        model: what is known of the class.
        values: its fields.
        key: its key.
        names: the fields to look at.
        model_of: finds what is known of another class.

    Raises:
        RecordExistsError: another record has that value.
        RecordReferenceError: there is no record of that key.
    """
    for name in names:
        value = values[name]
        if value is None:
            continue
        if name in model.references:
            target = model_of(model.references[name])
            target.check_key(value)
            own = target.cls is cls and value == key
            if not own and texts.read(unit_state.unit, target.row(value)) is None:
                reason = "there is no %s of the key that it holds" % target.label
                raise RecordReferenceError(model.label, key, name, reason)
        if name in model.unique:
            query: Any = Query(model)
            if any(other._key != key for other in query.where(**{name: value})):
                raise RecordExistsError(model.label, key, name)


def let_go(cls: Any, record: Any, model_of: _Models) -> None:
    """Before a record is deleted: delete what goes with it, and refuse if anything else refers to it.

    Raises:
        RecordReferenceError: a record refers to it that does not go with it.
    """
    own = model_of(cls).row(record.id)
    if own in _going:
        return
    _going.add(own)
    try:
        for referrer, name in _referring(cls):
            model = model_of(referrer)
            query: Any = Query(model)
            found: List[Any] = [
                one for one in query.where(**{name: record.id}) if model.row(one.id) not in _going
            ]
            if found and name not in model.cascade:
                reason = "%d of its records refer to the %s that is to be deleted" % (
                    len(found),
                    cls.__qualname__,
                )
                raise RecordReferenceError(model.label, record.id, name, reason)
            for one in found:
                one.delete()
    finally:
        _going.discard(own)


def _referring(cls: Any) -> List[Any]:
    """The classes that refer to a class, each with the field; not those whose module was replaced since."""
    found = []
    for referrer in cls._referrers:
        place: Any = sys.modules.get(referrer.__module__)
        for word in referrer.__qualname__.split("."):
            place = getattr(place, word, None)
        if place is referrer or "<locals>" in referrer.__qualname__:
            found += [
                (referrer, name)
                for name, target in referrer._references.items()
                if target is cls or target == cls.__name__
            ]
    return found
