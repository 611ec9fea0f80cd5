"""The handlers: install, render, start, watch and report, as a small service's charm has them."""

from __future__ import annotations

import json

from charmhelpers.core import hookenv

from charms.reactive import (
    any_flags_set,
    clear_flag,
    data_changed,
    hook,
    is_flag_set,
    register_trigger,
    set_flag,
    toggle_flag,
    when,
    when_all,
    when_any,
    when_none,
    when_not,
    when_not_all,
)

register_trigger(when="config.changed.port", clear_flag="bench.port.opened")
register_trigger(when="config.changed.title", set_flag="bench.page.stale")
register_trigger(when_not="bench.started", clear_flag="bench.healthy")


@hook("install")
def install() -> None:
    set_flag("bench.packages.wanted")


@hook("upgrade-charm")
def upgrade() -> None:
    clear_flag("bench.installed")


@hook("stop")
def stop() -> None:
    clear_flag("bench.started")


@when_not("bench.installed")
def fetch() -> None:
    hookenv.status_set("maintenance", "installing")
    set_flag("bench.installed")


@when("bench.installed")
@when_not("bench.user")
def add_user() -> None:
    set_flag("bench.user")


@when("bench.installed", "bench.user")
@when_not("bench.directories")
def make_directories() -> None:
    set_flag("bench.directories")


@when("bench.directories")
@when_not("bench.page")
def render_page() -> None:
    set_flag("bench.page")


@when("bench.page", "bench.page.stale")
def render_page_again() -> None:
    clear_flag("bench.page.stale")


@when("bench.page")
def configure() -> None:
    config = hookenv.config()
    settings = {name: config[name] for name in ("port", "workers", "debug", "log-level", "tls")}
    if data_changed("bench.settings", settings):
        with open("service.json", "w") as file:
            json.dump(settings, file)
        set_flag("bench.restart.wanted")


@when("bench.page")
@when_not("bench.port.opened")
def open_port() -> None:
    hookenv.open_port(hookenv.config("port"))
    set_flag("bench.port.opened")


@when("bench.page")
@when_not("bench.started")
def start() -> None:
    clear_flag("bench.restart.wanted")
    set_flag("bench.started")


@when_all("bench.started", "bench.restart.wanted")
def restart() -> None:
    clear_flag("bench.restart.wanted")
    clear_flag("bench.healthy")


@when("bench.started")
def check_health() -> None:
    toggle_flag("bench.healthy", is_flag_set("bench.port.opened"))


@when_any("config.changed.debug", "config.changed.log-level")
def change_log_level() -> None:
    set_flag("bench.restart.wanted")


@when("config.set.tls")
@when_not("bench.certificate")
def request_certificate() -> None:
    set_flag("bench.certificate")


@when_not("config.set.tls")
@when("bench.certificate")
def drop_certificate() -> None:
    clear_flag("bench.certificate")


@when("bench.started", "bench.healthy")
def report_active() -> None:
    hookenv.status_set("active", "serving on port %s" % hookenv.config("port"))


@when("bench.started")
@when_not("bench.healthy")
def report_waiting() -> None:
    hookenv.status_set("waiting", "not healthy yet")


@when_none("bench.installed", "bench.started")
def report_nothing() -> None:
    hookenv.status_set("maintenance", "nothing here yet")


@when_not_all("bench.page", "bench.started")
@when("bench.installed")
def report_progress() -> None:
    if not any_flags_set("bench.page", "bench.started"):
        hookenv.status_set("maintenance", "setting up")


@when("database.connected")
@when_not("database.available")
def wait_for_database() -> None:
    hookenv.status_set("waiting", "database")


@when("config.default.title", "bench.healthy", "bench.chosen")
def name_page() -> None:
    hookenv.log("The page has its default title.")
