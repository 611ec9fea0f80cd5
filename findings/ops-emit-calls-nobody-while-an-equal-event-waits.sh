#!/bin/sh
# One would guess: emit() of a custom event calls its handlers, each time.
# What happens: a handler is left out while an event of the same kind with the same snapshot is in its queue: one that
#   it has deferred, and also the very one that it is handling at the moment. Only a line at INFO tells. Events
#   without data are all equal.
# Why it matters: a library that emits "ready" again, because something came in between, is not heard by a charm that
#   has deferred the first "ready"; and a handler cannot begin again by emitting its own event.
#
# Seen with ops 3.9.0, Python 3.11.7:
#   ready emitted twice, first one deferred: handler ran 1 time
#   again emitted by its own handler: handler ran 1 time
#   log: Skipping notice (Charm/on/ready[3]/Charm/_ready) - already in the queue.
#   log: Skipping notice (Charm/on/again[5]/Charm/_again) - already in the queue.
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

runs = {"ready": 0, "again": 0}


class Events(ops.CharmEvents):
    ready = ops.EventSource(ops.EventBase)
    again = ops.EventSource(ops.EventBase)


class Charm(ops.CharmBase):
    on = Events()

    def __init__(self, framework):
        super().__init__(framework)
        framework.observe(self.on.start, self._start)
        framework.observe(self.on.ready, self._ready)
        framework.observe(self.on.again, self._again)

    def _start(self, event):
        self.on.ready.emit()
        self.on.ready.emit()
        self.on.again.emit()

    def _ready(self, event):
        runs["ready"] += 1
        event.defer()

    def _again(self, event):
        runs["again"] += 1
        if runs["again"] < 3:
            self.on.again.emit()


print("ops", ops.__version__, "Python", platform.python_version())
context = testing.Context(Charm, meta={"name": "app"})
context.run(context.on.start(), testing.State())
print("ready emitted twice, first one deferred: handler ran", runs["ready"], "time")
print("again emitted by its own handler: handler ran", runs["again"], "time")
for line in context.juju_log:
    if line.level == "INFO":
        print("log:", line.message)
if runs != {"ready": 1, "again": 1}:
    sys.exit("changed: emit() reaches a handler that has an equal event in its queue")
EOF
