"""Both engines offer exactly what ``_native.pyi`` says: the same names, arguments and constants."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

import charms_reactive._version

_STUB = Path(charms_reactive._version.__file__).with_name("_engine") / "_native.pyi"
_TREE = ast.parse(_STUB.read_text(encoding="utf-8"))
_ENGINE = next(node for node in _TREE.body if isinstance(node, ast.ClassDef))
_METHODS = {node.name: node for node in _ENGINE.body if isinstance(node, ast.FunctionDef)}
_METHODS.pop("__new__")
_CONSTANTS = {
    node.target.id: ast.literal_eval(node.value)
    for node in _TREE.body
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None
}

# Arguments that every method takes when a handler, a waiting change and a question are there.
_ARGUMENTS: Dict[str, Dict[str, object]] = {
    "is_set": {"flag": "a"},
    "all_set": {"flags": ["a"]},
    "any_set": {"flags": ["a"]},
    "load": {"flags": ["a"]},
    "change": {"flag": "a", "on": True},
    "touch": {"flag": "a"},
    "add_trigger": {"flag": "a", "on": True, "set_flag": "b", "clear_flag": "c", "callback": 1},
    "trigger": {"flag": "a", "on": True},
    "add_condition": {"handler": 0, "kind": 0, "flags": ["a"]},
    "watch": {"handler": 0, "flags": ["a"]},
    "confine": {"handler": 0, "phases": 1},
    "set_opaque": {"handler": 0},
    "is_ready": {"handler": 0},
    "watched_changed": {"handler": 0},
    "dependents": {"flag": "a"},
    "add_edge": {"handler": 0, "flag": "a", "on": True},
    "hear": {"handler": 0, "flag": "a", "on": True},
    "heard": {"handler": 0},
    "start": {"restricted": False, "quiet": True},
    "answer": {"matched": True},
}


# What each method tells when it is called like that.
_RESULTS: Dict[str, object] = {
    "is_set": False,
    "all_set": False,
    "any_set": False,
    "flags": [],
    "flag_count": 0,
    "load": [("a", True)],
    "change": [],
    "resume": [],
    "waiting": 0,
    "unwind": None,
    "touch": None,
    "add_trigger": None,
    "triggers": [],
    "trigger": ([], [], []),
    "clear_triggers": None,
    "add_handler": 1,
    "handler_count": 1,
    "clear_handlers": None,
    "add_condition": None,
    "watch": None,
    "add_edge": None,
    "hear": None,
    "heard": [],
    "forget_heard": None,
    "confine": None,
    "set_opaque": None,
    "is_ready": True,
    "watched_changed": False,
    "dependents": [],
    "start": None,
    "next": (0, 1),
    "answer": None,
    "abort": None,
    "queue": [],
    "phase": 0,
    "iteration": 0,
    "changed": [],
    "pending": [],
}


def _prepared(engine: Any, method: str) -> Any:
    """An engine on which this method, called rightly, raises nothing."""
    engine.add_handler()
    if method == "resume":
        engine.add_trigger("a", True, callback=1)
        engine.change("a", True)
    if method in ("next", "answer"):
        engine.start(False)
    if method == "answer":
        engine.set_opaque(0)
        while engine.next()[0] != _CONSTANTS["TEST"]:
            pass
    return engine


def _parameters(node: ast.FunctionDef) -> List[Tuple[str, object]]:
    names = [argument.arg for argument in node.args.args]
    without = len(names) - len(node.args.defaults)
    defaults = [inspect.Parameter.empty] * without + [ast.literal_eval(given) for given in node.args.defaults]
    return list(zip(names, defaults))


def test_the_stub_is_what_this_test_takes_it_for() -> None:
    assert _ENGINE.name == "Engine"
    assert len(_METHODS) > 30
    assert len(_CONSTANTS) > 10
    for name, node in _METHODS.items():
        assert list(_ARGUMENTS.get(name, {})) == [parameter for parameter, _ in _parameters(node)[1:]]


def test_the_module_offers_what_the_stub_says_and_nothing_else(engine_module: Any) -> None:
    offered = {
        name
        for name, value in vars(engine_module).items()
        if not name.startswith("_")
        and (type(value) in (int, str) or getattr(value, "__module__", None) == engine_module.__name__)
    }
    assert offered == {*_CONSTANTS, "Engine"}


@pytest.mark.parametrize("name", _CONSTANTS)
def test_constants(engine_module: Any, name: str) -> None:
    value = getattr(engine_module, name)
    assert value == _CONSTANTS[name]
    assert type(value) is int


def test_the_version_is_that_of_the_package(engine_module: Any) -> None:
    assert engine_module.__version__ == charms_reactive._version.__version__


def test_the_engine_has_the_methods_of_the_stub_and_nothing_else(engine_module: Any) -> None:
    assert {name for name in dir(engine_module.Engine()) if not name.startswith("_")} == set(_METHODS)


@pytest.mark.parametrize("name", _METHODS)
def test_arguments_have_the_names_order_and_defaults_of_the_stub(engine_module: Any, name: str) -> None:
    signature = inspect.signature(getattr(engine_module.Engine, name))
    found = [(parameter.name, parameter.default) for parameter in signature.parameters.values()]
    assert found == _parameters(_METHODS[name])


@pytest.mark.parametrize("name", _METHODS)
def test_arguments_may_be_given_by_name_or_by_position(engine_module: Any, name: str) -> None:
    arguments = _ARGUMENTS.get(name, {})
    by_name = getattr(_prepared(engine_module.Engine(), name), name)(**arguments)
    by_position = getattr(_prepared(engine_module.Engine(), name), name)(*arguments.values())
    assert by_name == by_position


@pytest.mark.parametrize("name", _METHODS)
def test_arguments_too_many_too_few_or_unknown_are_a_type_error(engine_module: Any, name: str) -> None:
    arguments = list(_ARGUMENTS.get(name, {}).values())
    with pytest.raises(TypeError):
        getattr(_prepared(engine_module.Engine(), name), name)(*arguments, 1)
    with pytest.raises(TypeError):
        getattr(_prepared(engine_module.Engine(), name), name)(*arguments, unknown=1)
    if arguments:
        with pytest.raises(TypeError):
            getattr(_prepared(engine_module.Engine(), name), name)()


def test_an_engine_is_made_without_arguments(engine_module: Any) -> None:
    with pytest.raises(TypeError):
        engine_module.Engine(1)
    assert type(engine_module.Engine()) is engine_module.Engine


def test_every_result_is_looked_at() -> None:
    assert set(_RESULTS) == set(_METHODS)


def test_engines_share_nothing(engine_module: Any) -> None:
    one, other = engine_module.Engine(), engine_module.Engine()
    one.change("a", True)
    one.add_handler()
    one.add_trigger("a", True, set_flag="b")
    assert (other.flags(), other.handler_count(), other.triggers()) == ([], 0, [])


@pytest.mark.parametrize(("name", "expected"), _RESULTS.items())
def test_results_have_the_types_of_the_stub(engine_module: Any, name: str, expected: object) -> None:
    told = getattr(_prepared(engine_module.Engine(), name), name)(**_ARGUMENTS.get(name, {}))
    assert told == expected
    assert type(told) is type(expected)
    if isinstance(expected, tuple):
        assert [type(item) for item in told] == [type(item) for item in expected]
