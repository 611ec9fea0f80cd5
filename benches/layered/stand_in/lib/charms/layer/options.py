"""Stands in for layer:options: what layer.yaml says."""

import os
from pathlib import Path

import yaml

_read = {}


def get(section=None, option=None):
    path = Path(os.environ.get("JUJU_CHARM_DIR", "."), "layer.yaml").resolve()
    if path not in _read:
        with path.open() as file:
            _read[path] = yaml.safe_load(file.read())
    found = _read[path].get("options", {})
    for name in filter(None, (section, option)):
        found = found.get(name, {})
    return found
