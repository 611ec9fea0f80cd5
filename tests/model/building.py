"""Puts charms together from layers and interfaces, as ``charm build`` does."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

HERE = Path(__file__).parent

#: The layers of each charm.
LAYERS = {"database": (), "web": ("daemon",), "balancer": ("daemon",)}


def build(name: str, directory: Path) -> Path:
    """Build one of the charms in a directory; where it is."""
    charm = directory / name
    for source in [HERE / "layers" / layer for layer in LAYERS[name]] + [HERE / "charms" / name]:
        shutil.copytree(source, charm, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    metadata = yaml.safe_load((charm / "metadata.yaml").read_text())
    for role in ("requires", "provides", "peers"):
        for spec in (metadata.get(role) or {}).values():
            source = HERE / "interfaces" / spec["interface"] / (role + ".py")
            target = charm / "hooks" / "relations" / spec["interface"] / source.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return charm
