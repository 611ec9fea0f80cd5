#!/bin/sh
# One would guess: None means the same to hookenv.relation_set, leader_set and action_set; and none of them changes
#   the dictionary it was given.
# What happens: relation_set and leader_set take None for "delete the key", action_set sends the text "None". And
#   leader_set writes its keyword arguments into the caller's dictionary (unless that is empty), where relation_set
#   makes a copy.
# Why it matters: an action shows "None" as a result, and a module's table of defaults grows, hook tool call by call.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7:
#   relation-set -r db:1 port=
#   leader-set port=
#   action-set port=None
#   defaults after leader_set(defaults, extra=2): {'port': 1, 'extra': 2}
#   defaults after relation_set("db:1", defaults, extra=2): {'port': 1}
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
mkdir bin
for tool in relation-set leader-set action-set; do
    cat >"bin/$tool" <<END
#!/bin/sh
[ "\$1" = --help ] || echo "$tool \$*" >>"$tmp/calls"
END
done
chmod +x bin/*
export PATH="$tmp/bin:$PATH" JUJU_UNIT_NAME=app/0 PYTHONWARNINGS=ignore
echo "charmhelpers 1.2.1, $(v/bin/python -V)"
v/bin/python - <<'EOF'
from charmhelpers.core import hookenv

hookenv.relation_set("db:1", {"port": None})
hookenv.leader_set({"port": None})
hookenv.action_set({"port": None})
EOF
cat calls
v/bin/python - >grown <<'EOF'
from charmhelpers.core import hookenv

defaults = {"port": 1}
hookenv.leader_set(defaults, extra=2)
print("defaults after leader_set(defaults, extra=2):", defaults)
defaults = {"port": 1}
hookenv.relation_set("db:1", defaults, extra=2)
print('defaults after relation_set("db:1", defaults, extra=2):', defaults)
EOF
cat grown
if ! grep -q '^action-set port=None$' calls || ! grep -q "leader_set.*'extra': 2}" grown; then
    echo "changed: action_set knows None, or leader_set leaves the caller's dictionary alone" >&2
    exit 1
fi
