#!/bin/sh
# One would guess: `charm build` copies the values of config.yaml as they are, and who reads the built file gets what
#   the layer's file says.
# What happens: it reads by YAML 1.2 (ruamel.yaml), where on, off, yes and no are words, and writes them in quotes.
#   Juju and PyYAML read YAML 1.1, where the layer's file has a boolean: the built one has a text. 017 goes the other
#   way: 15 by 1.1 and 17 by 1.2, and it is written as it was.
# Why it matters: the default of a boolean option no longer fits its type, so that the charm fails `charm proof` and
#   Juju refuses it, while the source is right. true and false mean the same to both.
#
# Seen with charm-tools 3.0.9 (ruamel.yaml 0.17.40), PyYAML 6.0.2, Python 3.11.7:
#   layer: True, proof has 0 errors
#   built: 'on'
#   proof: E: config.yaml: type of option debug is specified as boolean, but the type of the default value is str
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q charm-tools==3.0.9 setuptools==80.9.0 PyYAML==6.0.2
mkdir -p app/hooks
cat >app/metadata.yaml <<'EOF'
name: app
summary: Shows what charm build does to a word.
description: Nothing more.
series: [jammy]
EOF
cat >app/config.yaml <<'EOF'
options:
  debug:
    type: boolean
    default: on
    description: Whether to say more.
EOF
echo '#!/bin/sh' >app/hooks/hook.template
touch app/layer.yaml
default='import sys, yaml; print(repr(yaml.safe_load(open(sys.argv[1]))["options"]["debug"]["default"]))'
echo "charm-tools 3.0.9, PyYAML 6.0.2, $(v/bin/python -V)"
v/bin/charm-proof app >before 2>&1 || true
echo "layer: $(v/bin/python -c "$default" app/config.yaml), proof has $(grep -c 'E: config' before || true) errors"
CHARM_LAYERS_DIR="$tmp" CHARM_INTERFACES_DIR="$tmp" \
    v/bin/charm-build --hide-metrics -C cache -d out app >build 2>&1 || true
built=$(v/bin/python -c "$default" out/app/config.yaml)
echo "built: $built"
grep 'E: config' build || true
if [ "$built" != "'on'" ]; then
    echo "changed: charm build leaves the boolean a boolean" >&2
    exit 1
fi
