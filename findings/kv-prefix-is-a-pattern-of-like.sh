#!/bin/sh
# One would guess: kv().getrange("my_app.") and kv().unsetrange(prefix="my_app.") touch the keys that begin with
#   "my_app.".
# What happens: the prefix goes into an SQL LIKE as it is. "_" and "%" in it match other characters, and upper and
#   lower case are one: keys of "my-app." and "MY_APP." are answered, and deleted, too. With strip=True they fall
#   together.
# Why it matters: charms use names of applications, relations and options as prefixes, and most of these have "_".
#
# Seen with charmhelpers 1.2.1, Python 3.11.7, SQLite 3.40.1:
#   getrange: {'my_app.port': 1, 'my-app.port': 2, 'MY_APP.port': 3}
#   stripped: {'port': 3}
#   left after unsetrange: {}
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2
v/bin/python - <<'EOF'
import platform
import sqlite3
import sys

from charmhelpers.core import unitdata

print("charmhelpers 1.2.1, Python", platform.python_version(), "SQLite", sqlite3.sqlite_version)
kv = unitdata.Storage(":memory:")
for number, owner in enumerate(("my_app", "my-app", "MY_APP"), 1):
    kv.set(owner + ".port", number)
answered = kv.getrange("my_app.")
print("getrange:", answered)
print("stripped:", kv.getrange("my_app.", strip=True))
kv.unsetrange(prefix="my_app.")
left = kv.getrange("")
print("left after unsetrange:", left)
if len(answered) != 3 or left:
    sys.exit("changed: the prefix no longer matches keys that do not begin with it")
EOF
