"""Names of flags as they are written in code: whole, or patterns with ``*`` for what is not known.

``"config.set.%s" % option`` is the pattern ``config.set.*``. A name in an interface layer has
``{endpoint_name}`` in it until it is known which endpoints the layer serves.
"""

from __future__ import annotations

from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

__all__ = ["ENDPOINT", "HOLE", "NameIndex", "in_common", "is_pattern", "nearest", "overlap"]

HOLE = "*"
ENDPOINT = "{endpoint_name}"


def is_pattern(name: str) -> bool:
    """Whether a part of the name is not known."""
    return HOLE in name


def overlap(one: str, other: str) -> bool:
    """Whether two names, or patterns, may stand for the same flag; said too often rather than too rarely."""
    if HOLE not in one and HOLE not in other:
        return one == other
    begin, _, _ = one.partition(HOLE)
    other_begin, _, _ = other.partition(HOLE)
    if not (begin.startswith(other_begin) or other_begin.startswith(begin)):
        return False
    end, other_end = one.rpartition(HOLE)[2], other.rpartition(HOLE)[2]
    if not (end.endswith(other_end) or other_end.endswith(end)):
        return False
    if HOLE not in one:
        return len(one) >= len(other_begin) + len(other_end)
    if HOLE not in other:
        return len(other) >= len(begin) + len(end)
    return True


def in_common(names: Sequence[str]) -> str:
    """A pattern for any of these names."""
    first, others = names[0], names[1:]
    begin = min((_same(first, other) for other in others), default=len(first))
    if begin == len(first) and all(other == first for other in others):
        return first
    end = min(_same(first[begin:][::-1], other[begin:][::-1]) for other in others)
    return first[:begin] + HOLE + (first[len(first) - end :] if end else "")


def _same(one: str, other: str) -> int:
    """How many letters are the same at the beginning."""
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return length


class NameIndex:
    """Names and patterns, to be asked whether one of them may be a name.

    Attributes:
        literals: the names that are known as a whole.
        patterns: the others.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.literals: Set[str] = set()
        self.patterns: Set[str] = set()
        # Patterns by the first few letters of what is known of them.
        self._beginnings: Dict[str, List[str]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        if HOLE not in name:
            self.literals.add(name)
        elif name not in self.patterns:
            self.patterns.add(name)
            self._beginnings.setdefault(_beginning(name), []).append(name)

    def __contains__(self, name: object) -> bool:
        assert isinstance(name, str)
        if name in self.literals:
            return True
        if HOLE in name:
            return any(overlap(name, other) for other in self.literals) or any(
                overlap(name, other) for other in self.patterns
            )
        return any(
            overlap(name, pattern)
            for length in range(_LETTERS + 1)
            for pattern in self._beginnings.get(name[:length], ())
            if length == len(_beginning(pattern))
        )

    @property
    def open(self) -> bool:
        """Whether there is a pattern of which nothing is known."""
        return HOLE in self.patterns


_LETTERS = 4


def _beginning(pattern: str) -> str:
    return pattern.partition(HOLE)[0][:_LETTERS]


def nearest(name: str, known: Iterable[str], alike: float = 0.75) -> Optional[str]:
    """The name that was probably meant, if one of those that are known is nearly the same.

    ``-`` and ``_``, and small and capital letters, count as the same.
    """
    wanted = _flat(name)
    length = len(wanted)
    # What is much longer or shorter cannot be alike, and need not be compared letter by letter.
    most = int(length * (2 - alike) / alike) + 1
    least = int(length * alike / (2 - alike))
    same: Dict[str, str] = {}
    for other in sorted(known):
        if least <= len(other) <= most and other != name and HOLE not in other:
            same.setdefault(_flat(other), other)
    if wanted in same:
        return same[wanted]
    import difflib  # where all is well nobody asks

    close: List[Tuple[float, str]] = []
    matcher = difflib.SequenceMatcher()
    matcher.set_seq2(wanted)
    for flat, other in same.items():
        matcher.set_seq1(flat)
        if matcher.real_quick_ratio() >= alike and matcher.quick_ratio() >= alike:
            ratio = matcher.ratio()
            if ratio >= alike:
                close.append((-ratio, other))
    return min(close)[1] if close else None


def _flat(name: str) -> str:
    return name.replace("_", "-").lower()
