#!/bin/sh
# One would guess: hookenv.relation_for_unit reads a unit's settings and gives me a dictionary of my own.
# What happens: answers are cached and handed out without a copy, and relation_for_unit writes into the one of
#   relation_get: "__unit__" comes in, and the text of each key that ends in "-list" becomes a list. Who then asks
#   relation_get gets that, too; and as f(a, b) and f(unit=a, rid=b) have separate places in the cache, the second way
#   of asking splits the list again: AttributeError.
# Why it matters: what a handler gets depends on which library asked before it in the same hook.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7:
#   relation_get before: {'host-list': 'a b'}
#   relation_for_unit: {'host-list': ['a', 'b'], '__unit__': 'db/0'}
#   relation_get after: {'host-list': ['a', 'b'], '__unit__': 'db/0'}
#   relation_for_unit with names: AttributeError 'list' object has no attribute 'split'
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
mkdir bin
printf '#!/bin/sh\necho "{\\"host-list\\": \\"a b\\"}"\n' >bin/relation-get
chmod +x bin/relation-get
PATH="$tmp/bin:$PATH" v/bin/python -W ignore - <<'EOF'
import copy
import platform
import sys

from charmhelpers.core import hookenv

print("charmhelpers 1.2.1, Python", platform.python_version())
before = copy.deepcopy(hookenv.relation_get(unit="db/0", rid="db:1"))
print("relation_get before:", before)
print("relation_for_unit:", hookenv.relation_for_unit("db/0", "db:1"))
after = hookenv.relation_get(unit="db/0", rid="db:1")
print("relation_get after:", after)
failed = False
try:
    hookenv.relation_for_unit(unit="db/0", rid="db:1")
except AttributeError as error:
    failed = True
    print("relation_for_unit with names:", type(error).__name__, error)
if before == after or not failed:
    sys.exit("changed: the answers of hookenv are no longer one shared object")
EOF
