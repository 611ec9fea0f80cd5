"""Python beside the shell."""

from telling import tell

from charms.reactive import register_trigger, set_flag, when

register_trigger(when="used", set_flag="used.once")


@when("used.once")
def used():
    tell("used once")
    set_flag("seen")
