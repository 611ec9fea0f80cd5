"""The action that changes what the pages say."""

import postgres
from charmhelpers.core import hookenv

from charms.reactive import action, endpoint_from_name


@action("write")
def write():
    if not hookenv.is_leader():
        hookenv.action_fail("only the leader's server takes changes")
        return
    text = hookenv.action_get("text").replace("'", "''")
    password = endpoint_from_name("replicas").password
    postgres.Server().query(password, "UPDATE page SET text = '%s'" % text)
