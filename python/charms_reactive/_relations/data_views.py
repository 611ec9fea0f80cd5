"""Relation data as mappings: what the two views of it let handlers read and write.

Public as names of :mod:`charms_reactive.endpoints`. Most hooks look at no relation data, and do without this.
"""

from __future__ import annotations

import json
from collections import UserDict

from charms_reactive._errors.rare import RelationDataError
from charms_reactive._juju import relation_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Type, Union

    from typing_extensions import TypeAlias

    Model = Any
    #: A name, or what makes one when an error needs it.
    Named = Union[str, None, Callable[[], Optional[str]]]
    _UserDict: TypeAlias = UserDict[str, Any]
else:
    _UserDict = UserDict

__all__ = ["JSONUnitDataView", "UnitDataView", "view"]


class _View(_UserDict):
    """What the two views share: a key that is missing reads as ``None``, and not all can be written."""

    writeable: Any

    def __getitem__(self, key: str) -> Any:
        raise NotImplementedError

    def _belongs_to(self, relation_id: Named, name: Named) -> None:
        raise NotImplementedError

    def get(self, key: str, default: Any = None) -> Any:
        """The value under a key, or ``default`` if there is none."""
        if key not in self:
            return default
        return self[key]

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value under a key; if there is none, it becomes ``default``."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, *default: Any) -> Any:
        """Take a key away and return its value.

        Raises:
            KeyError: there is no such key, and no default was given.
        """
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def copy(self) -> Any:
        """The data as a mapping of its own, which is connected to no relation."""
        return dict(self)

    __copy__ = copy

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self.update(other)  # which asks whether it may
        return self


class UnitDataView(_View):
    """The data of a unit or application in a relation, as strings.

    A key that is missing reads as ``None``. Data that was received cannot be changed.

    Args:
        data: the data.
        writeable: whether it can be changed.
    """

    data: Any

    def __init__(self, data: Optional[Dict[str, str]], writeable: bool = False) -> None:
        self.data = {} if data is None else data
        self._writeable = writeable
        # Of each key that was touched, what is published: a text, empty for none.
        self._before: Dict[str, str] = {}
        self._relation_id: Named = None
        self._name: Named = None

    @property
    def modified(self) -> bool:
        """Whether the data differs from what is published."""
        return bool(self._changes())

    @property
    def writeable(self) -> bool:
        """Whether the data can be changed."""
        return self._writeable

    def __getitem__(self, key: str) -> Any:
        return self.data.get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._touch(key)
        if value is None:
            self.data.pop(key, None)
        else:
            self.data[key] = value

    def __delitem__(self, key: str) -> None:
        self._touch(key)
        del self.data[key]

    def _touch(self, key: str) -> None:
        """Remember what is published under a key that is about to change."""
        if not self._writeable:
            raise self._error(key, "data that was received cannot be changed")
        self._before.setdefault(key, _as_text(self.data.get(key)))

    def _changes(self) -> Dict[str, str]:
        """What has to be published: the new text of each key, empty to take it away."""
        now = {key: _as_text(self.data.get(key)) for key in self._before}
        return {key: text for key, text in now.items() if text != self._before[key]}

    def _published(self) -> None:
        self._before.clear()

    def _belongs_to(self, relation_id: Named, name: Named) -> None:
        """Say whose data this is, for error messages."""
        self._relation_id, self._name = relation_id, name

    def _error(self, key: Optional[str], reason: object) -> RelationDataError:
        relation_id = self._relation_id() if callable(self._relation_id) else self._relation_id
        name = self._name() if callable(self._name) else self._name
        return RelationDataError(relation_id, name, key, reason)


def _as_text(value: Any) -> str:
    """A value as it is published: charms put numbers into raw data, too."""
    return "" if value is None else str(value)


class JSONUnitDataView(_View):
    """The data of a unit or application in a relation, encoded as JSON there.

    A key that is missing reads as ``None``, and text that is not JSON as it stands. Data that was
    received cannot be changed. Values are written with sorted keys, so that equal data is equal text.

    Args:
        data: the data, as strings.
        writeable: whether it can be changed.
    """

    data: Any

    def __init__(self, data: Optional[Dict[str, str]], writeable: bool = False) -> None:
        self.data = UnitDataView(data, writeable)

    @property
    def raw_data(self) -> UnitDataView:
        """The same data as strings; a change of one is a change of the other."""
        view: UnitDataView = self.data
        return view

    @property
    def modified(self) -> bool:
        """Whether the data differs from what is published."""
        return self.raw_data.modified

    @property
    def writeable(self) -> bool:
        """Whether the data can be changed."""
        return self.raw_data.writeable

    def __getitem__(self, key: str) -> Any:
        return relation_data.decode(self.raw_data[key])

    def __setitem__(self, key: str, value: Any) -> None:
        self.raw_data[key] = None if value is None else json.dumps(value, sort_keys=True)

    def __delitem__(self, key: str) -> None:
        del self.raw_data[key]

    def load(self, model: Type[Model]) -> Model:
        """An object made of this data.

        Keys that the class does not have are left out. A field whose metadata has a ``key`` is found
        under that. A field that may be ``str`` takes the text of a number as it stands, because not
        every charm encodes its strings.

        Args:
            model: a dataclass with fields of the types ``str``, ``int``, ``float``, ``bool``, lists
                and mappings of them, ``Optional``, ``Union``, ``Literal`` and ``Any``; or a pydantic
                model.

        Raises:
            RelationDataError: the data does not fit; it names the relation, the unit and the field.
            TypeError: the class is of no such kind.
        """
        from . import typed_data  # most charms have no use for it

        return typed_data.load(self, model)

    def store(self, obj: Any) -> None:
        """Write the fields of an object; one that is ``None`` takes its key away.

        Nothing is written if any field does not fit.

        Args:
            obj: an instance of what :meth:`load` can load.

        Raises:
            RelationDataError: a value is not of its field's type or cannot be written, or this data was
                received.
            TypeError: the object is of no such kind.
        """
        from . import typed_data

        typed_data.store(self, obj)

    def _belongs_to(self, relation_id: Named, name: Named) -> None:
        self.raw_data._belongs_to(relation_id, name)

    def _error(self, key: Optional[str], reason: object) -> RelationDataError:
        return self.raw_data._error(key, reason)


def view(data: Dict[str, str], relation_id: Named, name: Named, writeable: bool = False) -> JSONUnitDataView:
    """A view of what a unit or application has published.

    Args:
        data: the data, as strings; what is written through the view is written there.
        relation_id: of its relation, for error messages, or what tells the ids of several when there is one.
        name: of the unit or application, or what tells the names of several.
        writeable: whether it can be changed.
    """
    made = JSONUnitDataView(data, writeable)
    made._belongs_to(relation_id, name)
    return made
