"""The handlers of hello-web: a page that follows the configuration, served while the unit is started.

=========================  ==========================================================================
flag                       while it is set
=========================  ==========================================================================
hello.installed            the directories are there
hello.content-changed      something that the page shows has changed since it was rendered
hello.motd-ready           ``reactive/motd.sh`` has rendered its part of the page
hello.page-ready           the page shows what it should
hello.started              Juju wants the unit to work: from its start hook to its stop hook
hello.listening            the web server runs, where the configuration says
=========================  ==========================================================================

Nothing here asks which hook it is unless that is the point: what has to be done follows from flags.
"""

from __future__ import annotations

import html
import os
import string
import time

import webserver
from charmhelpers.core import hookenv, unitdata
from notice import Notice

from charms.reactive import (
    clear_flag,
    data_changed,
    events,
    hook,
    register_trigger,
    set_flag,
    status,
    when,
    when_file_changed,
    when_not,
)
from charms.reactive.status import ActiveStatus, MaintenanceStatus, WaitingStatus

CHARM = hookenv.charm_dir()
WEB = os.path.join(CHARM, "web")
PAGE = os.path.join(WEB, "index.html")
MOTD = os.path.join(CHARM, "motd.html")
TEMPLATE = os.path.join(CHARM, "templates", "page.html")


class ConfigError(Exception):
    """The configuration asks for something that cannot be done."""


# A change of the content makes everything stale that is rendered from it, whoever noticed it.
register_trigger(when="hello.content-changed", clear_flag="hello.motd-ready")
register_trigger(when="hello.content-changed", clear_flag="hello.page-ready")
# The server runs only while its flag is set, and a unit that is stopped has none.
register_trigger(when_not="hello.started", clear_flag="hello.listening")
register_trigger(when_not="hello.listening", callback=lambda: webserver.stop(CHARM))


@hook("start")
def start() -> None:
    set_flag("hello.started")


@hook("stop")
def stop() -> None:
    with status.context(exit_status=MaintenanceStatus("stopped")):
        clear_flag("hello.started")


@when_not("hello.installed")
def install() -> None:
    os.makedirs(WEB, exist_ok=True)
    set_flag("hello.installed")


@when_file_changed(TEMPLATE)
def template_changed() -> None:
    """A new revision of the charm may bring another template."""
    set_flag("hello.content-changed")


@events.handle_event(events.PostRecordCreate, origin=Notice)
@events.handle_event(events.PostRecordDelete, origin=Notice)
def notices_changed(_event: events.Event) -> None:
    """Whoever changes the notices need not know that the page shows them."""
    set_flag("hello.content-changed")


@when("hello.installed")
def read_config() -> None:
    config = hookenv.config()
    if data_changed("hello.content", [config["greeting"], config["motd"]]):
        set_flag("hello.content-changed")
    where = [config["bind-address"], config["port"]]
    if data_changed("hello.where", where):
        if not 0 <= config["port"] <= 65535:
            raise ConfigError("port %d: choose one from 0 (any free port) to 65535" % config["port"])
        clear_flag("hello.listening")


@when("hello.listening")
def check_server() -> None:
    """Notice a server that has died, or a machine that was restarted."""
    if webserver.running(CHARM) is None:
        hookenv.log("the web server is gone; it is started again", hookenv.WARNING)
        clear_flag("hello.listening")


@when("hello.content-changed", "hello.motd-ready")
def render_page() -> None:
    names = {
        "application": hookenv.application_name(),
        "model": hookenv.model_name(),
        "unit": hookenv.local_unit(),
    }
    greeting = fill_in("greeting", hookenv.config("greeting"), names)
    with open(TEMPLATE, encoding="utf-8") as file:
        template = file.read()
    with open(MOTD, encoding="utf-8") as file:
        motd = file.read()
    page = string.Template(template).substitute(
        names,
        greeting=html.escape(greeting),
        motd=motd,
        notice=html.escape(" ".join(notice.text for notice in Notice.all())),
        time=time.strftime("%Y-%m-%d %H:%M:%S"),
    )
    # Whoever reads the page while it changes gets the old one or the new one.
    with open(PAGE + ".new", "w", encoding="utf-8") as file:
        file.write(page)
    os.replace(PAGE + ".new", PAGE)
    clear_flag("hello.content-changed")
    set_flag("hello.page-ready")


@when("hello.started", "hello.page-ready")
@when_not("hello.listening")
def listen() -> None:
    config = hookenv.config()
    server = webserver.start(CHARM, WEB, config["bind-address"], config["port"])
    if config["port"] not in (0, server.port):
        hookenv.log("port %d is taken, so it is %d" % (config["port"], server.port), hookenv.WARNING)
    change_port(server.port)
    set_flag("hello.listening")


@when_not("hello.started")
@when("hello.page-ready")
def idle() -> None:
    change_port(None)
    if hookenv.hook_name() != "stop":
        status.add(WaitingStatus("the page is ready, the unit not started"))


@when("hello.listening", "hello.page-ready")
def report() -> None:
    server = webserver.running(CHARM)
    if server is not None:
        status.add(ActiveStatus("http://%s:%d/" % (server.address, server.port)))


def fill_in(option: str, text: str, names: dict[str, str]) -> str:
    """The value of an option with the names in it replaced.

    Raises:
        ConfigError: it has a name that does not exist, or a dollar sign that is no name.
    """
    try:
        return string.Template(text).substitute(names)
    except KeyError as error:
        known = ", ".join("$" + name for name in sorted(names))
        raise ConfigError("%s: there is no $%s, only %s" % (option, error.args[0], known)) from None
    except ValueError as error:
        raise ConfigError("%s: %s" % (option, error)) from None


def change_port(port: int | None) -> None:
    """Have this one port open, or none."""
    before = unitdata.kv().get("hello.port")
    if before == port:
        return
    if before is not None:
        hookenv.close_port(before)
    if port is not None:
        hookenv.open_port(port)
    unitdata.kv().set("hello.port", port)
