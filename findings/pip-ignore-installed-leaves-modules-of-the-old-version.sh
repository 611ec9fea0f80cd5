#!/bin/sh
# One would guess: `pip install --ignore-installed PACKAGE==NEW` replaces the old version: afterwards the package is
#   as in a fresh environment.
# What happens: nothing is removed. Files of the new version are written over those of the old one, and modules that
#   only the old one had stay and can be imported. Two dist-info folders are there; `pip list` shows the new version.
# Why it matters: layer:basic installs its wheelhouse in this way with `use_venv: false`. After an upgrade of a charm
#   a module that has gone works on old units and is missing on new ones. A plain `pip install --upgrade` removes it.
#
# Seen with pip 24.3.1, Jinja2 2.11.3 and 3.1.4, Python 3.11.7:
#   over the old one: Jinja2 3.1.4, jinja2.asyncsupport can be imported, 2 dist-info
#   with --upgrade: Jinja2 3.1.4, jinja2.asyncsupport is missing, 1 dist-info
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q pip==24.3.1
v/bin/pip install -q MarkupSafe==2.0.1 Jinja2==2.11.3
look() {
    python=$1/bin/python
    version=$("$python" -c 'import importlib.metadata as m; print(m.version("Jinja2"))')
    if "$python" -c 'import jinja2.asyncsupport' 2>/dev/null; then
        module="can be imported"
    else
        module="is missing"
    fi
    infos=$("$python" -c '
import importlib.metadata as m
print(sum(each.metadata["Name"] == "Jinja2" for each in m.distributions()))')
    echo "$2: Jinja2 $version, jinja2.asyncsupport $module, $infos dist-info"
}
echo "pip 24.3.1, $(v/bin/python -V)"
v/bin/pip install -q --ignore-installed --no-deps Jinja2==3.1.4
over=$(look v "over the old one")
echo "$over"
python3 -m venv w
w/bin/pip install -q MarkupSafe==2.0.1 Jinja2==2.11.3
w/bin/pip install -q --upgrade --no-deps Jinja2==3.1.4
look w "with --upgrade"
case "$over" in
*"can be imported"*"2 dist-info") ;;
*)
    echo "changed: --ignore-installed removes what only the old version had" >&2
    exit 1
    ;;
esac
