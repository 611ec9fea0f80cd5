"""Classes of records: their annotations, and what becomes of records when a class changes."""

from __future__ import annotations

import sys
import types
import typing
from typing import Any, ClassVar, Dict, List, Optional, Type

import pytest

from charms_reactive._unit_state import unit_state
from charms_reactive.records import Record, RecordDefinitionError, RecordError, RecordFieldError

Tags = List[str]


def stored(name: str, key: object, **fields: Any) -> None:
    """Put a record there as an earlier version of a charm has left it."""
    unit_state.unit.set("reactive.records.%s.%s" % (name, key), fields)


def define(annotation: Any, *bases: Type[Record]) -> Any:
    """A class of records with a field ``it``, of this annotation."""
    body = {"__annotations__": {"it": annotation}, "__module__": __name__}
    return types.new_class("Defined", bases or (Record,), {}, lambda namespace: namespace.update(body))


# -- annotations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "takes", "refuses"),
    [
        (str, "a", 1),
        ("str", "a", 1),
        (int, 1, True),
        (float, 1, "1"),
        (bool, True, 1),
        (None, None, 0),
        (Any, {"a": [1, None]}, {1}),
        ("Any", 1, {1}),
        (list, [1, "a"], "a"),
        (dict, {"a": 1}, []),
        (typing.List, [1], "a"),
        (typing.Dict, {"a": 1}, []),
        (List[int], [1], ["1"]),
        ("List[int]", [1], ["1"]),
        ("typing.List[int]", [1], ["1"]),
        ("list[int]", [1], ["1"]),
        (Optional[str], None, 1),
        ("Optional[str]", None, 1),
        ("str | None", None, 1),
        ("None | list[str | int]", ["a", 1], [1.5]),
        ("Union[int, List[int]]", [1], "1"),
        (Dict[str, int], {"a": 1}, {"a": "1"}),
        ("dict[str, dict[str, list[bool]]]", {"a": {"b": [True]}}, {"a": {"b": [1]}}),
        (List["str"], ["a"], [1]),
        ("Tags", ["a"], [1]),
        ("Optional[Tags]", ["a"], [1]),
        ("'str'", "a", 1),
    ],
)
def test_annotations_are_objects_or_text(annotation: Any, takes: Any, refuses: Any) -> None:
    cls = define(annotation)
    assert cls.get(cls.create(it=takes).id).it == takes
    with pytest.raises(RecordFieldError):
        cls.create(it=refuses)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the syntax is evaluated here, which is new in 3.10")
def test_new_syntax_evaluated() -> None:
    cls = define(eval("list[str | None] | None"))
    assert [cls.create(it=it).it for it in (None, ["a", None])] == [None, ["a", None]]


@pytest.mark.parametrize(
    "annotation",
    [
        "tuple[int]",
        "Nowhere",
        "set",
        complex,
        "Dict[int, str]",
        "List[int, str]",
        "a b",
        "1",
        "Optional",
        "f(x)",
        List[complex],
    ],
)
def test_what_json_cannot_hold_is_refused_when_the_class_is_used(annotation: Any) -> None:
    cls = define(annotation)
    with pytest.raises(
        RecordDefinitionError, match=r"field it cannot be kept as .*: a field is a str, int"
    ) as caught:
        cls.all()
    assert isinstance(caught.value, TypeError)


def test_names_for_type_checkers_only_are_understood() -> None:
    source = """
from __future__ import annotations
from charms.reactive.records import Record
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, Dict, List, Optional
class Site(Record, key="host"):
    limit: ClassVar[int] = 3
    host: str
    aliases: List[str] = []
    limits: Optional[Dict[str, int]] = None
    _hidden: object = None
    def names(self) -> List[str]:
        return [self.host] + self.aliases
"""
    names: Dict[str, Any] = {"__name__": "site_charm"}
    exec(compile(source, "site.py", "exec"), names)
    site = names["Site"].create(host="a", aliases=["b"])
    site._hidden = object()
    site.save()
    assert names["Site"].get("a").names() == ["a", "b"]
    assert site.limit == 3
    assert repr(site) == "<Site, host: str, aliases: list, limits: NoneType>"


def test_fields_are_inherited_and_records_are_not() -> None:
    class Base(Record, key="name"):
        kinds: ClassVar[int] = 2
        name: str
        size: int = 1

    class Special(Base):
        size: int = 2
        extra: List[str] = []  # noqa: RUF012

    Base.create(name="a")
    Special.create(name="a", extra=["x"])
    assert [repr(one) for one in Base.all() + Special.all()] == [  # type: ignore[operator]
        "<Base, name: str, size: int>",
        "<Special, name: str, size: int, extra: list>",
    ]
    assert Base.get("a") != Special.get("a")


@pytest.mark.parametrize("key", ["nowhere", "size", "tags"])
def test_a_key_is_a_field_that_can_identify(key: str) -> None:
    class Site(Record, key=key):
        size: float = 1
        tags: Tags = []  # noqa: RUF012

    with pytest.raises(RecordDefinitionError, match="its key is to be %s" % key):
        Site.all()


def test_other_definitions_that_cannot_work() -> None:
    with pytest.raises(RecordDefinitionError, match="its name must be"):

        class Bad(Record, name="a.b"):
            pass

    class Taken(Record):
        save: int

    with pytest.raises(RecordDefinitionError, match="no field can be called save"):
        Taken.all()

    class Default(Record):
        size: int = "1"  # type: ignore[assignment]

    with pytest.raises(RecordFieldError, match="field size: its default is wrong: it takes int"):
        Default()


def test_a_field_called_id_is_the_key() -> None:
    class Node(Record):
        id: str
        up: bool = False

    Node.create(id="node-1", up=True)
    assert Node.get("node-1").up
    assert Node.filter(id="node-1")[0].id == "node-1"


def test_two_classes_of_one_name_that_are_both_in_use_must_not_share_rows() -> None:
    made: List[Any] = []
    for number in (1, 2):
        module = types.ModuleType("layer_%d" % number)
        sys.modules[module.__name__] = module
        exec(
            "from charms_reactive.records import Record\nclass Site(Record):\n    host: str", module.__dict__
        )
        made.append(module.__dict__["Site"])
    try:
        made[0].create(host="a")
        with pytest.raises(RecordDefinitionError, match=r"both layer_1\.Site and layer_2\.Site .* name="):
            made[1].all()
        del sys.modules["layer_1"]  # as if its module had been replaced
        assert [site.host for site in made[1].all()] == ["a"]
    finally:
        for number in (1, 2):
            sys.modules.pop("layer_%d" % number, None)


# -- changes of a class --------------------------------------------------------------------------------


def test_a_field_that_was_added_has_its_default() -> None:
    class Site(Record, key="host"):
        host: str
        tags: Tags = ["new"]  # noqa: RUF012

    stored("Site", "a", host="a")
    site = Site.get("a")
    assert site.tags == ["new"]
    assert Site.filter(tags=["new"]) == [site]
    site.tags.append("more")
    site.save()
    assert Site.get("a").tags == ["new", "more"]


def test_a_field_that_was_added_without_a_default_is_an_error_that_says_so() -> None:
    class Site(Record, key="host"):
        host: str
        port: int

    stored("Site", "a", host="a")
    with pytest.raises(RecordFieldError, match="field port: it has no value and no default; it takes int"):
        Site.get("a")


def test_a_field_that_was_removed_is_kept() -> None:
    class Site(Record, key="host"):
        host: str
        port: int = 80

    stored("Site", "a", host="a", port=80, certificate="precious")
    site = Site.get("a")
    site.port = 443
    site.save()
    assert unit_state.unit.get("reactive.records.Site.a") == {
        "host": "a",
        "port": 443,
        "certificate": "precious",
    }


def test_a_class_that_was_renamed_keeps_its_records_by_its_name() -> None:
    class VirtualHost(Record, key="host", name="Site"):
        host: str

    stored("Site", "a", host="a")
    assert VirtualHost.get("a").host == "a"


def test_a_field_of_another_type_is_an_error_until_it_is_migrated() -> None:
    class Site(Record, key="host"):
        host: str
        ports: List[int] = []  # noqa: RUF012

    stored("Site", "a", host="a", ports="80 443")
    wants = "field ports: a record has another value than the class wants today: it takes list of int, and "
    with pytest.raises(RecordFieldError, match=wants + ".*migrate") as caught:
        Site.get("a")
    assert caught.value.key == "a"

    class Migrated(Record, key="host", name="Site"):
        host: str
        ports: List[int] = []  # noqa: RUF012

        @classmethod
        def migrate(cls, stored: Dict[str, Any]) -> Dict[str, Any]:
            if isinstance(stored.get("ports"), str):
                stored["ports"] = [int(port) for port in stored["ports"].split()]
            return stored

    site = Migrated.get("a")
    assert site.ports == [80, 443]
    site.ports.append(8080)
    site.save()
    assert unit_state.unit.get("reactive.records.Site.a")["ports"] == [80, 443, 8080]


def test_rows_that_are_no_records() -> None:
    class Node(Record):
        host: str

    unit_state.unit.set("reactive.records.Node.1", ["x"])
    with pytest.raises(RecordError, match="the row of a record holds list, and no record") as caught:
        Node.get(1)
    assert caught.value.key == 1
    unit_state.unit.unset("reactive.records.Node.1")
    stored("Node", "x", host="x")
    with pytest.raises(RecordError, match="no numbers"):
        Node.all()
