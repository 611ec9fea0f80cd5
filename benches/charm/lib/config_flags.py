"""The flags of the charm's options, set before the handlers and cleared after them.

The basic layer does this for nearly every charm, with these flags.
"""

from __future__ import annotations

import yaml
from charmhelpers.core import hookenv


def register() -> None:
    """Let every hook set and clear the flags."""
    hookenv.atstart(_set)
    hookenv.atexit(_clear)


def _options() -> list:
    with open("config.yaml") as declaration:
        return sorted(yaml.safe_load(declaration)["options"].items())


def _set() -> None:
    from charms.reactive import toggle_flag

    config = hookenv.config()
    toggle_flag("config.changed", any(config.changed(name) for name, _ in _options()))
    for name, option in _options():
        toggle_flag("config.changed.%s" % name, config.changed(name))
        toggle_flag("config.set.%s" % name, bool(config[name]))
        toggle_flag("config.default.%s" % name, config[name] == option["default"])


def _clear() -> None:
    from charms.reactive import clear_flag

    clear_flag("config.changed")
    for name, _ in _options():
        clear_flag("config.changed.%s" % name)
        clear_flag("config.set.%s" % name)
        clear_flag("config.default.%s" % name)
