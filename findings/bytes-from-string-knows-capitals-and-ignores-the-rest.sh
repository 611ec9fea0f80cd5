#!/bin/sh
# One would guess: charmhelpers' bytes_from_string reads "10k" or "10KiB", or raises its ValueError; and it refuses
#   what it has not read to the end.
# What happens: units are looked up as they are written, in capitals: "10k", "10Gb" and "10KiB" are a KeyError, which
#   a handler of ValueError lets pass. What comes after the unit is ignored: "1G512M" is 1 GiB, "5G/s" is 5 GiB. KB is
#   1024 bytes.
# Why it matters: it is there for options that people set. A typing error ends in a hook error instead of a blocked
#   status, or in another size.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7:
#   '10K': 10240
#   '10k': KeyError 'k'
#   '10KiB': KeyError 'KiB'
#   '1.5G': ValueError Unable to interpret string value '1.5G' as bytes
#   '1G512M': 1073741824
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2
v/bin/python - <<'EOF'
import platform
import sys

from charmhelpers.core.strutils import bytes_from_string

print("charmhelpers 1.2.1, Python", platform.python_version())
read = {}
for text in "10K", "10k", "10KiB", "1.5G", "1G512M":
    try:
        read[text] = bytes_from_string(text)
        print(f"{text!r}: {read[text]}")
    except (KeyError, ValueError) as error:
        read[text] = type(error)
        print(f"{text!r}: {type(error).__name__} {error}")
if read["10k"] is not KeyError or read["1G512M"] != 1024**3:
    sys.exit("changed: bytes_from_string reads 10k, or refuses what follows the unit")
EOF
