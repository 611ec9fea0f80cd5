#!/bin/sh
# One would guess: `charm build` ends with 0 when it has built the charm, and with something else when it has not.
# What happens: after the build it runs `charm proof` over the result and ends with that one's code: 100 for a
#   warning, 200 for an error. The charm is complete all the same. Where the build itself fails, the code is 1.
# Why it matters: `charm build && juju deploy` or a CI job stops because of a missing README, and scripts that ignore
#   the code because of that do not see real failures. Only 1 is a failure of the build.
#
# Seen with charm-tools 3.0.9, Python 3.11.7:
#   with a README: exit 0, 10 hooks
#   without: exit 100, 10 hooks (W: no README file)
#   without hook.template: exit 1
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
summary: Shows what charm build ends with.
description: Nothing more.
maintainer: A Person <person@example.com>
tags: [misc]
series: [jammy]
EOF
echo '#!/bin/sh' >app/hooks/hook.template
touch app/layer.yaml app/README.md app/copyright app/icon.svg
build() {
    code=0
    CHARM_LAYERS_DIR="$tmp" CHARM_INTERFACES_DIR="$tmp" \
        v/bin/charm-build --hide-metrics -C cache -d "$1" app >log 2>&1 || code=$?
}
hooks() { find "$1/app/hooks" -type f -not -name hook.template | wc -l; }
echo "charm-tools 3.0.9, $(v/bin/python -V)"
build out1
first=$code
echo "with a README: exit $code, $(hooks out1) hooks"
rm app/README.md
build out2
second=$code
echo "without: exit $code, $(hooks out2) hooks ($(grep -o 'W: .*' log))"
rm app/hooks/hook.template
build out3
echo "without hook.template: exit $code"
if [ "$first $second $code" != "0 100 1" ] || [ "$(hooks out1)" != "$(hooks out2)" ]; then
    echo "changed: the codes of charm build are others" >&2
    exit 1
fi
