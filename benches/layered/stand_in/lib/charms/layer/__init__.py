"""Stands in for the namespace of a charm's layers: it imports their libraries in the environment."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType


class CallableOptions(ModuleType):
    """The options, which were a function once."""

    def __call__(self, section=None):
        return self.get(section)


def let_options_be_called():
    from charms.layer import options

    options.__class__ = CallableOptions


def import_libraries():
    for path in Path("lib/charms/layer").glob("*"):
        is_module = path.suffix == ".py" or path.is_dir()
        if is_module and path.stem not in ("__init__", "__pycache__", "basic", "execd"):
            import_module("%s.%s" % (__name__, path.stem))


try:
    let_options_be_called()
except ImportError:
    assert "yaml" not in sys.modules  # The system has no YAML yet: it comes with the environment.
