#!/bin/sh
# One would guess: hookenv.config() saves itself when the hook has succeeded, wherever it was asked for first, so that
#   changed() tells the next hook what is new.
# What happens: it saves by a callback of hookenv.atexit. One that is added while these callbacks run is not called:
#   they run over a reversed list, and the list is emptied afterwards. (atstart does call those that are added late.)
# Why it matters: libraries that do their work at the end of a hook, for a status or a summary, ask for the
#   configuration there. In a hook where nobody asked before, changed() is True for ever.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7:
#   asked in the hook: changed True, saved True; next hook: changed False
#   asked at its end: changed True, saved False; next hook: changed True
#   added while they run: atstart ['first', 'late'], atexit ['first']
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
mkdir bin charm
printf '#!/bin/sh\necho "{\\"port\\": 80}"\n' >bin/config-get
chmod +x bin/config-get
PATH="$tmp/bin:$PATH" JUJU_CHARM_DIR="$tmp/charm" v/bin/python -W ignore - <<'EOF'
import os
import platform
import sys

from charmhelpers.core import hookenv

SAVED = os.path.join(hookenv.charm_dir(), hookenv.Config.CONFIG_FILE_NAME)


def hook(at_the_end):
    """Run what a hook framework runs; True if `port` counts as changed."""
    hookenv._cache_config = None
    said = []
    if at_the_end:
        hookenv.atexit(lambda: said.append(hookenv.config().changed("port")))
    else:
        said.append(hookenv.config().changed("port"))
    hookenv._run_atexit()
    return said[0]


print("charmhelpers 1.2.1, Python", platform.python_version())
nexts = {}
for at_the_end, words in ((False, "asked in the hook"), (True, "asked at its end")):
    first, saved = hook(at_the_end), os.path.exists(SAVED)
    nexts[at_the_end] = hook(at_the_end)
    print(f"{words}: changed {first}, saved {saved}; next hook: changed {nexts[at_the_end]}")
    if os.path.exists(SAVED):
        os.unlink(SAVED)
ran = {}
for name in ("atstart", "atexit"):
    add, ran[name] = getattr(hookenv, name), []

    def first(add=add, calls=ran[name]):
        calls.append("first")
        add(calls.append, "late")

    add(first)
    getattr(hookenv, "_run_" + name)()
print("added while they run: atstart {atstart}, atexit {atexit}".format(**ran))
if nexts != {False: False, True: True} or ran["atexit"] != ["first"]:
    sys.exit("changed: what is added while the callbacks of atexit run is called, or config() saves otherwise")
EOF
