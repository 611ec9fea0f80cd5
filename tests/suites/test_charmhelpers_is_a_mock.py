"""charmhelpers replaced by mocks before ``charms.reactive`` is imported, as tests of OpenStack charms do it.

A suite that passed on 1.5.3 passes: what the mocks return is what it gets.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.long]

#: How suites put mocks there: one for all, or one for each module.
ONE_FOR_ALL = """\
    import sys
    from unittest import mock

    charmhelpers = mock.MagicMock()
    sys.modules["charmhelpers"] = charmhelpers
    for name in {names!r}:
        found = charmhelpers
        for part in name.split("."):
            found = getattr(found, part)
        sys.modules["charmhelpers." + name] = found
    """
ONE_EACH = """\
    import sys
    from unittest import mock

    for name in {names!r}:
        sys.modules["charmhelpers." + name] = mock.MagicMock(name=name)
    sys.modules["charmhelpers"] = mock.MagicMock()
    sys.modules["charmhelpers.core"].hookenv = sys.modules["charmhelpers.core.hookenv"]
    sys.modules["charmhelpers.core"].unitdata = sys.modules["charmhelpers.core.unitdata"]
    charmhelpers = sys.modules["charmhelpers"]
    """
ALL = ("core", "core.hookenv", "core.unitdata", "core.host", "core.templating", "cli")
WAYS = {"one": ONE_FOR_ALL, "each": ONE_EACH}


def put(way: str, *without: str) -> str:
    return WAYS[way].format(names=tuple(name for name in ALL if name not in without))


@pytest.mark.parametrize("way", WAYS)
def test_with_a_mocked_command_line_the_flag_functions_are_mocks(
    suite: Any, engine_name: str, way: str
) -> None:
    suite.write(
        {
            "tests/__init__.py": put(way),
            "tests/test_shop.py": """\
                import pytest
                from unittest import mock

                from charms import reactive
                from charms.reactive import flags, helpers, relations

                FUNCTIONS = (
                    "set_flag clear_flag toggle_flag register_trigger is_flag_set all_flags_set "
                    "any_flags_set get_flags get_unset_flags set_state remove_state is_state all_states "
                    "any_states get_states"
                ).split()

                @pytest.mark.parametrize("name", FUNCTIONS)
                def test_a_mock(name):
                    assert isinstance(getattr(flags, name), mock.MagicMock)

                def test_what_suites_say_of_them():
                    reactive.set_flag("a.b")
                    reactive.set_flag.assert_called_with("a.b")
                    assert reactive.all_flags_set("c.d", "e.f")
                    assert reactive.is_flag_set("g")

                def test_the_others():
                    assert isinstance(helpers.any_hook, mock.MagicMock)
                    assert isinstance(relations.relation_call, mock.MagicMock)
                    assert isinstance(reactive.data_changed, type(lambda: None))

                def test_decorators_give_the_function_back():
                    def function():
                        return 7

                    assert reactive.when("x")(reactive.when_not("y")(function)) is function
                    assert reactive.hook("install")(function) is function
                    assert function() == 7
                """,
        }
    )
    result = suite.run(CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"passed": 18}, result


#: What is asked of a unit state that is no SQLite, and what it answers is handed on.
STORE = """\
    import pytest
    from unittest import mock

    from charms import reactive
    from charms.reactive import bus, flags, helpers
    from charmhelpers.core import unitdata

    class Store(dict):
        def get(self, key, default=None, record=False):
            return super().get(key, default)

        def set(self, key, value):
            self[key] = value
            return value

        def unset(self, key):
            self.pop(key, None)

        def update(self, mapping, prefix=""):
            for key, value in mapping.items():
                self[prefix + key] = value

        def getrange(self, prefix, strip=False):
            cut = len(prefix) if strip else 0
            return {key[cut:]: value for key, value in self.items() if key.startswith(prefix)}

        def unsetrange(self, keys=None, prefix=""):
            for key in [key for key in self if key.startswith(prefix)]:
                del self[key]

        def flush(self, save=True):
            pass

    @pytest.fixture
    def store():
        store = Store()
        with mock.patch.object(unitdata, "kv", return_value=store):
            yield store
    """


@pytest.mark.parametrize("mocked", [True, False], ids=["mocks", "real"])
def test_a_store_of_the_suites_own(suite: Any, engine_name: str, mocked: bool) -> None:
    suite.write(
        {
            "tests/__init__.py": put("one", "cli") if mocked else "",
            "tests/test_shop.py": STORE
            + """\

    def test_flags(store):
        assert not reactive.is_flag_set("a")
        reactive.set_flag("a")
        reactive.set_state("b", {"x": 1})
        assert store == {"reactive.states.a": None, "reactive.states.b": {"x": 1}}
        assert reactive.is_flag_set("a") and reactive.all_flags_set("a", "b")
        assert reactive.any_flags_set("z", "b") and not reactive.all_flags_set("a", "z")
        assert reactive.get_flags() == ["a", "b"]
        assert reactive.get_unset_flags("z", "a", "y") == ["y", "z"]
        assert reactive.get_states() == {"a": None, "b": {"x": 1}}
        assert bus.get_state("b") == {"x": 1}
        reactive.clear_flag("a")
        assert reactive.get_flags() == ["b"]

    def test_what_others_write_is_seen(store):
        store["reactive.states.given"] = None
        assert reactive.is_flag_set("given")
        del store["reactive.states.given"]
        assert not reactive.is_flag_set("given")

    def test_triggers(store):
        called = []
        reactive.register_trigger(when="a", set_flag="b")
        reactive.register_trigger(when="a", clear_flag="c")
        reactive.register_trigger(when="b", callback=lambda: called.append("b"))
        reactive.set_flag("c")
        reactive.set_flag("a")
        assert reactive.get_flags() == ["a", "b"]
        assert called == ["b"]

    def test_data(store):
        assert reactive.data_changed("x", {"a": 1})
        assert not reactive.data_changed("x", {"a": 1})
        assert reactive.is_data_changed("x", {"a": 2})
        helpers.mark_invoked("once")
        assert store["reactive.invoked.once"] is True and helpers.was_invoked("once")

    def test_afterwards_there_is_another(store):
        assert reactive.get_flags() == []
    """,
        }
    )
    result = suite.run(CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"passed": 5}, result


def test_a_store_that_is_a_mock_gives_what_it_is_told(suite: Any, engine_name: str) -> None:
    suite.write(
        {
            "tests/__init__.py": put("each", "cli"),
            "tests/test_shop.py": """\
                from unittest import mock

                from charms import reactive
                from charms.reactive import bus
                from charmhelpers.core import unitdata

                kv = unitdata.kv.return_value

                def test_nothing_is_set():
                    assert not reactive.is_flag_set("a")
                    assert reactive.get_flags() == []

                def test_a_flag_goes_to_the_store():
                    kv.reset_mock()
                    reactive.set_flag("a")
                    kv.update.assert_called_once_with({"a": None}, prefix="reactive.states.")
                    reactive.clear_flag("a")
                    kv.unset.assert_called_with("reactive.states.a")

                def test_an_answer_is_the_callers():
                    kv.get.return_value = value = object()
                    assert bus.get_state("x") is value
                    kv.get.assert_called_with("reactive.states.x", None)
                    kv.getrange.return_value = {"b": 1, "a": 2}
                    assert reactive.get_flags() == ["a", "b"]
                    assert reactive.get_states() is kv.getrange.return_value
                    kv.getrange.assert_called_with("reactive.states.", strip=True)

                def test_data_changed():
                    kv.get.return_value = "another hash"
                    kv.set.reset_mock()
                    assert reactive.data_changed("x", "y")
                    (key, hashed), _ = kv.set.call_args
                    assert key == "reactive.data_changed.x" and len(hashed) == 32
                    kv.get.return_value = hashed
                    assert not reactive.data_changed("x", "y")

                def test_flags_that_are_mocks():
                    flag = mock.MagicMock()
                    reactive.set_flag(flag)
                    assert not reactive.is_flag_set(flag)
                    reactive.when(flag)(reactive.hook(mock.MagicMock())(lambda: None))

                def test_nothing_else_is_asked_of_it():
                    used = {call[0].partition(".")[0].rstrip("()") for call in kv.mock_calls}
                    assert used <= {"get", "set", "getrange", "unset", "unsetrange", "update", "flush"}, used
                """,
        }
    )
    result = suite.run(CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"passed": 6}, result


def test_mocks_of_other_layers_are_no_affair_of_ours(suite: Any, engine_name: str) -> None:
    """``charms.layer`` exists in built charms only, and suites put a mock there before they import us."""
    suite.write(
        {
            "tests/__init__.py": """\
                import sys
                from unittest import mock

                for name in ("charms.layer", "charms.leadership", "charms.apt", "charms.coordinator"):
                    sys.modules[name] = mock.MagicMock()
                """,
            "tests/test_shop.py": """\
                import sys

                before = dict(sys.modules), list(sys.meta_path)

                import charms.layer
                from charms import reactive
                from charms.reactive.flags import set_flag


                def test_who_is_who():
                    import charms_reactive

                    assert reactive is charms_reactive is sys.modules["charms.reactive"]
                    assert set_flag is reactive.set_flag
                    assert reactive.flags is sys.modules["charms.reactive.flags"]
                    assert sys.modules["charms.layer"] is before[0]["charms.layer"]


                def test_flags_work(tmp_path, monkeypatch):
                    from charmhelpers.core import unitdata

                    monkeypatch.setenv("UNIT_STATE_DB", str(tmp_path / "state"))
                    set_flag("a")
                    assert reactive.get_flags() == ["a"]
                    unitdata.kv().close()
                    unitdata._KV = None
                """,
        }
    )
    result = suite.run(CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"passed": 2}, result


def test_a_failure_names_what_stands_in_the_way(suite: Any, engine_name: str) -> None:
    suite.write(
        {
            "tests/__init__.py": put("each", "cli"),
            "tests/test_shop.py": """\
                from charmhelpers.core import unitdata
                from charms.reactive import is_flag_set

                def test_flag():
                    unitdata.kv.return_value.getrange.return_value = 7
                    assert is_flag_set("x")

                def test_of_another_kind():
                    assert 1 == 2
                """,
        }
    )
    result = suite.run(CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"failed": 2}, result
    assert "getrange('reactive.states.', strip=True) gives a int and no mapping" in result.said
    assert result.output.count("- stand-ins -") == 1
    assert "charmhelpers.core.unitdata is a unittest.mock.MagicMock" in result.output
