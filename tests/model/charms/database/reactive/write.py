"""The action that changes what the pages say."""

import time

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
    server = postgres.Server()
    server.query(password, "UPDATE page SET text = '%s'" % text)
    # Not before the standbys have it, one of which may be the primary next.
    behind = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn < pg_current_wal_lsn()"
    for _ in range(100):
        if server.query(password, behind) == "0":
            return
        time.sleep(0.1)
    hookenv.action_fail("the standbys did not follow within 10 s")
