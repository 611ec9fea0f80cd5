#!/bin/sh
# One would guess: framework.observe(event, self._on_start) keeps the bound method and calls it.
# What happens: ops keeps the method's __name__ and looks that up on the object when the event comes. Below a
#   decorator without functools.wraps the name is that of the inner function; there is no such attribute, and the
#   event counts as handled. No error, no warning, no line in the log says that nothing ran.
# Why it matters: adding a decorator for locks or timing switches a handler off. By the same way a deferred event is
#   lost when an upgrade of the charm renames its handler.
#
# Seen with ops 3.9.0, Python 3.11.7:
#   handlers that ran: ['wrapped']
#   log: nothing above DEBUG
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q ops==3.9.0 ops-scenario==8.9.0
v/bin/python - <<'EOF'
import functools
import platform
import sys

import ops
from ops import testing

ran = []


def plain(method):
    def inner(self, event):
        return method(self, event)

    return inner


def wrapping(method):
    @functools.wraps(method)
    def inner(self, event):
        return method(self, event)

    return inner


class Charm(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        framework.observe(self.on.start, self._plain)
        framework.observe(self.on.start, self._wrapped)

    @plain
    def _plain(self, event):
        ran.append("plain")

    @wrapping
    def _wrapped(self, event):
        ran.append("wrapped")


print("ops", ops.__version__, "Python", platform.python_version())
context = testing.Context(Charm, meta={"name": "app"})
context.run(context.on.start(), testing.State())
print("handlers that ran:", ran)
print("log:", [line for line in context.juju_log if line.level != "DEBUG"] or "nothing above DEBUG")
if ran != ["wrapped"]:
    sys.exit("changed: ops calls the handler below the plain decorator, too")
EOF
