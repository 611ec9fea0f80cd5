#!/bin/sh
# One would guess: hooks/hook.template becomes each hook as it is; a shell script or Python, as people have it there.
# What happens: it goes through str.format with one argument, the relation's or storage's name, or "hook". Empty
#   braces are filled with that: `seen = {}` becomes `seen = hook`, and in each relation's hook something else.
#   "${NAME}" ends the build with a KeyError.
# Why it matters: the build says nothing of the first, and the hook fails on the unit with a NameError. Braces have to
#   be doubled in that file and in no other.
#
# Seen with charm-tools 3.0.9, Python 3.11.7:
#   hooks/install: seen = hook
#   hooks/db-relation-changed: seen = db
#   with ${JUJU_UNIT_NAME}: KeyError: 'JUJU_UNIT_NAME'
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q charm-tools==3.0.9 setuptools==80.9.0
mkdir -p app/hooks
cat >app/metadata.yaml <<'EOF'
name: app
summary: Shows what charm build does to braces.
description: Nothing more.
series: [jammy]
requires:
  db:
    interface: sql
EOF
touch app/layer.yaml
build() {
    CHARM_LAYERS_DIR="$tmp" CHARM_INTERFACES_DIR="$tmp" v/bin/charm-build --hide-metrics -C cache -d "$1" app >log 2>&1
}
printf '#!/usr/bin/env python3\nseen = {}\n' >app/hooks/hook.template
echo "charm-tools 3.0.9, $(v/bin/python -V)"
build out || true
for hook in install db-relation-changed; do
    echo "hooks/$hook: $(sed -n 2p "out/app/hooks/$hook")"
done
cat >app/hooks/hook.template <<'EOF'
#!/bin/sh
echo "${JUJU_UNIT_NAME}"
EOF
build out2 || true
echo "with \${JUJU_UNIT_NAME}: $(tail -n 1 log)"
if ! grep -qx 'seen = db' out/app/hooks/db-relation-changed || ! grep -q "^KeyError: 'JUJU_UNIT_NAME'" log; then
    echo "changed: charm build copies the template without filling its braces" >&2
    exit 1
fi
