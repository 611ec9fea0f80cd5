"""What a charm does with the flags of its layers, with hooks, files, data and triggers."""

import os

from charmhelpers.core import hookenv
from telling import tell

from charms.reactive import (
    all_flags_set,
    any_file_changed,
    any_flags_set,
    clear_flag,
    data_changed,
    endpoint_from_name,
    get_flags,
    get_unset_flags,
    hook,
    is_data_changed,
    is_flag_set,
    not_unless,
    only_once,
    register_trigger,
    set_flag,
    toggle_flag,
    when,
    when_all,
    when_any,
    when_file_changed,
    when_none,
    when_not,
    when_not_all,
)
from charms.reactive.helpers import any_hook, mark_invoked, was_invoked

register_trigger(when="config.changed.port", clear_flag="configured")
register_trigger(when_not="configured", set_flag="unconfigured")
register_trigger(when="configured", clear_flag="unconfigured", callback=lambda: tell("callback"))


@hook("install", "upgrade-charm")
def install():
    tell("install", any_hook("{in,un}install", "install"), was_invoked("installed"))
    mark_invoked("installed")


@only_once
def once():
    tell("once")


@when("config.changed")
def config():
    tell("changed", [flag for flag in get_flags() if flag.startswith("config.")])


@when_not("configured")
@when("config.set.port")
def configure():
    port = hookenv.config("port")
    tell("configure", port, data_changed("port", port), is_data_changed("port", port))
    set_flag("configured")


@when("configured", "website.published")
@when_any("config.set.title", "config.set.debug")
@when_none("never")
@when_not_all("configured", "never")
def combined():
    tell(
        "combined",
        any_flags_set("never", "configured"),
        all_flags_set("never"),
        get_unset_flags("never", "configured"),
    )
    hookenv.status_set("active", hookenv.config("title") or "debug")


@when("endpoint.website.joined")
@when("configured")
def publish():
    endpoint_from_name("website").configure(hookenv.config("port"))
    toggle_flag("website.published", True)


@when_all("leadership.is_leader", "leadership.set.secret")
def lead():
    tell("lead", hookenv.leader_get("secret"))


@when("leadership.is_leader")
@when_not("leadership.set.secret")
def first_lead():
    hookenv.leader_set(secret="s")


@when("leadership.changed.motto")
def motto():
    tell("motto", hookenv.leader_get("motto"), is_flag_set("leadership.changed"))


@when("pushed")
def guarded():
    clear_flag("pushed")
    pushed()


@not_unless("config.changed.title")
def pushed():
    tell("pushed")


@hook("update-status")
def update():
    path = os.path.join(hookenv.charm_dir(), "watched")
    tell("update", any_file_changed([path]), any_file_changed([lambda: path]))
    set_flag("pushed")


@when_file_changed("watched-too")
def watched():
    tell("watched")
