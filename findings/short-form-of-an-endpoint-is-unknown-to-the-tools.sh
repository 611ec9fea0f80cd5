#!/bin/sh
# One would guess: `requires: {db: sql}`, which Juju's metadata reader expands to {interface: sql}, is read as that by
#   the libraries for charms, too.
# What happens: each meets a text where it expects a map, in its own way. charmhelpers' relation_types() works and its
#   neighbours raise AttributeError or TypeError; ops raises TypeError; `charm proof` has an error. `charm build` ends
#   with a TypeError while it plans the charm.
# Why it matters: a charm that deploys fails in the first hook that asks for a role, and none of the messages names
#   the endpoint's line but that of `charm proof`.
#
# Seen with charmhelpers 1.2.1, ops 3.9.0, charm-tools 3.0.9, Python 3.11.7:
#   charmhelpers relation_types: ['db']
#   charmhelpers relation_to_interface: AttributeError 'str' object has no attribute 'get'
#   charmhelpers interface_to_relations: TypeError string indices must be integers, not 'str'
#   ops CharmMeta: TypeError string indices must be integers, not 'str'
#   charm proof: E: relation db is not a map
#   charm build: TypeError: string indices must be integers, not 'str'
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q ops==3.9.0 charm-tools==3.0.9 setuptools==80.9.0 PyYAML==6.0.2
v/bin/pip install -q --no-deps charmhelpers==1.2.1
mkdir app
cat >app/metadata.yaml <<'EOF'
name: app
summary: Shows an endpoint in its short form.
description: Nothing more.
requires:
  db: sql
EOF
JUJU_CHARM_DIR="$tmp/app" v/bin/python -W ignore - <<'EOF'
import pathlib
import platform
import sys

import ops
from charmhelpers.core import hookenv

print("charmhelpers 1.2.1, ops", ops.__version__, "charm-tools 3.0.9, Python", platform.python_version())
failed = 0
for words, act in (
    ("charmhelpers relation_types", hookenv.relation_types),
    ("charmhelpers relation_to_interface", lambda: hookenv.relation_to_interface("db")),
    ("charmhelpers interface_to_relations", lambda: hookenv.interface_to_relations("sql")),
    ("ops CharmMeta", lambda: ops.CharmMeta.from_yaml(pathlib.Path("app/metadata.yaml").read_text()).requires),
):
    try:
        answer = act()
    except (AttributeError, TypeError) as error:
        failed += 1
        answer = f"{type(error).__name__} {error}"
    print(f"{words}: {answer}")
if failed != 3:
    sys.exit("changed: charmhelpers or ops reads the short form")
EOF
v/bin/charm-proof app >proof 2>&1 || true
if ! grep 'relation db is not a map' proof | sed 's/^/charm proof: /'; then
    echo "changed: charm proof takes the short form" >&2
    exit 1
fi
mkdir app/hooks
echo '#!/bin/sh' >app/hooks/hook.template
touch app/layer.yaml
if CHARM_LAYERS_DIR="$tmp" CHARM_INTERFACES_DIR="$tmp" \
    v/bin/charm-build --hide-metrics -C cache -d out app >build 2>&1; then
    echo "changed: charm build takes the short form" >&2
    exit 1
fi
echo "charm build: $(tail -n 1 build)"
