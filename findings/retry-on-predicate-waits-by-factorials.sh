#!/bin/sh
# One would guess: retry_on_predicate(8, ..., base_delay=1) waits 1, 2, 4, 8 ... seconds: it promises an exponential
#   back-off. Its neighbour retry_on_exception waits 1, 2, 3, 4 ... seconds.
# What happens: each delay is the one before times the number of the try: 1, 2, 6, 24, 120 ... The eighth is more than
#   eleven hours. And num_retries=8 are nine calls.
# Why it matters: a hook with a few more retries does not end for hours, and a unit runs one hook at a time.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7 (nothing really waits here):
#   retry_on_exception: [1, 2, 3, 4, 5, 6, 7, 8] in 9 calls
#   retry_on_predicate: [1, 2, 6, 24, 120, 720, 5040, 40320] in 9 calls
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
v/bin/python -W ignore - <<'EOF'
import contextlib
import platform
import sys
from unittest import mock

from charmhelpers.core import decorators

print("charmhelpers 1.2.1, Python", platform.python_version())
calls = []


def never():
    calls.append(1)
    return False


def broken():
    calls.append(1)
    raise OSError


waits = {}
for name, retried in (
    ("retry_on_exception", decorators.retry_on_exception(8, base_delay=1)(broken)),
    ("retry_on_predicate", decorators.retry_on_predicate(8, bool, base_delay=1)(never)),
):
    calls.clear()
    with mock.patch.object(decorators.time, "sleep") as sleep, mock.patch.object(decorators, "log"):
        with contextlib.suppress(OSError):
            retried()
    waits[name] = [call.args[0] for call in sleep.call_args_list]
    print(f"{name}: {waits[name]} in {len(calls)} calls")
if waits["retry_on_predicate"][-1] != 40320:
    sys.exit("changed: the delays of retry_on_predicate are no factorials")
EOF
