#!/bin/sh
# One would guess: a callback of sqlite3's set_authorizer sees each statement that the connection executes, so that it
#   can count them, or tell when a transaction begins.
# What happens: SQLite asks it when a statement is compiled, and Python keeps compiled statements by their text. The
#   second SELECT, BEGIN or ROLLBACK of the same text is executed unseen. set_trace_callback sees each of them.
#   cached_statements=0 helps as well, but not on Python 3.8, which keeps five all the same.
# Why it matters: who watches a unit's state through the connection that charmhelpers opened, to know when it was
#   written or rolled back, sees the first rollback of a hook and not the second.
#
# Seen with CPython 3.11.7, SQLite 3.40.1 (3.8.18 and 3.13.0 do the same):
#   round 1: authorizer 2, trace 2
#   round 2: authorizer 0, trace 2
#   round 2, statements not kept: authorizer 2
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 - <<'EOF'
import platform
import sqlite3
import sys


def rounds(connection, watch):
    """How much `watch`'s callback is told in two rounds of BEGIN and ROLLBACK."""
    told = []
    watch(lambda *what: told.append(what) or 0)
    counts = []
    for _ in range(2):
        told.clear()
        connection.execute("BEGIN")
        connection.execute("ROLLBACK")
        counts.append(len(told))
    return counts


print(platform.python_implementation(), platform.python_version(), "SQLite", sqlite3.sqlite_version)
one, two = (sqlite3.connect(":memory:", isolation_level=None) for _ in range(2))
asked, traced = rounds(one, one.set_authorizer), rounds(two, two.set_trace_callback)
for number in (0, 1):
    print(f"round {number + 1}: authorizer {asked[number]}, trace {traced[number]}")
kept_none = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
print("round 2, statements not kept: authorizer", rounds(kept_none, kept_none.set_authorizer)[1])
if asked != [2, 0]:
    sys.exit("changed: the authorizer sees a statement each time it is executed")
EOF
