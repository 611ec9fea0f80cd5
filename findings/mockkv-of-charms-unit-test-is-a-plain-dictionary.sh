#!/bin/sh
# One would guess: the unitdata.kv() that charms.unit_test puts in place behaves like charmhelpers' for valid calls.
# What happens: it is a dict with four methods more. It keeps the object itself, where the real one keeps its JSON: a
#   list that is changed after set() is changed in the store, and a tuple stays a tuple. update(mapping, prefix="p.")
#   is dict.update: no key has the prefix, and one more is called "prefix". There is no flush().
# Why it matters: a test passes in which a handler forgets the second kv.set(); in a unit the change is lost.
#
# Seen with charms.unit_test 1.1.2 and charmhelpers 1.2.1, Python 3.11.7:
#   list changed after set:  mock ['a', 'b']             real ['a']
#   tuple:                   mock ('a', 1)               real ['a', 1]
#   update with a prefix:    mock ['prefix', 'x']        real ['p.x']
#   flush:                   mock AttributeError         real None
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q charms.unit_test==1.1.2 pytest==8.3.4
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2
v/bin/python - <<'EOF'
import platform
import sys

from charmhelpers.core.unitdata import Storage
from charms.unit_test import MockKV


def changed_list(kv):
    peers = ["a"]
    kv.set("peers", peers)
    peers.append("b")
    return kv.get("peers")


def stored_tuple(kv):
    kv.set("pair", ("a", 1))
    return kv.get("pair")


def prefixed(kv):
    kv.update({"x": 1}, prefix="p.")
    return sorted(kv.getrange(""))


def flush(kv):
    try:
        return kv.flush()
    except AttributeError as error:
        return type(error).__name__


print("charms.unit_test 1.1.2, charmhelpers 1.2.1, Python", platform.python_version())
alike = 0
for words, act in (
    ("list changed after set:", changed_list),
    ("tuple:", stored_tuple),
    ("update with a prefix:", prefixed),
    ("flush:", flush),
):
    mock, real = act(MockKV()), act(Storage(":memory:"))
    alike += mock == real
    print(f"{words:24} mock {mock!s:22} real {real}")
if alike:
    sys.exit(f"changed: MockKV and Storage do the same in {alike} of these cases")
EOF
