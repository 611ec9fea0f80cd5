"""The leader's server is the primary. Whoever finds another primary announced becomes its standby."""

import secrets

import postgres
from charmhelpers.core import hookenv, unitdata

from charms.reactive import clear_flag, endpoint_from_name, hook, set_flag, when, when_not


@when_not("database.installed")
def install():
    if postgres.programs() is None:
        hookenv.status_set("blocked", "PostgreSQL is not installed on this machine")
        return
    set_flag("database.installed")


@when("database.installed")
@when_not("database.stopped")
def take_place():
    server = postgres.Server()
    replicas = endpoint_from_name("replicas")
    primary = replicas.primary
    here = {"unit": hookenv.local_unit(), "host": postgres.HOST, "port": server.port}
    following = unitdata.kv().get("database.following")
    if hookenv.is_leader():
        password = replicas.password or secrets.token_hex(16)
        if primary is None:
            server.create(password)
            server.query(password, "CREATE TABLE page (text text); INSERT INTO page VALUES ('nothing yet')")
        elif primary["unit"] != here["unit"]:
            if following is None:
                server.clone(primary["host"], primary["port"], password)
            server.promote()
        replicas.announce(here, password)
        unitdata.kv().set("database.following", here)
        unitdata.kv().set("database.password", password)
        set_flag("database.running")
        hookenv.status_set("active", "primary")
    elif primary is None or primary["unit"] == here["unit"]:
        hookenv.status_set("waiting", "for the leader's server")
    elif following != primary:
        if not server.ready(primary["host"], primary["port"]):
            hookenv.status_set("waiting", "for the server of %s" % primary["unit"])
            return
        server.clone(primary["host"], primary["port"], replicas.password)
        unitdata.kv().set("database.following", primary)
        set_flag("database.running")
        hookenv.status_set("active", "standby of %s" % primary["unit"])


@when("database.running", "endpoint.db.joined")
@when_not("database.stopped")
def offer():
    if hookenv.is_leader():
        # Not what was announced: a new leader's own announcement comes back to nobody in this hook.
        primary, password = unitdata.kv().get("database.following"), unitdata.kv().get("database.password")
        endpoint_from_name("db").offer(primary["host"], primary["port"], "admin", password, "postgres")


@hook("stop")
def stop():
    postgres.Server().stop()
    clear_flag("database.running")
    set_flag("database.stopped")
