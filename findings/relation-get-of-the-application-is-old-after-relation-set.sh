#!/bin/sh
# One would guess: after hookenv.relation_set(..., app=True) the leader's relation_get(app=...) shows what it has set,
#   as relation_get of the unit's own settings does after a plain relation_set.
# What happens: relation_set drops those cached answers whose arguments have the unit's name ("app/0") in them. A
#   question about the application ("app") has not, and its old answer stays until the hook ends.
# Why it matters: read, change, write, and a second handler that reads, changes and writes again in one hook: the
#   second one writes back the old value. hookenv.flush("relation_get") between the two helps.
#
# Seen with charmhelpers 1.2.1, Python 3.11.7 (hook tools that keep the settings in files):
#   unit: old, set to new, read as new
#   application: old, set to new, read as old
#   application after hookenv.flush("relation_get"): new
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
mkdir bin bags
echo old | tee bags/unit >bags/app
cat >bin/relation-get <<'EOF'
#!/bin/sh
case " $* " in *" --app "*) bag=app ;; *) bag=unit ;; esac
echo "\"$(cat "$BAGS/$bag")\""
EOF
cat >bin/relation-set <<'EOF'
#!/bin/sh
case " $* " in
*" --help "*) exit 0 ;;
*" --app "*) bag=app ;;
*) bag=unit ;;
esac
for last; do :; done
echo "${last#*=}" >"$BAGS/$bag"
EOF
chmod +x bin/*
PATH="$tmp/bin:$PATH" BAGS="$tmp/bags" JUJU_UNIT_NAME=app/0 v/bin/python -W ignore - <<'EOF'
import platform
import sys

from charmhelpers.core import hookenv

print("charmhelpers 1.2.1, Python", platform.python_version())
seen = {}
for owner, asked in (("unit", {"unit": "app/0"}), ("application", {"app": "app"})):
    old = hookenv.relation_get("value", rid="db:1", **asked)
    hookenv.relation_set("db:1", app=owner == "application", value="new")
    seen[owner] = hookenv.relation_get("value", rid="db:1", **asked)
    print(f"{owner}: {old}, set to new, read as {seen[owner]}")
hookenv.flush("relation_get")
print('application after hookenv.flush("relation_get"):', hookenv.relation_get("value", rid="db:1", app="app"))
if seen != {"unit": "new", "application": "old"}:
    sys.exit("changed: relation_set(app=True) drops the cached answer, or a plain one does not any more")
EOF
