"""Where handlers in bash look for commands and modules: never in whatever directory they happen to be in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest

from framework.support import BASH_HELPER, Unit

SHOW = 'set -eu; source "$HELPER"; printf "%s\\n" "$PATH" "${PYTHONPATH-unset}"'


def paths(
    directory: Path, variables: Dict[str, str], search: Optional[str] = "/usr/bin:/bin"
) -> Tuple[str, str]:
    environment = {"HELPER": str(BASH_HELPER), **variables}
    if search is not None:
        environment["PATH"] = search
    done = subprocess.run(
        ["/bin/bash", "-c", SHOW],
        cwd=str(directory),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    return first, second


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "/charm/lib"),
        ("", "/charm/lib"),
        (":", "/charm/lib"),
        ("/a", "/a:/charm/lib"),
        ("/a:/b c", "/a:/b c:/charm/lib"),
        (":/a", "/a:/charm/lib"),
        ("/charm/lib:", "/charm/lib:/charm/lib"),  # as layer:basic's charm-env leaves it
        ("::/a:::/b::", "/a:/b:/charm/lib"),
    ],
)
def test_no_element_is_empty(tmp_path: Path, before: Optional[str], after: str) -> None:
    variables = {"CHARM_DIR": "/charm"}
    if before is not None:
        variables["PYTHONPATH"] = before
    assert paths(tmp_path, variables) == ("/usr/bin:/bin:/charm/bin", after)
    if before:
        search, _ = paths(tmp_path, {"JUJU_CHARM_DIR": "/charm"}, before)
        assert search == after.replace("/charm/lib", "/charm/bin") if "/charm" not in before else True


@pytest.mark.parametrize("search", ["/usr/bin:", ":/usr/bin", "/usr/bin::/bin"])
def test_nor_is_one_of_the_commands(tmp_path: Path, search: str) -> None:
    found, _ = paths(tmp_path, {"CHARM_DIR": "/charm"}, search)
    assert found.split(":") == [element for element in search.split(":") if element] + ["/charm/bin"]


def test_without_a_charm_nothing_is_added(tmp_path: Path) -> None:
    assert paths(tmp_path, {}) == ("/usr/bin:/bin", "unset")


def test_by_hand_in_the_directory_of_a_charm(tmp_path: Path) -> None:
    (tmp_path / "metadata.yaml").write_text("name: app\n")
    assert paths(tmp_path, {}) == ("/usr/bin:/bin:%s/bin" % tmp_path, "%s/lib" % tmp_path)


def test_a_relative_charm_directory_is_one_from_here(tmp_path: Path) -> None:
    (tmp_path / "charm").mkdir()
    search, modules = paths(tmp_path, {"CHARM_DIR": "charm"})
    assert (search, modules) == ("/usr/bin:/bin:%s/charm/bin" % tmp_path, "%s/charm/lib" % tmp_path)


@pytest.mark.long
def test_a_handler_takes_no_module_from_where_it_is(one_unit: Unit, tmp_path: Path) -> None:
    """Whoever may write into that directory would run code as root."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("charmhelpers", "json"):
        (elsewhere / (name + ".py")).write_text("raise SystemExit('taken over')\n")
    (elsewhere / "tool").write_text("#!/bin/sh\necho 'taken over'\n")
    (elsewhere / "tool").chmod(0o755)
    (one_unit.directory / "bin").mkdir()
    program = one_unit.write(
        "bin/ask", "#!%s\nimport sys, json\nprint(sys.path)\n" % sys.executable, executable=True
    )
    one_unit.write(
        "reactive/app.sh",
        "#!/bin/bash\nsource charms.reactive.sh\n\n@hook update-status\nfunction f() {\n"
        "    cd '%s'\n    ask\n    charms.reactive get_states\n    tool || true\n}\n\nreactive_handler_main\n"
        % elsewhere,
        executable=True,
    )
    variables: Dict[str, Optional[str]] = {
        "PYTHONPATH": one_unit.env["PYTHONPATH"] + ":",
        "PATH": one_unit.env["PATH"] + ":",
    }
    done = one_unit.run(env=variables)
    assert done.status == 0, done.stderr
    assert "taken over" not in done.stdout + done.stderr
    seen: List[str] = eval(done.stdout.splitlines()[0])
    assert str(elsewhere) not in seen
    assert "" not in seen[1:]
    assert os.path.dirname(str(program)) == seen[0]
