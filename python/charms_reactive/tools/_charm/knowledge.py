"""What is known of a charm once it was read, and what is often asked of that."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from charms_reactive.errors import ReactiveError

from .declared import Declared
from .known import DECLARE_NOTHING, automatic_flags, is_complete, layer_flags
from .meaning import Meaning
from .model import Condition, FlagUse, Handler, Place, SourceFile, Trigger
from .names import NameIndex

__all__ = ["EDGES", "KINDS", "NoCharmError", "Reading", "add_edges"]

#: The kind of condition that each decorator makes.
KINDS = {
    "when": "all",
    "when_all": "all",
    "when_any": "any",
    "when_not": "none",
    "when_none": "none",
    "when_not_all": "not_all",
}

#: The decorators that hear of a flag's becoming set or cleared.
EDGES = ("when_set", "when_cleared")


class NoCharmError(ReactiveError):
    """A directory holds nothing that could be read as a charm or a layer."""


class Reading:
    """What is known of a charm, a layer or an interface layer.

    Attributes:
        root: its directory.
        declared: its files of YAML.
        files: its code, sorted by path.
        handlers: in the order in which the framework would register them.
        uses: every place that has to do with a flag, conditions of handlers included.
        triggers: that are registered.
        not_loaded: the files of handlers that are read by their syntax alone, each with the reason.
        loaded: the charm was loaded, as far as it could be.
    """

    def __init__(self, root: Path, declared: Declared, files: List[SourceFile]) -> None:
        self.root = root
        self.declared = declared
        self.files = files
        self.by_path = {file.path: file for file in files}
        self.meaning = Meaning(file for file in files if file.kind == "python")
        self.handlers: List[Handler] = []
        self.uses: List[FlagUse] = []
        self.triggers: List[Trigger] = []
        self.not_loaded: Dict[str, str] = {}
        self.loaded = False

    # -- what is asked often ------------------------------------------------------------------------
    @property
    def whole(self) -> bool:
        """Whether no layer is missing, so that nobody else can set or wait for a flag."""
        return self.declared.kind == "charm" and not self.missing_layers and not self.missing_interfaces

    @property
    def missing_layers(self) -> List[str]:
        """Layers that are included, are not in this tree, and may set any flag."""
        if self.declared.built:
            return []
        found = []
        for name, _ in self.declared.includes:
            kind, _, layer = name.rpartition(":")
            if kind in ("", "layer") and not is_complete(layer) and not self._has_layer(layer):
                found.append(layer)
        return found

    @property
    def declares_all(self) -> bool:
        """Whether no layer is missing that may declare options, endpoints and the like."""
        if self.declared.kind != "charm":
            return False
        if self.declared.built:
            return True
        layers = [name.rpartition(":") for name, _ in self.declared.includes]
        return all(
            kind == "interface" or layer in DECLARE_NOTHING or self._has_layer(layer)
            for kind, _, layer in layers
        )

    @property
    def missing_interfaces(self) -> List[str]:
        """Interfaces of endpoints whose layer is not in this tree."""
        there = {file.interface for file in self.files if file.interface}
        return sorted(
            {one.interface for one in self.declared.endpoints.values() if one.interface not in there}
        )

    def _has_layer(self, layer: str) -> bool:
        name = layer.replace("-", "_")
        return any(
            file.path in ("reactive/%s.py" % name, "lib/charms/layer/%s.py" % name) for file in self.files
        )

    def is_of_missing_interface(self, flag: str) -> bool:
        """Whether a flag is one of an endpoint whose interface layer is not here to tell."""
        parts = flag.split(".")
        name = parts[1] if parts[0] == "endpoint" and len(parts) > 1 else parts[0]
        endpoint = self.declared.endpoints.get(name)
        return endpoint is not None and endpoint.interface in self.missing_interfaces

    def known_flags(self) -> NameIndex:
        """The flags that may be set: by the charm's code, its triggers, the framework or a known layer."""
        index = NameIndex(automatic_flags(self.declared))
        for flag in layer_flags(name.rpartition(":")[2] for name, _ in self.declared.includes):
            index.add(flag)
        for use in self.uses:
            if use.how in ("set", "toggle", "triggered-set"):
                index.add(use.name)
        return index


def add_edges(handler: Handler, flags: Sequence[Tuple[str, Place]]) -> None:
    """Have a handler hear of flags, of which one is enough, whatever decorators they stand in."""
    known = [one for one in handler.conditions if one.kind == "edge"]
    handler.conditions = [one for one in handler.conditions if one.kind != "edge"]
    every = [*(pair for one in known for pair in zip(one.flags, one.places)), *flags]
    names, places = tuple(name for name, _ in every), tuple(place for _, place in every)
    handler.conditions.append(Condition("edge", names, places))
