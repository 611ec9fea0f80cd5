"""The fields of a class of records: what their annotations allow, and whether a value is that."""

from __future__ import annotations

import builtins
import sys

from charms_reactive._errors import kind_of
from charms_reactive._errors.rare import RecordDefinitionError, RecordFieldError
from charms_reactive._events.event_class import _annotations, _is_class_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Sequence, Tuple

__all__ = ["Field", "copied", "fields_of"]

_MISSING: Any = object()

_ADVICE = (
    "a field is a str, int, float, bool, None or Any, or an Optional, Union, List or Dict (with str as "
    "its keys) of these"
)


class _Kind:
    """What an annotation allows: in words, and as a test. Values are those that JSON brings back."""

    __slots__ = ("fits", "words")

    def __init__(self, words: str, fits: Callable[[Any], bool]) -> None:
        self.words = words
        self.fits = fits


class Field:
    """A field of a class of records.

    Attributes:
        name: its name.
        words: what it takes, in words.
        sensitive: whether its values are for nobody to see.
    """

    __slots__ = ("_default", "_fits", "_record", "name", "sensitive", "words")

    def __init__(self, record: str, name: str, kind: _Kind, default: Any = _MISSING) -> None:
        self._record = record
        self.name = name
        self.words = kind.words
        self._fits = kind.fits
        self._default = default
        self.sensitive = False

    def check(self, value: Any, where: str = "", key: object = None) -> None:
        """Refuse a value that the field cannot have.

        Args:
            value: the value.
            where: the beginning of what to say if it is refused.
            key: of the record.

        Raises:
            RecordFieldError: it is of another type, or cannot be kept as JSON.
        """
        try:
            if self._fits(value):
                return
        except RecursionError:
            pass  # it contains itself
        reason = "%sit takes %s, and not %s" % (where, self.words, _described(value))
        raise self.error(reason, value, key)

    def error(self, reason: str, value: object = None, key: object = None) -> RecordFieldError:
        """The error that says what is wrong with a value, without the value."""
        shown = None if self.sensitive else value
        return RecordFieldError(self._record, self.name, self.words, shown, reason, key)

    @property
    def required(self) -> bool:
        """Whether a value has to be given."""
        return self._default is _MISSING

    def default(self) -> Any:
        """The default, as a value of its own.

        Raises:
            RecordFieldError: there is none.
        """
        if self._default is _MISSING:
            reason = "it has no value and no default; it takes %s" % self.words
            raise self.error(reason)
        return copied(self._default)

    def of(self, stored: Dict[str, Any]) -> Any:
        """The value in a stored record, or the default where the record is older than the field."""
        return stored[self.name] if self.name in stored else self.default()


def copied(value: Any) -> Any:
    """A value that shares no list and no dict with the given one."""
    if isinstance(value, list):
        return [copied(item) for item in value]
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return value


def _described(value: Any) -> str:
    """What a value is, and what is in it, without saying it."""
    if isinstance(value, tuple):
        return "tuple, which would come back as a list"
    if isinstance(value, float) and not _is_float(value):
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
    if isinstance(item, float) and not _is_float(item):
        return "a number that JSON does not have"
    return kind_of(item)


# -- kinds --------------------------------------------------------------------------------------
def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_float(value: Any) -> bool:
    # JSON has neither infinities nor NaN, and an int does where a float is wanted.
    return (isinstance(value, float) and value - value == 0) or _is_int(value)


def _is_json(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return value is None or isinstance(value, (str, bool)) or _is_float(value)


_STR = _Kind("str", lambda value: isinstance(value, str))
_INT = _Kind("int", _is_int)
_ANY = _Kind("anything that JSON can hold", _is_json)
_NONE = _Kind("None", lambda value: value is None)
_BY_NAME = {
    "str": _STR,
    "int": _INT,
    "float": _Kind("float", _is_float),
    "bool": _Kind("bool", lambda value: isinstance(value, bool)),
    "None": _NONE,
    "NoneType": _NONE,
    "Any": _ANY,
    "object": _ANY,
}


def _list(item: _Kind) -> _Kind:
    fits = item.fits
    return _Kind("list of %s" % item.words, lambda value: isinstance(value, list) and all(map(fits, value)))


def _dict(item: _Kind) -> _Kind:
    fits = item.fits
    return _Kind(
        "dict of str to %s" % item.words,
        lambda value: (
            isinstance(value, dict) and all(isinstance(key, str) and fits(one) for key, one in value.items())
        ),
    )


def _union(kinds: Sequence[_Kind]) -> _Kind:
    tests = [kind.fits for kind in kinds]
    words = " or ".join(dict.fromkeys(kind.words for kind in kinds))
    return _Kind(words, lambda value: any(test(value) for test in tests))


class _Reader:
    """Reads the annotations of one class, as objects or as text.

    Text is taken apart here and not evaluated: so ``list[str]`` and ``str | None`` do on Python 3.8,
    and names from typing may be imported for type checkers only, as in a hook they had better be.
    """

    def __init__(self, cls: type, names: Dict[str, Any]) -> None:
        self._cls = cls
        self._names = names
        self._field: Tuple[str, Any] = ("", None)

    def read(self, field: str, annotation: Any) -> _Kind:
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

    def _object(self, annotation: Any) -> _Kind:
        if annotation is None:
            return _NONE
        text = getattr(annotation, "__forward_arg__", annotation)
        if isinstance(text, str):
            try:
                tree: Any = compile(text, "<annotation>", "eval", _ONLY_AST)
            except SyntaxError:
                raise self._refuse() from None
            return self._tree(tree.body)
        if isinstance(annotation, type) and not getattr(annotation, "__args__", None):
            return self._generic(annotation.__name__, [])
        typing = sys.modules.get("typing")
        if annotation is getattr(typing, "Any", None):
            return _ANY
        origin = getattr(annotation, "__origin__", None)
        if origin is None:
            origin = type(annotation)
            if origin.__name__ != "UnionType":  # which is what `int | str` makes, evaluated
                raise self._refuse()
        name: str = getattr(origin, "__name__", None) or getattr(origin, "_name", None) or ""
        bare = annotation is getattr(typing, name.capitalize(), None)
        arguments = () if bare else getattr(annotation, "__args__", ())
        return self._generic(name, [self._object(one) for one in arguments])

    def _tree(self, node: Any) -> _Kind:
        """The kind of a piece of a text, whose parts are those of Python's grammar."""
        sort = type(node).__name__
        if sort == "Constant":
            return self._object(node.value)
        if sort == "BinOp" and type(node.op).__name__ == "BitOr":
            return _union([self._tree(node.left), self._tree(node.right)])
        if sort == "Subscript":
            inner = node.slice.value if type(node.slice).__name__ == "Index" else node.slice
            parts = inner.elts if type(inner).__name__ == "Tuple" else [inner]
            return self._generic(_last_word(node.value), [self._tree(part) for part in parts])
        if sort in ("Name", "Attribute"):
            word = _last_word(node)
            if word in _BY_NAME or word.lower() in ("list", "dict"):
                return self._generic(word, [])
            found = self._names.get(word) if sort == "Name" else None
            if found is not None:
                return self._object(found)
        raise self._refuse()

    def _generic(self, name: str, arguments: List[_Kind]) -> _Kind:
        """The kind of that name with these parameters."""
        name = name if name in _BY_NAME else name.lower()
        if not arguments and name in _BY_NAME:
            return _BY_NAME[name]
        if name in ("union", "uniontype") and arguments:
            return _union(arguments)
        if name == "optional" and len(arguments) == 1:
            return _union([arguments[0], _NONE])
        if name == "list" and len(arguments) <= 1:
            return _list(arguments[0] if arguments else _ANY)
        if name == "dict" and not arguments:
            return _dict(_ANY)
        if name == "dict" and len(arguments) == 2 and arguments[0] is _STR:
            return _dict(arguments[1])
        raise self._refuse()


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
