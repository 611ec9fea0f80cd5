#!/bin/sh
# One would guess: after an upgrade to a charm without the option "port", hookenv.config("port") is None.
# What happens: what was saved by the last hook is copied into the new configuration where a key is missing, and saved
#   again: the option stays, with its last value, for the life of the unit, and never counts as changed.
# Why it matters: code such as `if config("old-option"): ...` for the upgrade goes on taking the old branch, and units
#   that were upgraded act otherwise than units that were added later.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7:
#   old charm: {'colour': 'red', 'port': 80}
#   new charm, first hook: {'colour': 'red', 'port': 80} changed: False
#   new charm, second hook: {'colour': 'red', 'port': 80} changed: False
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
mkdir bin charm
printf '#!/bin/sh\ncat "%s/config.json"\n' "$tmp" >bin/config-get
chmod +x bin/config-get
export PATH="$tmp/bin:$PATH" JUJU_CHARM_DIR="$tmp/charm" PYTHONWARNINGS=ignore
cat >hook.py <<'EOF'
from charmhelpers.core import hookenv

config = hookenv.config()
print(dict(sorted(config.items())), "changed:", config.changed("port"))
hookenv._run_atexit()
EOF
echo "charmhelpers 1.2.1, $(v/bin/python -V)"
echo '{"colour": "red", "port": 80}' >config.json
echo "old charm: $(v/bin/python hook.py)"
echo '{"colour": "red"}' >config.json
echo "new charm, first hook: $(v/bin/python hook.py)"
second=$(v/bin/python hook.py)
echo "new charm, second hook: $second"
case "$second" in
*"'port': 80"*False) ;;
*)
    echo "changed: config() forgets an option that config-get no longer has" >&2
    exit 1
    ;;
esac
