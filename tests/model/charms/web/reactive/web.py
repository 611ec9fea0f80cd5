"""Serves the page while there is a database to read it from."""

from charmhelpers.core import hookenv
from daemon import Daemon

from charms.reactive import endpoint_from_name, hook, set_flag, when, when_not


@when("endpoint.db.available")
@when_not("web.stopped")
def serve():
    daemon = Daemon("page_server.py")
    access = endpoint_from_name("db").access
    title = hookenv.config("title")
    daemon.ensure({"access": access, "title": title, "unit": hookenv.local_unit()})
    endpoint_from_name("website").publish("127.0.0.1", daemon.port)
    hookenv.open_port(daemon.port)
    hookenv.status_set("active", "reading from port %d" % access["port"])


@when_not("endpoint.db.available")
@when_not("web.stopped")
def wait():
    Daemon("page_server.py").stop()
    endpoint_from_name("website").publish(None, None)
    hookenv.status_set("waiting" if hookenv.relation_ids("db") else "blocked", "for a database")


@hook("stop")
def stop():
    Daemon("page_server.py").stop()
    set_flag("web.stopped")
