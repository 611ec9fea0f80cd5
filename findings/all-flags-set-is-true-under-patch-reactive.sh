#!/bin/sh
# One would guess: under charms.unit_test's patch_reactive() flags work: set_flag, clear_flag and is_flag_set do, so
#   all_flags_set and any_flags_set do, too, and each decorator leaves its function alone.
# What happens: only those that it names have an effect. all_flags_set, any_flags_set and data_changed are mocks,
#   whose answer is true whatever the flags are; @not_unless, @when_file_changed and @collect_metrics put a mock in
#   the place of the function, so that a test that calls the handler runs nothing and passes.
# Why it matters: such a suite is green for a handler that cannot even be run.
#
# Seen with charms.unit_test 1.1.2, Python 3.11.7:
#   no flag is set: is_flag_set False, all_flags_set True, any_flags_set True, data_changed True
#   @when: handler runs; @when_not: handler runs; @hook: handler runs
#   @not_unless: nothing runs; @when_file_changed: nothing runs; @collect_metrics: nothing runs
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q charms.unit_test==1.1.2 pytest==8.3.4
v/bin/python - <<'EOF'
import platform
import sys

from charms.unit_test import patch_reactive

reactive = patch_reactive()
print("charms.unit_test 1.1.2, Python", platform.python_version())
answers = {
    name: bool(getattr(reactive, name)("ready", 1))
    for name in ("all_flags_set", "any_flags_set", "data_changed")
}
said = ", ".join(f"{name} {answer}" for name, answer in answers.items())
print(f"no flag is set: is_flag_set {reactive.is_flag_set('ready')}, {said}")


def runs(decorator):
    ran = []
    getattr(reactive, decorator)("ready")(lambda: ran.append(1))()
    return bool(ran)


silent = 0
for row in (("when", "when_not", "hook"), ("not_unless", "when_file_changed", "collect_metrics")):
    ran = [runs(name) for name in row]
    silent += ran.count(False)
    print("; ".join(f"@{name}: {'handler' if did else 'nothing'} runs" for name, did in zip(row, ran)))
if not answers["all_flags_set"] or silent != 3:
    sys.exit("changed: patch_reactive gives all_flags_set or the rarer decorators an effect")
EOF
