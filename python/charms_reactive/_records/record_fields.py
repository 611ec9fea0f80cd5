"""The fields of a class of records: what their annotations allow, and whether a value is that."""

from __future__ import annotations

import builtins
import sys

from charms_reactive._errors import kind_of
from charms_reactive._errors.rare import RecordDefinitionError, RecordFieldError
from charms_reactive._events.event_class import _annotations, _is_class_variable

from . import field_kinds
from .field_kinds import BY_NAME, NONE, STR, Kind, is_float

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

__all__ = ["Field", "Sensitive", "fields_of"]

_MISSING: Any = object()

_ADVICE = (
    "a field is a str, int, float, bool, bytes, datetime, date, None or Any, an Enum of str or int, a "
    "dataclass or a pydantic model, or an Optional, Union, Literal, List or Dict (with str as its keys) of "
    "these"
)


class Sensitive:
    """Marks a field whose values are for nobody to see: ``password: Sensitive[str]``.

    To type checkers the field is of the type in brackets.
    """

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    def __class_getitem__(cls, annotation: Any) -> Sensitive:
        return cls(annotation)

    def __call__(self) -> None:
        """Nothing; ``typing.Optional`` takes what can be called."""

    def __or__(self, other: Any) -> Any:
        return _Either([self, other])

    def __ror__(self, other: Any) -> Any:
        return _Either([other, self])


class _Either:
    """A union that was evaluated, and has :class:`Sensitive` in it."""

    def __init__(self, parts: List[Any]) -> None:
        self.parts = parts

    def __or__(self, other: Any) -> Any:
        return _Either([*self.parts, other])


class Field:
    """A field of a class of records.

    Attributes:
        name: its name.
        words: what it takes, in words.
        kind: the same for programs.
        sensitive: whether its values are for nobody to see.
    """

    __slots__ = ("_default", "_fits", "_record", "kind", "name", "sensitive", "words")

    def __init__(self, record: str, name: str, kind: Kind, default: Any = _MISSING) -> None:
        self._record = record
        self.name = name
        self.words = kind.words
        self.kind = kind
        self._fits = kind.fits
        self._default = default
        self.sensitive = kind.sensitive

    def check(self, value: Any, where: str = "", key: object = None, advice: str = "") -> None:
        """Refuse a value that the field cannot have.

        Args:
            value: the value.
            where: the beginning of what to say if it is refused.
            key: of the record.
            advice: the end of it.

        Raises:
            RecordFieldError: it is of another type, or cannot be kept as JSON.
        """
        try:
            if self._fits(value):
                return
        except RecursionError:
            pass  # it contains itself
        reason = "%sit takes %s, and not %s%s" % (where, self.words, _described(value), advice)
        raise self.error(reason, value, key)

    def error(self, reason: str, value: object = None, key: object = None) -> RecordFieldError:
        """The error that says what is wrong with a value, without the value."""
        shown = None if self.sensitive else value
        return RecordFieldError(self._record, self.name, self.words, shown, reason, key)

    @property
    def required(self) -> bool:
        """Whether a value has to be given."""
        return self._default is _MISSING

    def default(self, advice: str = "", key: object = None) -> Any:
        """The default, as a value of its own.

        Raises:
            RecordFieldError: there is none.
        """
        if self._default is _MISSING:
            reason = "it has no value and no default; it takes %s%s" % (self.words, advice)
            raise self.error(reason, None, key)
        return self.kind.copy(self._default)

    def of(self, stored: Dict[str, Any], key: object = None) -> Any:
        """The value in a stored record, or the default where the record is older than the field.

        Raises:
            RecordFieldError: the record is older and there is no default, or what is stored is no value.
        """
        if self.name not in stored:
            return self.default("; migrate() of the class can give it one", key)
        found = stored[self.name]
        try:
            return self.kind.decode(found)
        except (ValueError, TypeError, KeyError):
            return _Unreadable(found)

    def raw(self, stored: Dict[str, Any]) -> Any:
        """The form in JSON of what :meth:`of` finds."""
        return stored[self.name] if self.name in stored else self.kind.encode(self.default())

    def before(self, stored: Dict[str, Any]) -> Any:
        """What :meth:`of` finds, or its form in JSON where that is no value."""
        found = self.of(stored)
        return found.stored if isinstance(found, _Unreadable) else found

    def stored(self, value: Any) -> Any:
        """The form of a value in JSON."""
        return self.kind.encode(value)


class _Unreadable:
    """A stored value that its field cannot be given; none fits it."""

    def __init__(self, stored: Any) -> None:
        self.stored = stored


def _described(value: Any) -> str:
    """What a value is, and what is in it, without saying it."""
    if isinstance(value, _Unreadable):
        return _described(value.stored)
    if isinstance(value, tuple):
        return "tuple, which would come back as a list"
    if isinstance(value, float) and not is_float(value):
        return "a number that JSON does not have"
    name = kind_of(value)
    if isinstance(value, (list, dict)) and value:
        items = list(value) if isinstance(value, list) else list(value.values())
        kinds = sorted({_inside(item, value) for item in items})
        name += " of %s" % ", ".join(kinds[:5])
        if isinstance(value, dict):
            keys = sorted({kind_of(key) for key in value})
            name = "dict of %s to %s" % (", ".join(keys), ", ".join(kinds[:5]))
    return name


def _inside(item: Any, outer: Any) -> str:
    if item is outer:
        return "itself"
    if isinstance(item, float) and not is_float(item):
        return "a number that JSON does not have"
    return kind_of(item)


class _Reader:
    """Reads the annotations of one class, as objects or as text.

    Text is taken apart here and not evaluated: so ``list[str]`` and ``str | None`` do on Python 3.8,
    and names from typing may be imported for type checkers only, as in a hook they had better be.
    """

    def __init__(self, cls: type, names: Dict[str, Any]) -> None:
        self._cls = cls
        self._names = names
        self._field: Tuple[str, Any] = ("", None)
        self._open: List[type] = []

    def read(self, field: str, annotation: Any) -> Kind:
        """The kind of a field.

        Raises:
            RecordDefinitionError: it is none that can be kept.
        """
        self._field = (field, annotation)
        return self._object(annotation)

    def _refuse(self) -> RecordDefinitionError:
        return RecordDefinitionError(
            self._cls.__qualname__, "field %s cannot be kept as %r: %s" % (*self._field, _ADVICE)
        )

    def _object(self, annotation: Any) -> Kind:
        if annotation is None:
            return NONE
        text = getattr(annotation, "__forward_arg__", annotation)
        if isinstance(text, str):
            try:
                tree: Any = compile(text, "<annotation>", "eval", _ONLY_AST)
            except SyntaxError:
                raise self._refuse() from None
            return self._tree(tree.body)
        if isinstance(annotation, Sensitive):
            return _hidden(self._object(annotation.annotation))
        if isinstance(annotation, _Either):
            return field_kinds.union([self._object(part) for part in annotation.parts])
        if isinstance(annotation, type) and not getattr(annotation, "__args__", None):
            return self._class(annotation)
        typing = sys.modules.get("typing")
        if annotation is getattr(typing, "Any", None):
            return field_kinds.ANY
        origin = getattr(annotation, "__origin__", None)
        if origin is None:
            origin = type(annotation)
            if origin.__name__ != "UnionType":  # which is what `int | str` makes, evaluated
                raise self._refuse()
        name: str = getattr(origin, "__name__", None) or getattr(origin, "_name", None) or ""
        if name == "Literal" or origin is getattr(typing, "Literal", self):
            return self._literal(annotation.__args__)
        bare = annotation is getattr(typing, name.capitalize(), None)
        arguments = () if bare else getattr(annotation, "__args__", ())
        return self._generic(name, [self._object(one) for one in arguments])

    def _tree(self, node: Any) -> Kind:
        """The kind of a piece of a text, whose parts are those of Python's grammar."""
        sort = type(node).__name__
        if sort == "Constant":
            return self._object(node.value)
        if sort == "BinOp" and type(node.op).__name__ == "BitOr":
            return field_kinds.union([self._tree(node.left), self._tree(node.right)])
        if sort == "Subscript":
            inner = node.slice.value if type(node.slice).__name__ == "Index" else node.slice
            parts = inner.elts if type(inner).__name__ == "Tuple" else [inner]
            word = _last_word(node.value)
            if word == "Literal" and all(type(part).__name__ == "Constant" for part in parts):
                return self._literal([part.value for part in parts])
            if word == "Sensitive" and len(parts) == 1:
                return _hidden(self._tree(parts[0]))
            return self._generic(word, [self._tree(part) for part in parts])
        if sort in ("Name", "Attribute"):
            word = _last_word(node)
            if word in BY_NAME or word.lower() in ("list", "dict"):
                return self._generic(word, [])
            found = self._find(node)
            if found is not None:
                return self._object(found)
        raise self._refuse()

    def _find(self, node: Any) -> Any:
        """What a dotted name of the module stands for."""
        if type(node).__name__ == "Name":
            found = self._names.get(node.id)
            if found is None and node.id in ("datetime", "date"):  # imported for type checkers only
                import datetime as dt

                found = getattr(dt, node.id)
            return found
        return getattr(self._find(node.value), node.attr, None)

    def _class(self, cls: type) -> Kind:
        """The kind of a class that stands for itself."""
        if hasattr(cls, "__dataclass_fields__") and not hasattr(cls, "model_validate"):
            if cls in self._open:
                raise self._refuse()  # it contains itself
            names = dict(self._names, **vars(sys.modules.get(cls.__module__, builtins)))
            outer, self._names = self._names, names
            self._open.append(cls)
            try:
                return field_kinds.of_dataclass(cls, lambda _, annotation: self._object(annotation))
            finally:
                self._open.pop()
                self._names = outer
        return field_kinds.of_class(cls) or self._generic(cls.__name__, [])

    def _literal(self, values: Any) -> Kind:
        if not all(value is None or isinstance(value, (str, int, bool)) for value in values):
            raise self._refuse()
        return field_kinds.literal(values)

    def _generic(self, name: str, arguments: List[Kind]) -> Kind:
        """The kind of that name with these parameters."""
        name = name if name in BY_NAME else name.lower()
        if not arguments and name in BY_NAME:
            return BY_NAME[name]
        if name in ("union", "uniontype") and arguments:
            return field_kinds.union(arguments)
        if name == "optional" and len(arguments) == 1:
            return field_kinds.union([arguments[0], NONE])
        if name == "list" and len(arguments) <= 1:
            return field_kinds.list_of(arguments[0] if arguments else field_kinds.ANY)
        if name == "dict" and not arguments:
            return field_kinds.dict_of(field_kinds.ANY)
        if name == "dict" and len(arguments) == 2 and arguments[0] is STR:
            return field_kinds.dict_of(arguments[1])
        raise self._refuse()


def _hidden(kind: Kind) -> Kind:
    """The same kind, of values that are for nobody to see."""
    made = Kind(kind.words, kind.fits, None, kind.decode, kind.exact, kind.stored_as)
    made.encode, made.is_coded = kind.encode, kind.is_coded
    made.sensitive = True
    return made


# Of `compile`, as `ast` has it, whose import would cost more than all that is used of it.
_ONLY_AST = 0x400


def _last_word(node: Any) -> str:
    """The last word of a dotted name."""
    return str(getattr(node, "attr", None) or getattr(node, "id", ""))


# -- of a class ---------------------------------------------------------------------------------
def fields_of(cls: type, base: type) -> Dict[str, Field]:
    """The fields of a class by name, its base classes' first, in the order in which they stand there.

    Args:
        cls: the class.
        base: the class that all of them have in common, whose names no field can have.

    Raises:
        RecordDefinitionError: one cannot be kept as JSON, or has a name that is taken.
        RecordFieldError: a default is not what its field takes.
    """
    fields: Dict[str, Field] = {}
    for owner in reversed(cls.__mro__):
        if owner is base or not issubclass(owner, base):
            continue
        names = dict(vars(builtins))
        names.update(vars(sys.modules.get(owner.__module__, builtins)))
        names.update(vars(owner))
        reader = _Reader(cls, names)
        for name, annotation in _annotations(owner).items():
            if name.startswith("_") or _is_class_variable(owner, annotation):
                continue
            if hasattr(base, name) and name != "id":
                reason = "no field can be called %s, which is a name of every record" % name
                raise RecordDefinitionError(cls.__qualname__, reason)
            default = getattr(cls, name, _MISSING) if name in _own_names(cls, base) else _MISSING
            field = Field(cls.__qualname__, name, reader.read(name, annotation), default)
            if not field.required:
                field.check(default, "its default is wrong: ")
            fields[name] = field
    return fields


def _own_names(cls: type, base: type) -> Dict[str, Any]:
    """What the class and its bases define, without what every record has."""
    names: Dict[str, Any] = {}
    for owner in cls.__mro__:
        if owner is not base and issubclass(owner, base):
            names.update(vars(owner))
    return names
