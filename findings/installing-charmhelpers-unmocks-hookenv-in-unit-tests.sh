#!/bin/sh
# One would guess: after charms.unit_test's patch_reactive() charmhelpers is a mock in each test, whatever is
#   installed.
# What happens: mocked is what cannot be found on disk. With charmhelpers installed, `charmhelpers` is the mock, but
#   `charmhelpers.core.hookenv` is imported from disk and takes the mock's place; what patch_reactive prepared on it,
#   as charm_dir() or atexit, is gone.
# Why it matters: the same tests work with mocks on one machine and ask for real hook tools on another, because
#   something else there depends on charmhelpers. patch_module("charmhelpers.core.hookenv") keeps the mock.
#
# Seen with charms.unit_test 1.1.2 and charmhelpers 1.2.1, Python 3.11.7:
#   without charmhelpers: charmhelpers is MagicMock, hookenv is MagicMock, charm_dir() is charm_dir
#   with charmhelpers: charmhelpers is MagicMock, hookenv is module, charm_dir() is None
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q charms.unit_test==1.1.2 pytest==8.3.4
unset JUJU_CHARM_DIR CHARM_DIR || true
cat >suite.py <<'EOF'
import sys

from charms.unit_test import patch_reactive

patch_reactive()
import charmhelpers.core.hookenv
from charmhelpers.core import hookenv

kinds = type(sys.modules["charmhelpers"]).__name__, type(hookenv).__name__
print("charmhelpers is {}, hookenv is {}, charm_dir() is {}".format(*kinds, hookenv.charm_dir()))
EOF
echo "charms.unit_test 1.1.2, $(v/bin/python -V)"
without=$(v/bin/python suite.py)
echo "without charmhelpers: $without"
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
with=$(v/bin/python -W ignore suite.py)
echo "with charmhelpers: $with"
if [ "$without" = "$with" ]; then
    echo "changed: what is mocked does not depend on what is installed" >&2
    exit 1
fi
