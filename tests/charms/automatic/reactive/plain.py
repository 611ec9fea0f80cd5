"""A charm without any layer: the framework manages the flags, where 1.5.3 does not."""

from charmhelpers.core import hookenv
from telling import tell

from charms.reactive import (
    collect_metrics,
    get_flags,
    hook,
    is_flag_set,
    meter_status_changed,
    when,
    when_not,
)


@when("config.changed.port")
def port():
    tell("port", hookenv.config("port"), is_flag_set("config.default.port"))


@when("config.set.title")
def title():
    tell("title", hookenv.config("title"))


@when("leadership.is_leader")
def lead():
    tell("lead")


@when("leadership.changed.motto", "leadership.set.motto")
def motto():
    tell("motto")


@hook("pre-series-upgrade", "post-series-upgrade")
def series():
    tell("series", is_flag_set("upgrade.series.in-progress"))


@when_not("upgrade.series.in-progress")
def usual():
    hookenv.status_set("active", "")


@when("upgrade.series.in-progress")
def paused():
    hookenv.status_set("blocked", "series upgrade")


@collect_metrics()
def metrics():
    tell("metrics")


@meter_status_changed()
def meter():
    tell("meter", get_flags())
