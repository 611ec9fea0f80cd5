#!/bin/sh
# One would guess: what I put into StoredState as a dict or a list is one when I read it: `==` says so.
# What happens: StoredDict and StoredList come back. json.dumps refuses them, isinstance(..., dict) is False, and
#   copy(), sort(), "|" and "+" are not there. A tuple is refused as a value, but not inside of a list.
# Why it matters: code that was tested with plain data fails in the hook that publishes or writes it. dict(...) helps
#   for the outermost layer only.
#
# Seen with ops 3.9.0, Python 3.11.7:
#   equal to what was stored: True
#   is a dict: False
#   json.dumps: TypeError Object of type StoredDict is not JSON serializable
#   json.dumps of dict(...): TypeError Object of type StoredDict is not JSON serializable
#   sort: AttributeError 'StoredList' object has no attribute 'sort'
#   tuple as a value: AttributeError attribute 'pair' cannot be a tuple: must be int/float/dict/list/etc
#   tuple in a list: None
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q ops==3.9.0 ops-scenario==8.9.0
v/bin/python - <<'EOF'
import json
import platform
import sys

import ops
from ops import testing

answers = {}


class Charm(ops.CharmBase):
    kept = ops.StoredState()

    def __init__(self, framework):
        super().__init__(framework)
        framework.observe(self.on.start, self._start)

    def _start(self, event):
        self.kept.peers = {"a": {"port": 80}}
        self.kept.names = ["b", "a"]
        for words, act in (
            ("equal to what was stored", lambda: self.kept.peers == {"a": {"port": 80}}),
            ("is a dict", lambda: isinstance(self.kept.peers, dict)),
            ("json.dumps", lambda: json.dumps(self.kept.peers)),
            ("json.dumps of dict(...)", lambda: json.dumps(dict(self.kept.peers))),
            ("sort", lambda: self.kept.names.sort()),
            ("tuple as a value", lambda: setattr(self.kept, "pair", ("a", 1))),
            ("tuple in a list", lambda: self.kept.names.append(("a", 1))),
        ):
            try:
                answers[words] = str(act())
            except (AttributeError, TypeError) as error:
                answers[words] = f"{type(error).__name__} {error}"
            print(f"{words}: {answers[words]}")


print("ops", ops.__version__, "Python", platform.python_version())
context = testing.Context(Charm, meta={"name": "app"})
context.run(context.on.start(), testing.State())
if answers["is a dict"] != "False" or "TypeError" not in answers["json.dumps"]:
    sys.exit("changed: StoredState gives back a dict, or one that json takes")
EOF
