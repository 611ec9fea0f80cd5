#!/usr/bin/env bash
# Runs the test suite on one more Python, with the wheel of dist/ that pip would take there: the native one
# on CPython 3.10 and later, the pure one before. Nothing is imported from this tree but the tests.
#
#     packaging/test_python.sh PYTHON [PYTEST OPTION...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# == 0)); then
    echo "usage: $0 PYTHON [PYTEST OPTION...]" >&2
    exit 2
fi
python=$1
shift
engine=$("$python" -c 'import sys; print("native" if sys.version_info >= (3, 10) else "pure")')
case $engine in
native) wheels=(dist/charms_reactive-*-abi3-*.whl) ;;
pure) wheels=(dist/charms_reactive-*-none-any.whl) ;;
esac
if [ ! -e "${wheels[0]}" ]; then
    echo "error: dist/ has no wheel with the $engine engine: run make wheels" >&2
    exit 1
fi

venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${wheels[0]}[test]"
"$venv/bin/python" - "$engine" <<'PYTHON'
import platform
import sys

import charms_reactive

print("CPython %s, engine %s" % (platform.python_version(), charms_reactive.engine_name()))
installed = charms_reactive.__file__.startswith(sys.prefix)
raise SystemExit(not installed or charms_reactive.engine_name() != sys.argv[1])
PYTHON
options=(-p no:cacheprovider)
if [ "$engine" = pure ]; then
    options+=(--pure-only)
fi
"$venv/bin/python" -m pytest "${options[@]}" "$@"
