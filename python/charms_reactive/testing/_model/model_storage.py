"""The storage of a simulated model's units: how much a charm needs, and where it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Tuple

from charms_reactive.testing._unit.charm import Charm, listed
from charms_reactive.testing.errors import CharmError
from charms_reactive.testing.hooks import Hook

if TYPE_CHECKING:
    from .application import ModelUnit


def counts(charm: Charm, wanted: Mapping[str, int]) -> Dict[str, int]:
    """How many instances of each storage a new unit gets.

    Raises:
        CharmError: the charm declares no such storage, or not as many.
    """
    declared = charm.metadata.get("storage") or {}
    for name, count in wanted.items():
        check_count(charm, name, count)
    return {name: wanted.get(name, limits(charm, name)[0]) for name in declared}


def limits(charm: Charm, name: str) -> Tuple[int, Optional[int]]:
    """The least and the most instances of a storage that the charm declares; ``None`` if there is no most.

    Raises:
        CharmError: the charm declares no such storage.
    """
    declared = charm.metadata.get("storage") or {}
    if name not in declared:
        raise CharmError("charm %s has no storage %r; it has %s" % (charm.name, name, listed(declared)))
    text = str(((declared[name] or {}).get("multiple") or {}).get("range", "1"))
    low, dash, high = text.partition("-")
    if text.endswith("+"):
        return int(text[:-1]), None
    return int(low), (int(high) if high else None if dash else int(low))


def check_count(charm: Charm, name: str, count: int) -> None:
    """Refuse as many instances of a storage as the charm does not declare."""
    low, high = limits(charm, name)
    if count < low or (high is not None and count > high):
        most = "" if high == low else " to %d" % high if high is not None else " or more"
        raise CharmError("charm %s has %d%s of storage %s, not %d" % (charm.name, low, most, name, count))


def location(unit: ModelUnit, storage: str) -> Path:
    """Where an instance is mounted."""
    return unit.simulated.directory / "storage" / storage


def kind(charm: Charm, name: str) -> str:
    """``filesystem`` or ``block``."""
    declared: Any = charm.metadata.get("storage") or {}
    return str((declared.get(name) or {}).get("type", "filesystem"))


def tell(juju: Dict[str, Any], unit: ModelUnit, hook: Optional[Hook]) -> None:
    """Write the unit's storage into its Juju side: what is attached, and what the hook attaches."""
    there = set(unit._agent.storages)
    if hook is not None and hook.storage is not None:
        there.add(hook.storage)
    for storage in there:
        location(unit, storage).mkdir(parents=True, exist_ok=True)
    juju["storages"] = {
        storage: {
            "kind": kind(unit.application.charm, storage.partition("/")[0]),
            "location": str(location(unit, storage)),
        }
        for storage in sorted(there)
    }
