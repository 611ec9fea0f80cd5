"""What the text of a script shows: whether it declares handlers, and whether that can differ."""

from __future__ import annotations

import time
from pathlib import Path
from typing import List

import pytest

from charms_reactive._shell.declaring import examine
from framework.support import Charm

HEAD = "#!/bin/bash\nsource charms.reactive.sh\n"
TAIL = "\n@when a\nf() { :; }\nreactive_handler_main\n"

SETTLED = [
    "",
    "# words; if x; then\n\n   # more",
    "set -eux -o pipefail",
    "set +e",
    "shopt -s nullglob extglob",
    "umask 022",
    "export LANG=C.UTF-8",
    "readonly NAME='with $ and `'",
    "name=value  # why",
    'name="$CHARM_DIR/x"\nother=${name}/y',
    "PATH=$PATH:/opt/bin",
    "source charms.reactive.sh",
    ". /usr/local/sbin/charms.reactive.sh",
    'source "charms.reactive.sh"',
    "source $(which charms.reactive.sh)",
    "source `which charms.reactive.sh`",
    'source "$CHARM_DIR/lib/settled.sh"',
    "source ./lib/settled.sh",
    ". lib/settled.sh",
    "@when 'a b' \"c\" d.e-f_g:h {i,j} '$k' '*'",
    "@when a \\\n  b \\\n  c",
    "    @hook '{requires:db}-relation-{joined,changed}'  # why",
    "@only_once",
    "f() {\n  if x; then\n    y\n  fi\n}",
    "f() {\n  for x in *; do y; done\n}  # f",
    "f()\n{\n  x\n}",
    "f()\n# words\n\n{\n  x\n}",
    "function f\n{\n  x\n}",
    "f() { x; }",
    "f() ( x )",
    "f() { x; }  # f",
    "f() { { x; }; y; }",
    "f() { echo \"}\" '}' \\} ${x} ${x:-}} {a,b}; }",
    'f() { echo "$(x "y")"; }',
    "f() ( x; (y); $(z) )",
    "f() { x # }\n  y\n}",
    "f() (\n  x\n)",
    "  f() {\n    x\n  }",
    "function install_nagios-nagflux() {\n\tx\n}",
    "f() {\n  cat <<EOF\n  g() {\nEOF\n}",
    "reactive_handler_main\nif anything; then\n@when $x\nfi",
]

UNSETTLED = [
    "x",
    "x=$(y)",
    "x=`y`",
    "x=(1 2)",
    "x='\n@when a\n'",
    "x=$UNKNOWN",
    "echo x >y",
    "[[ -e x ]] || exit 1",
    "if x; then",
    "for x in y; do",
    "while x; do",
    "case x in",
    "{",
    "(",
    "cat <<EOF\n@when a\nEOF",
    "set -- x",
    "set -e; x",
    "exit",
    "eval x",
    "trap x EXIT",
    "source lib/missing.sh",
    "source lib",
    "source lib/unsettled.sh",
    "source other.sh",
    'source "$UNKNOWN/lib/settled.sh"',
    "source ~/x.sh",
    "source <(x)",
    "@when $a",
    '@when "$a"',
    '@when "`a`"',
    "@when a*",
    "@when ~",
    "@when a; x",
    "@when a && x",
    "x && @when a",
    "@when 'a\nb'",
    "@unknown a",
    "f() {\n  x\n  }\nif y; then\n@when b\nfi\n}",  # where it really ends is not to be seen
    "f() {\n  @when b\n}",
    "f() {\n  x\n  }\nexit\ng() {\n  y\n}",
    "f() if x; then y; fi",
    "f() {",
    # What follows on the line of a function may be a declaration under a condition.
    "f() { x; }; [[ -e y ]] && @when b\ng() { z; }",
    "f() { x; }; if y; then @when b; fi\ng() { z; }",
    "f() { x; } && @when b\ng() { z; }",
    "f() { x; }; [[ -e y ]] && { @when b; }",
    "f() { x; }; g() { y; }; [[ -e z ]] && { @when b; }",
    "f() ( x ); [[ -e y ]] && ( @when b )",
    "f() { { x; } }; y && { @when b; }",
    "f() { x; }; y",
    "f() { x; } >y",
    "f() {\n  x\n}; [[ -e y ]] && @when b\n  g() {\n    z\n  }\n}",
    "f() {\n  x\n}; y",
    "f() (\n  x\n); y",
    "f() { case x in a) y ;; esac; }; z && { @when b; }",
    "f() { x; # }\n@when b",
]


@pytest.fixture
def charm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Charm:
    """A charm directory, in which hooks run."""
    it = Charm(tmp_path / "charm")
    for variable in ("CHARM_DIR", "JUJU_CHARM_DIR"):
        monkeypatch.setenv(variable, str(it.directory))
    monkeypatch.chdir(it.directory)
    return it


@pytest.fixture
def library(charm: Charm) -> None:
    charm.write("lib/settled.sh", "x=1\ng() {\n    y\n}\n")
    charm.write("lib/unsettled.sh", "if y; then :; fi\n")


def _settled(charm: Charm, text: str) -> bool:
    path = charm.directory / "reactive" / "foo.sh"
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + text + TAIL)
    found = examine(str(path))
    assert found is not None
    assert found.declares
    return found.settled


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("text", SETTLED)
def test_settled(charm: Charm, text: str) -> None:
    assert _settled(charm, text)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("text", UNSETTLED)
def test_unsettled(charm: Charm, text: str) -> None:
    assert not _settled(charm, text)


def test_files_are_those_that_are_sourced_at_any_depth(charm: Charm) -> None:
    charm.write("lib/a.sh", "source lib/b.sh\nsource lib/a.sh\n")
    charm.write("lib/b.sh", "x=1\n")
    path = charm.write("reactive/foo.sh", HEAD + "source lib/a.sh" + TAIL)
    found = examine(str(path))
    assert found is not None
    assert found.settled
    names: List[str] = [file.replace("%s/" % charm.directory, "") for file in found.files]
    assert names == ["reactive/foo.sh", "lib/a.sh", "lib/b.sh"]


@pytest.mark.parametrize(
    ("text", "declares"),
    [
        (HEAD + TAIL, True),
        ("#!/usr/bin/env bash\n@when a\n", True),
        ("#! /bin/bash -e\n  reactive_handler_main\n", True),
        (HEAD + "set_flag a\n", False),
        ("#!/bin/bash\n# @when a\necho reactive_handler_main\n", False),
    ],
)
def test_whether_it_is_about_handlers(charm: Charm, text: str, declares: bool) -> None:
    found = examine(str(charm.write("reactive/foo.sh", text)))
    assert found is not None
    assert found.declares == declares


@pytest.mark.parametrize("text", ["#!/bin/sh\n" + TAIL, "#!/usr/bin/python3\n", "bash\n", "", "\0\1\2"])
def test_other_files_are_not_looked_into(charm: Charm, text: str) -> None:
    assert examine(str(charm.write("reactive/foo.sh", text))) is None


def test_bytes_that_are_not_utf_8(charm: Charm) -> None:
    path = charm.write("reactive/foo.sh", "")
    path.write_bytes(HEAD.encode() + b"# \xff\xe9\n@when a\nf() { echo '\xe9'; }\nreactive_handler_main\n")
    found = examine(str(path))
    assert found is not None
    assert found.settled


@pytest.mark.parametrize(
    "line",
    [
        "@when " + "a" * 5000 + "$",
        "@when" + " 'a'" * 2000 + " $",
        "x=" + "$aaaaaaaa" * 500 + "(",
        'x="' + "${a}b" * 1000 + "`",
        "set" + " -e" * 2000 + " $",
        "f" * 5000 + " ( ) ( {",
    ],
)
def test_long_lines_take_no_longer_than_their_length(charm: Charm, line: str) -> None:
    began = time.process_time()
    assert not _settled(charm, line)
    assert time.process_time() - began < 1
