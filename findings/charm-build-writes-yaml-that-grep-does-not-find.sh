#!/bin/sh
# One would guess: the metadata.yaml and config.yaml of a built charm look like those of the layers: `name: app`.
# What happens: every key and text is written in double quotes, and every number and boolean as a tagged text:
#   `"default": !!int "8080"`, `"limit": !!int "1"`. It means the same to readers of YAML.
# Why it matters: hooks in bash and deployment scripts take the name or a version with grep, sed or awk. They work in
#   the source tree and find nothing in the built charm. Small YAML readers without tags see the number as text.
#
# Seen with charm-tools 3.0.9, Python 3.11.7:
#   layer: `^name: ` found, `default: 8080` found
#   built: `^name: ` missing, `default: 8080` missing
#   built: "name": "app"
#   built: "default": !!int "8080"
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
summary: Shows how charm build writes.
description: Nothing more.
series: [jammy]
EOF
cat >app/config.yaml <<'EOF'
options:
  port:
    type: int
    default: 8080
    description: Where to listen.
EOF
echo '#!/bin/sh' >app/hooks/hook.template
touch app/layer.yaml
found() { grep -q "$1" "$2" && echo found || echo missing; }
both() {
    name=$(found '^name: ' "$2/metadata.yaml")
    echo "$1: \`^name: \` $name, \`default: 8080\` $(found 'default: 8080' "$2/config.yaml")"
}
echo "charm-tools 3.0.9, $(v/bin/python -V)"
both layer app
CHARM_LAYERS_DIR="$tmp" CHARM_INTERFACES_DIR="$tmp" \
    v/bin/charm-build --hide-metrics -C cache -d out app >log 2>&1 || true
both built out/app
sed -n 's/^ *\(.*name.*\)/built: \1/p' out/app/metadata.yaml
sed -n 's/^ *\(.*8080.*\)/built: \1/p' out/app/config.yaml
if ! grep -q '!!int "8080"' out/app/config.yaml || grep -q '^name: ' out/app/metadata.yaml; then
    echo "changed: charm build writes plain keys and numbers" >&2
    exit 1
fi
