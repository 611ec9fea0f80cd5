#!/bin/sh
# One would guess: what I give to emit(), and my event class keeps in __init__, is what the handlers find on the
#   event, at least as long as nobody defers; and a handler may leave a mark on the event for the next one.
# What happens: each handler gets an object of its own that is made from the snapshot, without __init__. Without
#   snapshot() and restore() in the class the attribute is not there; marks of one handler are gone in the next.
# Why it matters: custom events are how charm libraries talk to charms, and the missing pair of methods shows only
#   when somebody observes the event, as an AttributeError in that charm.
#
# Seen with ops 3.9.0, Python 3.11.7:
#   first handler: port missing, mark missing
#   second handler: port missing, mark missing
#   with snapshot and restore: port 80, mark missing
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q ops==3.9.0 ops-scenario==8.9.0
v/bin/python - <<'EOF'
import platform
import sys

import ops
from ops import testing

seen = []


class Ready(ops.EventBase):
    def __init__(self, handle, port):
        super().__init__(handle)
        self.port = port


class Kept(Ready):
    def snapshot(self):
        return {"port": self.port}

    def restore(self, snapshot):
        self.port = snapshot["port"]


class Events(ops.CharmEvents):
    ready = ops.EventSource(Ready)
    kept = ops.EventSource(Kept)


class Charm(ops.CharmBase):
    on = Events()

    def __init__(self, framework):
        super().__init__(framework)
        framework.observe(self.on.start, self._start)
        framework.observe(self.on.ready, self._first)
        framework.observe(self.on.ready, self._second)
        framework.observe(self.on.kept, self._kept)

    def _start(self, event):
        self.on.ready.emit(80)
        self.on.kept.emit(80)

    def _look(self, who, event):
        port = getattr(event, "port", "missing")
        seen.append(port)
        print(f"{who}: port {port}, mark {getattr(event, 'mark', 'missing')}")
        event.mark = who

    def _first(self, event):
        self._look("first handler", event)

    def _second(self, event):
        self._look("second handler", event)

    def _kept(self, event):
        self._look("with snapshot and restore", event)


print("ops", ops.__version__, "Python", platform.python_version())
context = testing.Context(Charm, meta={"name": "app"})
context.run(context.on.start(), testing.State())
if seen != ["missing", "missing", 80]:
    sys.exit("changed: handlers see what the emitted event's __init__ has kept")
EOF
