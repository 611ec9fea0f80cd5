"""Helpers: changed data, changed files, hooks, and what was done before."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Callable, List

import pytest
from charmhelpers.core import unitdata

from charms_reactive import (
    any_file_changed,
    clear_flag,
    data_changed,
    helpers,
    is_data_changed,
    only_once,
    when,
    when_file_changed,
)
from charms_reactive.helpers import mark_invoked, was_invoked

from .support import Framework, Unit


@pytest.mark.parametrize("data", [None, 0, "text \u00e9", [1, [2]], {"b": 1, "a": {"d": 1, "c": None}}])
def test_spec11_data_changed_once_per_change(framework: Framework, data: Any) -> None:
    assert is_data_changed("id", data)
    assert is_data_changed("id", data)
    assert data_changed("id", data)
    assert not data_changed("id", data)
    assert not is_data_changed("id", data)
    assert data_changed("other id", data)
    assert data_changed("id", [data, "more"])


def test_spec11_mappings_compare_by_content(framework: Framework) -> None:
    data_changed("id", {"a": 1, "b": {"c": 2, "d": 3}})
    assert not data_changed("id", {"b": {"d": 3, "c": 2}, "a": 1})


@pytest.mark.parametrize("hash_type", ["md5", "sha1", "sha256", "sha512", "blake2b"])
def test_spec11_compat_3_10_stored_hashes_keep_their_keys_and_form(
    framework: Framework, hash_type: str
) -> None:
    """Charms and their successors read the row: hash of the JSON with sorted keys."""
    data = {"b": "\u00e9", "a": [1, 2]}
    data_changed("layer.vault-kv.token", data, hash_type)
    expected = hashlib.new(hash_type, json.dumps(data, sort_keys=True).encode()).hexdigest()
    assert unitdata.kv().get("reactive.data_changed.layer.vault-kv.token") == expected


def test_spec11_a_row_removed_by_the_charm_is_a_change(framework: Framework) -> None:
    data_changed("id", 1)
    unitdata.kv().unsetrange(prefix="reactive.data_changed.")
    assert data_changed("id", 1)


@pytest.mark.parametrize("as_name", [str, Path, lambda path: lambda: path, lambda path: lambda: Path(path)])
def test_spec11_any_file_changed(framework: Framework, as_name: Callable[[str], Any]) -> None:
    names = [as_name("one"), as_name("two")]
    assert not any_file_changed(names)
    framework.write("two", "1")
    assert any_file_changed(names)
    assert not any_file_changed(names)
    framework.write("two", "2")
    assert any_file_changed(names)
    (framework.directory / "two").unlink()
    assert any_file_changed(names)
    assert not any_file_changed(names)


def test_spec11_any_file_changed_looks_at_all_files(framework: Framework) -> None:
    for name in ("one", "two"):
        framework.write(name, "1")
    assert any_file_changed(["one", "two"])
    assert not any_file_changed(["two"])


@pytest.mark.parametrize("hash_type", ["md5", "sha256"])
def test_spec11_compat_3_10_the_row_of_a_file(framework: Framework, hash_type: str) -> None:
    framework.write("one", "content")
    any_file_changed(["one"], hash_type=hash_type)
    expected = hashlib.new(hash_type, b"content").hexdigest()
    assert unitdata.kv().get("reactive.files_changed.one") == expected


def test_spec11_mark_invoked_lasts(framework: Framework) -> None:
    assert was_invoked("id") is False
    mark_invoked("id")
    assert was_invoked("id") is True
    assert unitdata.kv().get("reactive.invoked.id") is True
    assert not was_invoked("id2")


def test_spec11_old_names_are_reached_through_helpers(framework: Framework) -> None:
    helpers.toggle_state("a", "a config string")
    assert helpers.is_state("a")
    assert helpers.all_states("a")
    assert helpers.any_states("x", "a")


# -- SPEC 20, when_file_changed ----------------------------------------------------------------------


def _watching(framework: Framework, word: str, *above: Callable[..., Any]) -> None:
    def handler() -> None:
        framework.told.append(word)

    handler.__qualname__ = word
    handler._action_id = handler._short_action_id = word  # type: ignore[attr-defined]
    when_file_changed("file")(handler)
    for decorate in above:
        decorate(handler)


def test_spec20_when_file_changed_each_handler_hears_each_change_once(framework: Framework) -> None:
    for word in ("one", "two", "three"):
        _watching(framework, word)
    framework.write("file", "1")
    assert framework.dispatch() == ["one", "two", "three"]
    assert framework.dispatch() == []
    framework.write("file", "2")
    assert framework.dispatch() == ["one", "two", "three"]
    (framework.directory / "file").unlink()
    assert framework.dispatch() == ["one", "two", "three"]
    assert framework.dispatch() == []


def test_spec20_when_file_changed_with_when_above_it_fires(framework: Framework) -> None:
    _watching(framework, "one", when("a"))
    framework.write("file", "1")
    # The change waits for the flag, through hooks in which it is not set.
    assert framework.dispatch() == []
    assert framework.dispatch() == []
    assert framework.dispatch("a") == ["one"]
    assert framework.dispatch() == []
    clear_flag("a")
    framework.write("file", "2")
    assert framework.dispatch() == []
    assert framework.dispatch("a") == ["one"]


def test_spec20_when_file_changed_a_retest_does_not_drop_a_queued_one(framework: Framework) -> None:
    @when("a", "b")
    def clears() -> None:
        clear_flag("b")

    _watching(framework, "one", when("a"))
    framework.write("file", "1")
    assert framework.dispatch("a", "b") == ["one"]


@pytest.mark.parametrize("setting", ["trace", "info"])
def test_spec20_when_file_changed_whatever_the_tracer(
    framework: Framework, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("CHARMS_REACTIVE_LOG", setting)
    framework.write("file", "1")
    framework.write(
        "reactive/app.py",
        """\
        from charms.reactive import clear_flag, hook, set_flag, when, when_file_changed
        told = []

        @hook("update-status")
        def changes():
            set_flag("a"); set_flag("b"); clear_flag("b")

        @when("a")
        @when_file_changed("file")
        def hears():
            told.append("heard")
        """,
    )
    framework.main()
    assert sys.modules["reactive.app"].told == ["heard"]


def test_spec20_when_file_changed_a_failing_handler_hears_it_again(one_unit: Unit) -> None:
    one_unit.write("file", "1")
    one_unit.write(
        "reactive/app.py",
        "import os\nfrom charms.reactive import *\n@when_file_changed('file')\n"
        "def hears():\n    open('told', 'a').write('x')\n"
        "    if not os.path.exists('ok'): raise RuntimeError\n",
    )
    assert one_unit.run().status != 0
    one_unit.write("ok", "")
    assert one_unit.run().status == 0
    assert one_unit.run().status == 0
    assert (one_unit.directory / "told").read_text() == "xx"


def test_spec20_when_file_changed_a_change_made_by_the_handler_is_heard(framework: Framework) -> None:
    """It saw the file as it was when it was invoked, and what it writes comes after that."""

    @when_file_changed("file")
    def rewrites() -> None:
        framework.told.append("ran")
        if len(framework.told) < 3:
            framework.write("file", "written %d" % len(framework.told))

    framework.write("file", "1")
    assert framework.dispatch() == ["ran"] * 3
    assert framework.dispatch() == []


def test_spec20_when_file_changed_the_shared_row_is_still_written(framework: Framework) -> None:
    _watching(framework, "one")
    framework.write("file", "1")
    framework.dispatch()
    assert not any_file_changed(["file"])


def test_spec20_when_file_changed_starts_from_what_an_older_version_saw(framework: Framework) -> None:
    framework.write("file", "1")
    any_file_changed(["file"])  # the row that 1.5.x leaves
    _watching(framework, "one")
    _watching(framework, "two")
    assert framework.dispatch() == []
    framework.write("file", "2")
    assert framework.dispatch() == ["one", "two"]


def test_spec20_when_file_changed_by_a_function_and_another_hash(framework: Framework) -> None:
    @when_file_changed(lambda: Path("fi" + "le"), hash_type="sha256")
    def hears() -> None:
        framework.told.append("ran")

    framework.write("file", "1")
    assert framework.dispatch() == ["ran"]
    assert framework.dispatch() == []
    assert unitdata.kv().get("reactive.files_changed.file") == hashlib.sha256(b"1").hexdigest()


NAMESAKES = """\
from charms.reactive import only_once, when, when_file_changed

told = []

@when_file_changed("file")
def same():
    told.append("first")

@when("go")
@when_file_changed("file")
def same():
    told.append("second")

@only_once
def once():
    told.append("once first")

@when("go")
@only_once
def once():
    told.append("once second")
"""


def test_spec20_two_functions_of_one_name_are_told_apart(framework: Framework) -> None:
    framework.write("file", "1")
    framework.write("reactive/app.py", NAMESAKES)
    framework.discover()
    told: List[str] = sys.modules["reactive.app"].told
    framework.dispatch()
    assert told == ["first", "once first"]
    framework.dispatch("go")
    assert told == ["first", "once first", "second", "once second"]
    framework.dispatch()
    assert len(told) == 4


# -- SPEC 20, only_once ------------------------------------------------------------------------------

ONCE = "from charms.reactive import only_once\n@only_once\ndef once():\n    open('told', 'a').write('x')\n"


def test_spec20_only_once_survives_lines_above_it(one_unit: Unit) -> None:
    for lines in ("", "# one\n# two\n", ""):
        one_unit.write("reactive/app.py", lines + ONCE)
        assert one_unit.run().status == 0
    assert (one_unit.directory / "told").read_text() == "x"


def test_spec20_only_once_marks_of_an_older_version_count(one_unit: Unit) -> None:
    path = one_unit.write("reactive/app.py", ONCE)
    assert one_unit.command("mark_invoked", "%s:77:once" % path).status == 0
    assert one_unit.run().status == 0
    assert not (one_unit.directory / "told").exists()


@pytest.mark.parametrize(
    "mark", ["%s:77:other", "%s.bak:2:once", "x%s:2:once", "%s:2:onc", "%s:two:once", "once"]
)
def test_spec20_only_once_marks_of_others_do_not(one_unit: Unit, mark: str) -> None:
    path = one_unit.write("reactive/app.py", ONCE)
    one_unit.command("mark_invoked", mark.replace("%s", str(path)))
    assert one_unit.run().status == 0
    assert (one_unit.directory / "told").read_text() == "x"


def test_spec20_only_once_is_known_to_an_older_version(one_unit: Unit) -> None:
    path = one_unit.write("reactive/app.py", ONCE)
    one_unit.run()
    assert one_unit.rows("reactive.invoked.")["reactive.invoked.%s:2:once" % path] is True


def test_spec20_only_once_a_failed_hook_does_not_count(one_unit: Unit) -> None:
    one_unit.write("reactive/app.py", ONCE)
    failing = "from charms.reactive import *\n@when_not('x')\ndef fails(): raise RuntimeError\n"
    path = one_unit.write("reactive/zzz.py", failing)
    assert one_unit.run().status != 0
    path.unlink()
    assert one_unit.run().status == 0
    assert one_unit.run().status == 0
    assert (one_unit.directory / "told").read_text() == "xx"


@pytest.mark.parametrize("decorate", [only_once, only_once()])
def test_spec4_only_once_with_and_without_parentheses(framework: Framework, decorate: Any) -> None:
    @decorate
    def once() -> None:
        framework.told.append("ran")

    assert framework.dispatch() == ["ran"]
    assert framework.dispatch() == []
