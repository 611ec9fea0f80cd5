"""Entry points: what other installed distributions offer to this one, found for next to nothing.

``importlib.metadata`` costs a hook more than all that most hooks do, and hardly a charm needs it. So
the files that it would read are looked at first, and it is imported only if one names the group.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Tuple

__all__ = ["entry_points"]


def entry_points(group: str) -> Iterator[Tuple[str, Any]]:
    """The entry points of a group in the order of ``sys.path``, each behind its distribution's name.

    Of a distribution that is installed twice the one counts that imports find.

    Args:
        group: for example ``charms.reactive.relation_factory``.
    """
    seen = set()
    for path in _mentioning(group):
        # Here, because of what it costs.
        from importlib.metadata import Distribution
        from pathlib import Path

        distribution = Distribution.at(Path(path))
        name = distribution.metadata["Name"] or os.path.basename(path).partition("-")[0]
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        for entry_point in distribution.entry_points:
            if entry_point.group == group:
                yield name, entry_point


def _mentioning(group: str) -> Iterator[str]:
    """The metadata directories below ``sys.path`` whose ``entry_points.txt`` has the group's name."""
    wanted = group.encode("utf-8")
    for directory in dict.fromkeys(sys.path):
        if directory in _STANDARD:
            continue
        try:
            with os.scandir(directory or ".") as entries:
                names = sorted(entry.name for entry in entries if entry.name.endswith(_METADATA))
        except OSError:
            continue  # a path to nothing, or an archive
        for name in names:
            path = os.path.join(directory, name)
            try:
                with open(os.path.join(path, "entry_points.txt"), "rb") as file:
                    if wanted in file.read():
                        yield path
            except OSError:
                pass  # most distributions have none


_METADATA = (".dist-info", ".egg-info", "EGG-INFO")

# The standard library's own directories: the longest there are, and nothing is ever installed in them.
_LIBRARY = os.path.dirname(os.__file__)
_STANDARD = (_LIBRARY, os.path.join(_LIBRARY, "lib-dynload"))
