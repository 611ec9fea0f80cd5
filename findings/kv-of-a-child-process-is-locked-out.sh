#!/bin/sh
# One would guess: a handler may set a value in unitdata.kv() and then run a program of the charm that uses kv(), too;
#   as nothing of the database is open, only "set", both get on.
# What happens: `set` opens a transaction that lasts until flush(). The child reads the old values without a word; as
#   soon as it writes, it waits five seconds, and then it is "database is locked".
# Why it matters: helpers in Python beside a hook, `juju-exec` scripts and reactive bash work with the same file. A
#   handler has to flush() before it runs them, and then can no longer be rolled back.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7:
#   child reads: old
#   child writes: sqlite3.OperationalError: database is locked (after 5 s)
#   child after flush(): reads new, writes
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2
UNIT_STATE_DB="$tmp/state.db" v/bin/python - <<'EOF'
import platform
import subprocess
import sys
import time

from charmhelpers.core import unitdata

READ = "from charmhelpers.core.unitdata import kv; print(kv().get('value'))"
WRITE = "from charmhelpers.core.unitdata import kv; kv().set('child', 1); kv().flush()"


def child(program):
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = (done.stdout + done.stderr).strip().splitlines()[-1:]
    return done.returncode, "".join(last), time.monotonic() - start


print("charmhelpers 1.2.1, Python", platform.python_version())
kv = unitdata.kv()
kv.set("value", "old")
kv.flush()
kv.set("value", "new")
print("child reads:", child(READ)[1])
code, said, seconds = child(WRITE)
print(f"child writes: {said} (after {seconds:.0f} s)")
kv.flush()
print(f"child after flush(): reads {child(READ)[1]}, {'fails' if child(WRITE)[0] else 'writes'}")
if code == 0 or "locked" not in said:
    sys.exit("changed: a child process can write while the hook has unflushed values")
EOF
