#!/bin/sh
# One would guess: python-libjuju reads constraints as `juju deploy --constraints` does: mem=1.5G is 1536 MB, and tags
#   are texts.
# What happens: mem and root-disk take whole numbers with M, G, T or P only; "1.5G" or "0.5T" stays a text and goes to
#   the controller as that. The parser for storage next to it reads 1.5G as 1536. And the values of lists are read like
#   numbers: the tag 100 is an int, the tag true a boolean.
# Why it matters: nothing fails where the constraint is written, so the same line works on the command line and not in
#   a test that deploys by python-libjuju. 1536M, or a dictionary instead of a text, avoids it.
#
# Seen with juju 3.6.1.3, Python 3.11.7:
#   mem=2G: {'mem': 2048}
#   mem=1.5G: {'mem': '1.5G'}
#   root-disk=0.5T: {'root_disk': '0.5T'}
#   tags=100,true: {'tags': [100, True]}
#   storage 1.5G: {'count': 1, 'size': 1536}
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q juju==3.6.1.3
v/bin/python -W ignore - <<'EOF'
import platform
import sys

from juju import constraints

print("juju 3.6.1.3, Python", platform.python_version())
read = {text: constraints.parse(text) for text in ("mem=2G", "mem=1.5G", "root-disk=0.5T", "tags=100,true")}
for text, value in read.items():
    print(f"{text}: {value}")
storage = constraints.parse_storage_constraint("1.5G")
print("storage 1.5G:", storage)
if read["mem=1.5G"] != {"mem": "1.5G"} or storage["size"] != 1536:
    sys.exit("changed: fractions of memory are read, or those of storage are not")
EOF
