#!/bin/sh
# One would guess: on Juju 3.6-rc1 hookenv.has_juju_version("3.6.0") is False, and never an error.
# What happens: versions are compared as distutils does it, part by part. Where the first parts are equal, "-rc" is
#   compared with 0, which is a TypeError. Where they differ before that, there is an answer.
# Why it matters: a charm that has passed on every release fails in a hook as soon as somebody tries it on the next
#   Juju before its release, which is what candidates are for.
#
# Seen with charmhelpers 1.2.1, setuptools 80.9.0, Python 3.11.7:
#   3.6-rc1-ubuntu-amd64 has 3.5.9: True
#   3.6-rc1-ubuntu-amd64 has 3.6.0: TypeError '<' not supported between instances of 'str' and 'int'
#   3.6.0-ubuntu-amd64 has 3.6.0: True
#   4.0-beta5-ubuntu-amd64 has 4.0.0: TypeError '<' not supported between instances of 'str' and 'int'
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
v/bin/python -W ignore - <<'EOF'
import platform
import sys
from unittest import mock

from charmhelpers.core import hookenv

print("charmhelpers 1.2.1, setuptools 80.9.0, Python", platform.python_version())
failed = 0
for version, asked in (("3.6-rc1", "3.5.9"), ("3.6-rc1", "3.6.0"), ("3.6.0", "3.6.0"), ("4.0-beta5", "4.0.0")):
    binary = version + "-ubuntu-amd64"
    with mock.patch.object(hookenv, "juju_version", return_value=binary):
        try:
            answer = hookenv.has_juju_version(asked)
        except TypeError as error:
            failed += 1
            answer = f"TypeError {error}"
    print(f"{binary} has {asked}: {answer}")
if failed != 2:
    sys.exit("changed: has_juju_version answers for a candidate of the version that is asked for")
EOF
