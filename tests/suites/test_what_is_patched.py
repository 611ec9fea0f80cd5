"""``mock.patch`` of what charms' suites patch: in charmhelpers, and names of ``charms.reactive``."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.long]


def test_functions_of_hookenv(suite: Any, engine_name: str) -> None:
    """There is one source for each fact: hookenv's function, whoever stands in for it."""
    suite.write(
        {
            "tests/test_shop.py": """\
                from unittest import mock

                import pytest
                from charmhelpers.core import hookenv

                from charms import reactive
                from charms.reactive import bus, helpers

                @pytest.fixture(autouse=True)
                def unit(tmp_path, monkeypatch):
                    from charmhelpers.core import unitdata

                    monkeypatch.setenv("UNIT_STATE_DB", str(tmp_path / "state"))
                    monkeypatch.setenv("CHARM_DIR", str(tmp_path))
                    monkeypatch.setattr(unitdata, "_KV", None)
                    bus.Handler.clear()
                    yield
                    if unitdata._KV is not None:
                        unitdata._KV.close()

                def test_hook_name(monkeypatch):
                    ran = []
                    for name in ("install", "stop"):
                        reactive.hook(name)(lambda name=name: ran.append(name))
                    with mock.patch("charmhelpers.core.hookenv.hook_name", return_value="install"):
                        assert helpers.any_hook("start", "install")
                        assert not helpers.any_hook("stop")
                    with mock.patch.object(hookenv, "hook_name") as hook_name:
                        hook_name.return_value = "db-relation-changed"
                        assert helpers.any_hook("db-relation-{joined,changed}")
                        hook_name.return_value = "stop"
                        assert helpers.any_hook("stop")

                @pytest.mark.parametrize("name", ["install", "collect-metrics", "meter-status-changed"])
                def test_dispatch(name):
                    ran = []

                    @reactive.hook("install")
                    def install():
                        ran.append("install")

                    @reactive.collect_metrics()
                    def metrics():
                        ran.append("collect-metrics")

                    @reactive.meter_status_changed()
                    def meter():
                        ran.append("meter-status-changed")

                    with mock.patch("charmhelpers.core.hookenv.hook_name", return_value=name):
                        restricted = name != "install"
                        bus.dispatch(restricted=restricted)
                    assert ran == [name]

                def test_log():
                    nothing = mock.patch.object(
                        hookenv, "relation_to_role_and_interface", return_value=(None, None)
                    )
                    with nothing, mock.patch("charmhelpers.core.hookenv.log") as log:
                        assert reactive.relations.relation_factory("db") is None
                    log.assert_called_once_with(
                        "Unable to determine role and interface for relation db", "ERROR"
                    )

                def test_roles():
                    both = mock.patch.object(
                        hookenv, "role_and_interface_to_relations", return_value=["a", "b"]
                    )
                    with both:
                        with mock.patch.object(hookenv, "hook_name", return_value="b-relation-joined"):
                            assert helpers.any_hook("{requires:pgsql}-relation-{joined,changed}")

                def test_relation_data():
                    conversation = reactive.relations.Conversation("db:1", ["pg/0"], "pg/0")
                    with mock.patch.object(hookenv, "related_units", return_value=["pg/0"]):
                        with mock.patch.object(hookenv, "relation_get", return_value="value") as relation_get:
                            assert conversation.get_remote("host") == "value"
                    relation_get.assert_called_once_with("host", "pg/0", "db:1")

                def test_a_charm_directory_that_is_not_there(monkeypatch):
                    metadata = {"requires": {"db": {"interface": "x"}}}
                    with mock.patch.object(hookenv, "charm_dir", return_value="/no/such/directory"):
                        with mock.patch.object(hookenv, "metadata", return_value=metadata):
                            with mock.patch.object(hookenv, "log"):
                                assert reactive.relations.relation_factory("db") is None
                """,
        }
    )
    result = suite.run(CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"passed": 8}, result


def test_the_unit_state_before_and_after_a_first_use(suite: Any, engine_name: str) -> None:
    suite.write(
        {
            "tests/test_shop.py": """\
                from unittest import mock

                import pytest
                from charmhelpers.core import unitdata

                from charms.reactive import clear_flag, get_flags, is_flag_set, set_flag
                from charms.reactive import endpoints, flags, helpers, relations

                @pytest.fixture(autouse=True)
                def unit(tmp_path, monkeypatch):
                    monkeypatch.setenv("UNIT_STATE_DB", str(tmp_path / "state"))
                    yield
                    if unitdata._KV is not None:
                        unitdata._KV.close()
                        unitdata._KV = None

                @pytest.fixture(params=["before", "after", "in mid-change"])
                def used(request):
                    if request.param != "before":
                        set_flag("real")
                    if request.param == "after":
                        unitdata.kv().flush()
                    return request.param != "before"

                def test_kv_is_patched(used):
                    with mock.patch("charmhelpers.core.unitdata.kv") as kv:
                        kv.return_value.getrange.return_value = {"patched": None}
                        assert get_flags() == ["patched"]
                        assert is_flag_set("patched") and not is_flag_set("real")
                        set_flag("x")
                        kv.return_value.update.assert_called_once_with({"x": None}, prefix="reactive.states.")
                    assert get_flags() == (["real"] if used else [])
                    set_flag("y")
                    assert is_flag_set("y")

                def test_the_storage_is_replaced(used):
                    storage = mock.MagicMock()
                    storage.getrange.return_value = {"other": None}
                    with mock.patch.object(unitdata, "_KV", storage):
                        assert get_flags() == ["other"]
                        clear_flag("other")
                        storage.unset.assert_called_with("reactive.states.other")
                    assert get_flags() == (["real"] if used else [])

                def test_another_storage_that_is_real(used, tmp_path):
                    other = unitdata.Storage(":memory:")
                    other.set("reactive.states.there", None)
                    with mock.patch("charmhelpers.core.unitdata.kv", return_value=other):
                        assert get_flags() == ["there"]
                        set_flag("more")
                        assert other.getrange("reactive.states.", strip=True) == {"there": None, "more": None}
                    assert get_flags() == (["real"] if used else [])
                    other.close()

                @pytest.mark.parametrize("module", [flags, helpers, relations, endpoints])
                def test_the_module_unitdata_is_patched_where_it_was_imported(used, module):
                    with mock.patch.object(module, "unitdata") as patched:
                        patched.kv.return_value.getrange.return_value = {"a": None}
                        assert get_flags() == ["a"]
                    assert get_flags() == (["real"] if used else [])
                """,
        }
    )
    result = suite.run(CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"passed": 21}, result


def test_public_names_one_by_one(suite: Any, engine_name: str) -> None:
    """Each can be patched by either name of its module, and the package's own code is not in the way."""
    suite.write(
        {
            "tests/test_shop.py": """\
                import importlib
                from unittest import mock

                import pytest

                import charms.reactive

                MODULES = (
                    "", ".bus", ".decorators", ".endpoints", ".flags", ".helpers", ".relations",
                    ".trace", ".patterns", ".events", ".records", ".status", ".handlers", ".discovery",
                    ".external",
                )
                NAMES = [
                    (module, name)
                    for module in MODULES
                    for name in getattr(importlib.import_module("charms.reactive" + module), "__all__", ())
                ]

                @pytest.mark.parametrize("first", ["charms.reactive", "charms_reactive"])
                def test_each(first):
                    second = {"charms.reactive": "charms_reactive"}.get(first, "charms.reactive")
                    assert len(NAMES) > 100
                    for module, name in NAMES:
                        other = importlib.import_module(second + module)
                        before = getattr(importlib.import_module(first + module), name)
                        with mock.patch("%s%s.%s" % (first, module, name)) as patched:
                            assert getattr(other, name) is patched, (module, name)
                        assert getattr(other, name) is before, (module, name)

                def test_what_a_handler_has_imported():
                    with mock.patch("charms.reactive.set_flag") as patched:
                        from charms.reactive import set_flag
                        from charms import reactive

                        assert set_flag is reactive.set_flag is patched
                """,
        }
    )
    result = suite.run(CHARMS_REACTIVE_ENGINE=engine_name)
    assert result.counts == {"passed": 3}, result
