#!/bin/sh
# One would guess: charmhelpers' templating.render writes what stands in the template; a file that ends with a line
#   end there ends with one on the unit, and a name that the context lacks is an error.
# What happens: Jinja2 takes the last line end away unless it is told otherwise, and charmhelpers does not tell it. A
#   name that is missing becomes nothing.
# Why it matters: cron does not take a table whose last line has no end, and `while read` in a shell does
#   not see the last line of a list. Two line ends at the end of the template help.
#
# Seen with charmhelpers 1.2.1, Jinja2 3.1.4, Python 3.11.7 (charmhelpers.core.host, which works on few systems and is
# only used for writing, is a stand-in here):
#   template: '* * * * * root /bin/{{ program }}{{ option }}\n'
#   rendered: '* * * * * root /bin/true'
#   `while read` sees 0 lines of it
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 Jinja2==3.1.4 MarkupSafe==3.0.2 setuptools==80.9.0
mkdir templates
printf '* * * * * root /bin/{{ program }}{{ option }}\n' >templates/job
echo "charmhelpers 1.2.1, Jinja2 3.1.4, $(v/bin/python -V)"
v/bin/python -W ignore - <<'EOF'
import sys
import types

import charmhelpers.core

charmhelpers.core.host = sys.modules["charmhelpers.core.host"] = types.ModuleType("charmhelpers.core.host")
from charmhelpers.core import templating

rendered = templating.render("job", None, {"program": "true"}, templates_dir="templates")
print("template:", repr(open("templates/job").read()))
print("rendered:", repr(rendered))
with open("rendered", "w") as job:
    job.write(rendered)
EOF
lines=0
while read -r _; do lines=$((lines + 1)); done <rendered
echo "\`while read\` sees $lines lines of it"
if [ "$lines" -ne 0 ]; then
    echo "changed: the rendered file keeps its last line end" >&2
    exit 1
fi
