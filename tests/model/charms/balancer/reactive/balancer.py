"""Passes connections on to the web servers there are."""

from charmhelpers.core import hookenv
from daemon import Daemon

from charms.reactive import endpoint_from_name, hook, set_flag, when_not


@when_not("balancer.stopped")
def balance():
    daemon = Daemon("relay.py")
    servers = endpoint_from_name("servers").servers
    daemon.ensure({"servers": servers})
    hookenv.open_port(daemon.port)
    if servers:
        hookenv.status_set("active", "%d servers" % len(servers))
    else:
        hookenv.status_set("waiting", "for web servers")


@hook("stop")
def stop():
    Daemon("relay.py").stop()
    set_flag("balancer.stopped")
