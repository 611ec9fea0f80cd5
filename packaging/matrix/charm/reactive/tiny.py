"""The handler in Python."""

import sys

from charmhelpers.core import hookenv

from charms.reactive import engine_name, set_flag, when_not


@when_not("tiny.installed")
def install() -> None:
    hookenv.log("installed on the %s engine, in %s" % (engine_name(), sys.prefix))
    set_flag("tiny.installed")
