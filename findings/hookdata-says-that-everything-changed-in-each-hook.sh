#!/bin/sh
# One would guess: unitdata.HookData stores what it saw, so that the next hook's `changes.conf` has what is new.
# What happens: it compares the configuration with the keys under "config" in the key-value store, and nothing writes
#   them. Every option is new, with None before, in every hook; what it does store is the whole environment.
# Why it matters: `for key, (old, new) in changes.conf.items(): restart()` restarts in every hook. A charm has to call
#   kv.update(hookenv.config(), prefix="config") itself.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7:
#   first hook: {'port': Delta(previous=None, current=80)}
#   second hook: {'port': Delta(previous=None, current=80)}
#   stored: ['charm_revisions', 'env', 'relid', 'unit']
#   third hook, stored by hand before: {}
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
mkdir charm bin
echo 1 >charm/revision
echo 'name: app' >charm/metadata.yaml
printf '#!/bin/sh\necho "{\\"port\\": 80}"\n' >bin/config-get
chmod +x bin/config-get
export PATH="$tmp/bin:$PATH" JUJU_CHARM_DIR="$tmp/charm" CHARM_DIR="$tmp/charm" JUJU_UNIT_NAME=app/0
export UNIT_STATE_DB="$tmp/state.db" PYTHONWARNINGS=ignore
cat >hook.py <<'EOF'
from charmhelpers.core import hookenv, unitdata

changes = unitdata.HookData()
with changes():
    print(dict(changes.conf))
EOF
echo "charmhelpers 1.2.1, $(v/bin/python -V)"
first=$(v/bin/python hook.py)
second=$(v/bin/python hook.py)
echo "first hook: $first"
echo "second hook: $second"
v/bin/python -c 'from charmhelpers.core import unitdata; print("stored:", sorted(unitdata.kv().getrange("")))'
v/bin/python -c '
from charmhelpers.core import hookenv, unitdata
unitdata.kv().update(hookenv.config(), prefix="config")
unitdata.kv().flush()'
echo "third hook, stored by hand before: $(v/bin/python hook.py)"
if [ "$first" != "$second" ]; then
    echo "changed: the second hook knows what the first one saw" >&2
    exit 1
fi
