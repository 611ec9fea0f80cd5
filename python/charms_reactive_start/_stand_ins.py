"""What stands for names of distutils and setuptools in the modules that ask for them in every hook.

What these modules do with them in every hook is done here. Anything else has the real module imported, and is
done by it: so it is at install and upgrade. setuptools 82 and later have no ``pkg_resources`` any more, and
Python 3.12 has no distutils: there, what layer:basic needs to install and upgrade is done here too.
"""

from __future__ import annotations

import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Tuple, Union

__all__ = ["LooseVersion", "Requirement", "parse_version"]


class LooseVersion:
    """distutils's class of that name: a version as people write it, compared part by part.

    Its documented attributes are ``vstring`` and ``version``. As there, a number and a word in the same place
    cannot be compared (``TypeError``).
    """

    def __init__(self, vstring: Optional[str] = None) -> None:
        if vstring:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        self.vstring = vstring
        parts = re.split(r"(\d+|[a-z]+|\.)", vstring)
        self.version: List[Union[int, str]] = [
            int(part) if re.match(r"\d+$", part) else part for part in parts if part and part != "."
        ]

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return "LooseVersion ('%s')" % self

    def _version_of(self, other: object) -> Any:
        """What to compare with; ``None`` for what is no version."""
        if isinstance(other, str):
            return LooseVersion(other).version
        real = getattr(sys.modules.get("distutils.version"), "LooseVersion", None)
        if isinstance(other, LooseVersion) or (isinstance(real, type) and isinstance(other, real)):
            return other.version  # type: ignore[attr-defined]
        return None

    def __eq__(self, other: object) -> bool:
        that = self._version_of(other)
        return NotImplemented if that is None else bool(self.version == that)

    def __lt__(self, other: object) -> bool:
        that = self._version_of(other)
        return NotImplemented if that is None else bool(self.version < that)

    def __le__(self, other: object) -> bool:
        that = self._version_of(other)
        return NotImplemented if that is None else bool(self.version <= that)

    def __gt__(self, other: object) -> bool:
        that = self._version_of(other)
        return NotImplemented if that is None else bool(self.version > that)

    def __ge__(self, other: object) -> bool:
        that = self._version_of(other)
        return NotImplemented if that is None else bool(self.version >= that)

    # As there: what defines equality alone has no hash.
    __hash__ = None  # type: ignore[assignment]


def _pkg_resources() -> Any:
    """The real module; ``None`` where setuptools has none any more, or is not there."""
    try:
        import pkg_resources
    except ModuleNotFoundError as error:
        if error.name != "pkg_resources":
            raise  # It is there, and broken: that is to be seen.
        return None
    return pkg_resources


class _RequirementOnDemand:
    """``pkg_resources.Requirement``, which is imported as soon as something is asked of it."""

    def _real(self) -> Any:
        module = _pkg_resources()
        return PlainRequirement if module is None else module.Requirement

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._real()(*arguments, **options)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._real())

    def __subclasscheck__(self, subclass: type) -> bool:
        return issubclass(subclass, self._real())

    def __mro_entries__(self, bases: Tuple[object, ...]) -> Tuple[type, ...]:
        return (self._real(),)


Requirement: Any = _RequirementOnDemand()


class PlainRequirement:
    """What layer:basic asks of a requirement, where there is no ``pkg_resources``: its name and its versions.

    Raises:
        ValueError: the text is no requirement.
    """

    _NAME = r"\s*([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[([\w\s,.-]*)\])?\s*"
    _VERSION = r"\s*(===|==|~=|!=|<=|>=|<|>)\s*([\w.+!*-]+)\s*"

    def __init__(self, text: str) -> None:
        line = text.partition(" #")[0].strip()
        found = re.match(self._NAME, line, re.ASCII)
        self.specs: List[Tuple[str, str]] = []
        rest = line[found.end() :].partition(";")[0].strip() if found else ""
        if found is None or not self._read(rest):
            raise ValueError("%r is no requirement" % text)
        self.project_name = self.name = self.unsafe_name = found.group(1)
        self.key = self.project_name.lower()
        self.extras = tuple(extra.strip() for extra in (found.group(2) or "").split(",") if extra.strip())
        self._text = line

    def _read(self, rest: str) -> bool:
        """Read the versions; whether they are such."""
        if rest.startswith("@"):
            return bool(rest[1:].strip())
        if rest.startswith("(") and rest.endswith(")"):
            rest = rest[1:-1].strip()
        for part in rest.split(",") if rest else ():
            found = re.match(self._VERSION + "$", part, re.ASCII)
            if found is None:
                return False
            self.specs.append((found.group(1), found.group(2)))
        return True

    @classmethod
    def parse(cls, text: str) -> PlainRequirement:
        return cls(text)

    def __str__(self) -> str:
        return self._text


class _Release:
    """A version of numbers alone, such as 1.0.0, compared here; with others ``pkg_resources`` does."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        numbers = [int(part) for part in self._text.split(".")]
        while len(numbers) > 1 and not numbers[-1]:
            del numbers[-1]
        self._numbers = numbers

    def _compare(self, other: Any, compare: Callable[[Any, Any], bool]) -> bool:
        if isinstance(other, _Release):
            return compare(self._numbers, other._numbers)
        module = _pkg_resources()
        return NotImplemented if module is None else compare(module.parse_version(self._text), other)

    def __lt__(self, other: object) -> bool:
        return self._compare(other, lambda this, that: bool(this < that))

    def __le__(self, other: object) -> bool:
        return self._compare(other, lambda this, that: bool(this <= that))

    def __gt__(self, other: object) -> bool:
        return self._compare(other, lambda this, that: bool(this > that))

    def __ge__(self, other: object) -> bool:
        return self._compare(other, lambda this, that: bool(this >= that))

    def __eq__(self, other: object) -> bool:
        return self._compare(other, lambda this, that: bool(this == that))

    def __hash__(self) -> int:
        return hash(tuple(self._numbers))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "<Version(%r)>" % self._text

    def __getattr__(self, name: str) -> Any:
        module = None if name.startswith("__") else _pkg_resources()
        if module is None:
            raise AttributeError("a version has no attribute %r without pkg_resources" % name)
        return getattr(module.parse_version(self._text), name)


def parse_version(text: str) -> Any:
    """``pkg_resources.parse_version``, which is imported for what is not made of numbers alone.

    Raises:
        ValueError: the text is no version.
    """
    if re.match(r"\s*\d+(\.\d+)*\s*$", text):
        return _Release(text)
    module = _pkg_resources()
    if module is None:
        raise ValueError("%r is no version of numbers alone, and there is no pkg_resources" % text)
    return module.parse_version(text)
