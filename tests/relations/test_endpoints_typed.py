"""Relation data as objects: what fits, and what is said about the rest."""

from __future__ import annotations

import subprocess
import sys
import types
from dataclasses import dataclass, field
from typing import Any, Dict, List, Literal, Optional, Union

import pytest

from charms_reactive.endpoints import JSONUnitDataView
from charms_reactive.errors import ReactiveError, RelationDataError


def received(**data: str) -> JSONUnitDataView:
    view = JSONUnitDataView(data)
    view._belongs_to("db:1", "mysql/0")
    return view


def to_publish(**data: str) -> JSONUnitDataView:
    view = JSONUnitDataView(data, writeable=True)
    view._belongs_to("db:1", "app/0")
    return view


@dataclass
class Database:
    host: str
    port: int
    weight: float = 1.0
    tls: bool = False
    tags: List[str] = field(default_factory=list)
    limits: Dict[str, int] = field(default_factory=dict)
    user: Optional[str] = None
    anything: Any = None


def test_a_dataclass_is_loaded() -> None:
    data = received(
        host='"h"', port="3306", tls="true", tags='["a"]', limits='{"c": 1}', weight="2", extra="x"
    )
    assert data.load(Database) == Database("h", 3306, 2.0, True, ["a"], {"c": 1})
    assert type(data.load(Database).weight) is float


def test_text_that_is_not_json_is_a_string() -> None:
    assert received(host="h", port="1").load(Database).host == "h"


def test_a_string_that_was_published_raw_and_looks_like_a_number() -> None:
    loaded = received(host="12345", port="1", user="1e5").load(Database)
    assert (loaded.host, loaded.user) == ("12345", "1e5")


@pytest.mark.parametrize(
    ("data", "key", "reason"),
    [
        ({"port": "1"}, "host", "it is not there, and Database needs it"),
        ({"host": "h", "port": '"x"'}, "port", "it is a string, not int"),
        ({"host": "h", "port": "true"}, "port", "it is a boolean, not int"),
        ({"host": "h", "port": "1.5"}, "port", "it is a number, not int"),
        ({"host": "h", "port": "null"}, "port", "it is null, not int"),
        ({"host": "[]", "port": "1"}, "host", "it is a list, not str"),
        ({"host": "h", "port": "1", "tls": "1"}, "tls", "it is a whole number, not bool"),
        ({"host": "h", "port": "1", "tags": '["a", 1]'}, "tags", r"it is a list, not typing.List\[str\]"),
        ({"host": "h", "port": "1", "limits": '{"a": "b"}'}, "limits", "it is a mapping, not"),
        (
            {"host": "h", "port": "1", "weight": "9" * 4000},
            "weight",
            "it is a (whole number|string), not float",
        ),
        ({"host": "h", "port": "1", "user": "{}"}, "user", "it is a mapping, not"),
    ],
)
def test_data_that_does_not_fit_is_named(data: Dict[str, str], key: str, reason: str) -> None:
    with pytest.raises(RelationDataError, match="relation db:1, data of mysql/0, field %s: " % key) as caught:
        received(**data).load(Database)
    caught.match(reason)
    assert (caught.value.relation, caught.value.unit, caught.value.field) == ("db:1", "mysql/0", key)
    assert isinstance(caught.value, ReactiveError)
    assert isinstance(caught.value, ValueError)


def test_a_value_never_gets_into_the_message() -> None:
    with pytest.raises(RelationDataError) as caught:
        received(host="h", port='"hunter2"').load(Database)
    assert "hunter2" not in str(caught.value)


def test_optional_fields_need_no_default() -> None:
    @dataclass
    class Model:
        a: Optional[int]
        b: Union[int, str]
        c: Literal["x", 1]
        d: Union[float, int]

    globals()["Model"] = Model
    loaded = received(b="x", c="1", d="3").load(Model)
    assert (loaded.a, loaded.b, loaded.c, loaded.d, type(loaded.d)) == (None, "x", 1, 3, int)
    with pytest.raises(RelationDataError, match="field c"):
        received(b="x", c="true", d="3").load(Model)
    with pytest.raises(RelationDataError, match="field c"):
        received(b="x", c='"y"', d="3").load(Model)


def test_a_key_that_is_no_name() -> None:
    @dataclass
    class Model:
        address: str = field(metadata={"key": "ingress-address"})

    assert received(**{"ingress-address": "10.0.0.1"}).load(Model).address == "10.0.0.1"
    view = to_publish()
    view.store(Model("10.0.0.2"))
    assert dict(view) == {"ingress-address": "10.0.0.2"}
    with pytest.raises(RelationDataError, match="field ingress-address"):
        received(address="x").load(Model)


def test_conditions_of_the_class_are_named_too() -> None:
    @dataclass
    class Model:
        port: int

        def __post_init__(self) -> None:
            if self.port > 65535:
                raise ValueError("no such port")

    with pytest.raises(RelationDataError, match=r"db:1, data of mysql/0: .*Model refuses it: no such port"):
        received(port="70000").load(Model)


def test_a_field_that_is_not_an_argument_is_left_alone() -> None:
    @dataclass
    class Model:
        port: int
        double: int = field(init=False)

        def __post_init__(self) -> None:
            self.double = 2 * self.port

    assert received(port="2", double="7").load(Model).double == 4


def test_names_like_those_of_python_are_only_data() -> None:
    data = {"host": "h", "port": "1", "__class__": "x", "__init__": "1", "__post_init__": "1"}
    assert type(received(**data).load(Database)) is Database


def test_an_object_is_stored() -> None:
    view = to_publish(user='"old"', other="1")
    view.store(Database("h", 1, tags=["b"]))
    assert dict(view) == {
        "host": "h",
        "port": 1,
        "weight": 1.0,
        "tls": False,
        "tags": ["b"],
        "limits": {},
        "other": 1,
    }
    assert view.load(Database) == Database("h", 1, tags=["b"])


def test_nothing_is_stored_if_one_field_does_not_fit() -> None:
    endless: List[Any] = []
    endless.append(endless)
    for wrong, reason in (
        (Database("h", "1"), "field port: it is a string, not int"),  # type: ignore[arg-type]
        (Database("h", 1, anything=object()), "field anything: it cannot be written as JSON"),
        (Database("h", 1, anything=endless), "field anything: it cannot be written as JSON"),
    ):
        view = to_publish()
        with pytest.raises(RelationDataError, match="relation db:1, data of app/0, " + reason):
            view.store(wrong)
        assert not view.modified


def test_received_data_cannot_be_stored_to() -> None:
    with pytest.raises(RelationDataError, match="data of mysql/0: data that was received"):
        received().store(Database("h", 1))


def test_what_is_no_model() -> None:
    @dataclass
    class Odd:
        when: bytes

    for wrong in (int, "Database", Database("h", 1), List[int]):
        with pytest.raises(TypeError):
            received(host="h", port="1").load(wrong)
    for wrong in (Database, 5, {"a": 1}):
        with pytest.raises(TypeError):
            to_publish().store(wrong)
    with pytest.raises(TypeError, match="cannot be loaded as bytes"):
        received(when="x").load(Odd)


def test_types_that_cannot_be_found() -> None:
    @dataclass
    class Model:
        port: NoSuchType  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(TypeError, match=r"the types of .*Model cannot be found: .*NoSuchType"):
        received(port="1").load(Model)


# -- pydantic -------------------------------------------------------------------------------------
class Refused(ValueError):
    """As pydantic's own error: a ValueError that lists what is wrong."""

    def errors(self) -> List[Dict[str, Any]]:
        return [{"loc": ("port",), "msg": "Input should be a valid integer", "input": "hunter2"}]


class Alike:
    """What this package knows of a pydantic model."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    @classmethod
    def _made(cls, values: Dict[str, Any]) -> Any:
        if not isinstance(values.get("port"), int):
            raise Refused("input_value='hunter2'")
        return cls(**values)


class Second(Alike):
    model_fields = {  # noqa: RUF012
        "port": types.SimpleNamespace(alias=None),
        "address": types.SimpleNamespace(alias="ingress-address", validation_alias="ingress-address"),
    }

    @classmethod
    def model_validate(cls, values: Dict[str, Any]) -> Any:
        return cls._made(values)

    def model_dump(self, mode: str, by_alias: bool) -> Dict[str, Any]:
        assert (mode, by_alias) == ("json", True)
        return self.values


class First(Alike):
    __fields__ = Second.model_fields

    @classmethod
    def parse_obj(cls, values: Dict[str, Any]) -> Any:
        return cls._made(values)

    def json(self, by_alias: bool) -> str:
        import json

        return json.dumps(self.values)


@pytest.mark.parametrize("model", [First, Second])
def test_pydantic_models(model: Any) -> None:
    data = {"port": "1", "ingress-address": "a", "egress-subnets": "s"}
    loaded = received(**data).load(model)
    assert loaded.values == {"port": 1, "ingress-address": "a"}
    view = to_publish()
    view.store(loaded)
    assert dict(view) == {"port": 1, "ingress-address": "a"}
    with pytest.raises(
        RelationDataError, match=r"mysql/0, field port: .*should be a valid integer"
    ) as caught:
        received(port="x").load(model)
    assert "hunter2" not in str(caught.value)


def test_pydantic_itself() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):  # type: ignore[name-defined, misc]
        port: int
        name: Optional[str] = None

    globals()["Model"] = Model
    assert received(port="1", other="x").load(Model).port == 1
    with pytest.raises(RelationDataError, match="mysql/0, field port"):
        received(port="[]").load(Model)
    view = to_publish(name="x")
    view.store(Model(port=3))
    assert dict(view) == {"port": 3}


def test_a_hook_that_uses_no_models_does_not_pay_for_them() -> None:
    names = ("charms_reactive._relations.typed_data", "pydantic", "uuid")
    code = "import sys, charms.reactive; print([m for m in %r if m in sys.modules])" % (names,)
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().strip() == "[]"
