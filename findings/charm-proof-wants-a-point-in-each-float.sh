#!/bin/sh
# One would guess: an option of type float may have the default 3, or 1e3; Juju takes both.
# What happens: `charm proof` reads the file with PyYAML and compares the class of the default: 3 is an int, and 1e3
#   is a text to PyYAML, which wants a point (and a sign in the exponent: 1.0e+3). Both are errors, with exit code
#   200. A default of true for an int option is no error.
# Why it matters: `charm build` ends with that code (see charm-build-fails-after-it-has-built.sh), for a charm that is
#   right.
#
# Seen with charm-tools 3.0.9, PyYAML 6.0.2, Python 3.11.7:
#   E: config.yaml: type of option exponent is specified as float, but the type of the default value is str
#   E: config.yaml: type of option whole is specified as float, but the type of the default value is int
#   exit 200
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q charm-tools==3.0.9 setuptools==80.9.0 PyYAML==6.0.2
mkdir app
cat >app/metadata.yaml <<'EOF'
name: app
summary: Shows which floats charm proof takes.
description: Nothing more.
EOF
cat >app/config.yaml <<'EOF'
options:
  point: {type: float, default: 3.0, description: With a point.}
  whole: {type: float, default: 3, description: Without one.}
  exponent: {type: float, default: 1e3, description: With an exponent.}
  switch: {type: int, default: true, description: An int that is a boolean.}
EOF
echo "charm-tools 3.0.9, PyYAML 6.0.2, $(v/bin/python -V)"
code=0
v/bin/charm-proof app >log 2>&1 || code=$?
grep 'E: config' log | sort
echo "exit $code"
if [ "$(grep -c 'E: config' log)" != 2 ]; then
    echo "changed: charm proof takes whole numbers and exponents for floats, or refuses true for an int" >&2
    exit 1
fi
