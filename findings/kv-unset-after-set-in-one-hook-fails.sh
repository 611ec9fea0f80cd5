#!/bin/sh
# One would guess: inside unitdata's hook_scope a key may be set and then unset, as outside of it.
# What happens: both are written to the table of revisions under (key, revision), which is its primary key. `set`
#   looks whether the row is there, `unset` does not: sqlite3.IntegrityError, and the hook's changes are rolled back.
# Why it matters: a hook that stores a step and clears it when it is done runs well in tests with a plain Storage and
#   fails in a charm that records its hooks. The other order (unset, then set) works.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7:
#   plain: set, unset: None
#   in hook_scope: IntegrityError UNIQUE constraint failed: kv_revisions.key, kv_revisions.revision
#   in hook_scope, the other order: done
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2
v/bin/python -W ignore - <<'EOF'
import platform
import sqlite3
import sys

from charmhelpers.core import unitdata

print("charmhelpers 1.2.1, Python", platform.python_version())
kv = unitdata.Storage(":memory:")
kv.set("step", "one")
kv.unset("step")
print("plain: set, unset:", kv.get("step"))
failed = None
try:
    with kv.hook_scope("install"):
        kv.set("step", "one")
        kv.unset("step")
except sqlite3.IntegrityError as error:
    failed = error
    print("in hook_scope:", type(error).__name__, error)
kv.set("step", "one")
with kv.hook_scope("install"):
    kv.unset("step")
    kv.set("step", "two")
print("in hook_scope, the other order: done")
if failed is None:
    sys.exit("changed: a key can be set and unset in one hook_scope")
EOF
