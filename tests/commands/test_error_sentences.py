"""What the command says, in a sentence: an answer that cannot be printed, a template that fails, misuse."""

from __future__ import annotations

import subprocess
from typing import List

import pytest

from .support import Unit

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    "words", ["get_flags", "-j get_flags", "-y get_flags", "-p get_flags", "-c get_flags", "get_states"]
)
def test_an_answer_that_cannot_be_printed(unit: Unit, words: str) -> None:
    unit.set("a")
    line = "'%s' %s >/dev/full" % (unit.path, words)
    done = subprocess.run(["bash", "-c", line], env=unit.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "cannot print the answer: No space left on device" in done.stderr


TEMPLATES = {
    "a\n{{ b }": "template t:2: unexpected '}'",
    '{% include "nope" %}': "there is no template nope below {}/templates (asked for by t)",
    "a\n{{ 1/0 }}": "template t:2: ZeroDivisionError: division by zero",
    "{{ x.y.z }}": "template t:1: 'x' is undefined",
    "{{ x|nofilter }}": "template t:1: No filter named 'nofilter'.",
    "\n{% include 'bad' %}": "template bad:3: ZeroDivisionError: division by zero",
    "100%d {{ 'x' % (1, 2) }}": "template t:1: TypeError: not all arguments converted during string format"
    "ting",
}


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_template_that_fails(unit: Unit, text: str) -> None:
    templates = unit.directory / "templates"
    templates.mkdir()
    (templates / "t").write_text(text)
    (templates / "bad").write_text("\n\n{{ 1/0 }}")
    done = unit.run("render_template", "t", "out")
    wanted = TEMPLATES[text].replace("{}", str(unit.directory))
    assert done == (2, "", "charms.reactive render_template: %s\n" % wanted)
    assert not (unit.directory / "out").exists()


def test_a_template_in_another_encoding_and_one_that_is_not_there(unit: Unit) -> None:
    (unit.directory / "templates").mkdir()
    (unit.directory / "templates/t").write_bytes(b"caf\xe9")
    done = unit.run("render_template", "t", "out")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "template t: UnicodeDecodeError: " in done.err
    done = unit.run("render_template", "100%d", "out")
    wanted = "there is no template 100%%d below %s/templates" % unit.directory
    assert done == (2, "", "charms.reactive render_template: %s\n" % wanted)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ["explain", "configure"],
            "there is no file configure: the record of a hook comes first, and then handlers",
        ),
        (["-j", "explain", "x"], "explain prints no answer in a format: leave out -j; its own options"),
        (
            ["--format", "yaml", "simulate", ".", "install"],
            "simulate prints no answer in a format: leave out --format yaml",
        ),
    ],
)
def test_commands_for_the_desk_that_are_misused(unit: Unit, words: List[str], reason: str) -> None:
    done = unit.run(*words)
    assert (done.status, done.out) == (2, "")
    assert reason in done.err
    assert "Traceback" not in done.err


def test_a_template_is_written_through_no_link(unit: Unit) -> None:
    """The unfinished file has a name that nobody can have put there; a link at the target is replaced."""
    (unit.directory / "templates").mkdir()
    (unit.directory / "templates/t").write_text("new")
    victim = unit.directory / "victim"
    victim.write_text("precious")
    target = unit.directory / "out"
    target.symlink_to(victim)
    # Every name that the command has used before, by the number of a process.
    for number in range(1, 40000):
        (unit.directory / ("out.%d.tmp" % number)).symlink_to(victim)
    assert unit.run("render_template", "t", "out") == (0, "", "")
    assert victim.read_text() == "precious"
    assert (target.is_symlink(), target.read_text(), target.stat().st_mode & 0o777) == (False, "new", 0o444)
    left = [path.name for path in unit.directory.iterdir() if path.name.startswith(".out.")]
    assert left == []
