#!/bin/sh
# One would guess: `pip download --no-binary :all: pbr==6.1.0` fetches a file, so a pinned wheelhouse that was built
#   last year can be built today; and if setuptools matters, then the one that is installed.
# What happens: to learn the name and the requirements pip runs the package's setup, in an environment of its own with
#   the newest setuptools. From 82 on that has no pkg_resources, which pbr 6.1.0 imports. The installed setuptools
#   does not count; PIP_CONSTRAINT, which the build environment obeys, does.
# Why it matters: charmhelpers and most of OpenStack's packages need pbr, and charm-tools fills a charm's wheelhouse
#   with this command. A pin of the package is no pin of its build.
#
# Seen with pip 24.3.1, setuptools 80.9.0 installed, Python 3.11.7:
#   plain: ModuleNotFoundError: No module named 'pkg_resources'
#   PIP_CONSTRAINT with setuptools<82: pbr-6.1.0.tar.gz
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q pip==24.3.1 setuptools==80.9.0
echo "pip 24.3.1, setuptools 80.9.0, $(v/bin/python -V)"
code=0
v/bin/pip download --no-deps --no-binary :all: -d plain pbr==6.1.0 >log 2>&1 || code=$?
echo "plain: $(grep -o 'ModuleNotFoundError.*' log | tail -n 1)"
echo 'setuptools<82' >constraints.txt
PIP_CONSTRAINT="$tmp/constraints.txt" v/bin/pip download -q --no-deps --no-binary :all: -d held pbr==6.1.0
echo "PIP_CONSTRAINT with setuptools<82: $(ls held)"
if [ "$code" -eq 0 ] || ! grep -q pkg_resources log; then
    echo "changed: the pinned pbr can be downloaded without holding setuptools" >&2
    exit 1
fi
