"""Stands for ``charms_reactive.testing`` where the sdist was installed, as on units: that is for desks."""

from __future__ import annotations

WHERE = (
    "charms_reactive.testing is part of the wheels, and not of the sdist, which charms take to their units: "
    "pip install --force-reinstall --only-binary charms.reactive charms.reactive"
)


def __getattr__(name: str) -> object:
    if name.startswith("__") or name == "explain":  # that module is there
        raise AttributeError(name)
    raise ImportError(WHERE)
