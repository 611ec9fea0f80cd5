"""The handlers of a charm that has a port, a status and a website relation."""

from charmhelpers.core import hookenv

from charms import layer
from charms.reactive import endpoint_from_flag, hook, set_flag, when, when_not


@when_not("layered.installed")
def install() -> None:
    layer.status.maintenance("installing")
    set_flag("layered.installed")


@when("layered.installed", "config.changed")
def configure() -> None:
    layer.status.active("port %s" % hookenv.config("port"))


@when("website.available")
def publish() -> None:
    endpoint_from_flag("website.available").configure(hookenv.config("port"))


@hook("update-status")
def update() -> None:
    layer.status.active("ready")


@hook("upgrade-charm")
def upgrade() -> None:
    set_flag("layered.upgraded")
