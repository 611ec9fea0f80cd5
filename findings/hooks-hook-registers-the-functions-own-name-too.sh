#!/bin/sh
# One would guess: @hooks.hook("config-changed") makes the function below it the handler of config-changed, and its
#   own name counts only where the decorator has no arguments.
# What happens: the own name is registered as well, with "_" and with "-": the function's name is a hook.
# Why it matters: a function that is called update_status, start or stop runs in that hook, too, and takes the place
#   of a handler that was registered for it further up, without a word.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7:
#   registered: ['check', 'config-changed', 'update-status', 'update_status']
#   update-status runs: ['the one of config-changed']
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

from charmhelpers.core import hookenv

print("charmhelpers 1.2.1, Python", platform.python_version())
hooks, ran = hookenv.Hooks(), []


@hooks.hook("update-status")
def check():
    ran.append("the one of update-status")


@hooks.hook("config-changed")
def update_status():
    ran.append("the one of config-changed")


print("registered:", sorted(hooks._hooks))
hooks.execute(["hooks/update-status"])
print("update-status runs:", ran)
if ran != ["the one of config-changed"]:
    sys.exit("changed: the decorator's names are the only ones now")
EOF
