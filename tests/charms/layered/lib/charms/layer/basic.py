"""A layer that manages the config flags, as built charms have one."""

from charmhelpers.core import hookenv, unitdata


def _options():
    return sorted(hookenv.config())


def init_config_states():
    from charms.reactive import toggle_flag

    config = hookenv.config()
    toggle_flag("config.changed", any(config.changed(option) for option in _options()))
    for option in _options():
        toggle_flag("config.changed.%s" % option, config.changed(option))
        toggle_flag("config.set.%s" % option, config.get(option))
        toggle_flag("config.default.%s" % option, config.get(option) == 80)


def clear_config_states():
    from charms.reactive import clear_flag

    clear_flag("config.changed")
    for option in _options():
        clear_flag("config.changed.%s" % option)
        clear_flag("config.set.%s" % option)
        clear_flag("config.default.%s" % option)
    unitdata.kv().flush()
