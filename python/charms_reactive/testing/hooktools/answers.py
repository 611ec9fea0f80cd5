"""The formats in which hook tools answer: smart, json and yaml, as Juju's own libraries write them."""

from __future__ import annotations

import os
import re
import sys

from .values import Plain, Struct

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, List, Tuple


def formatted(form: str, value: object) -> str:
    """A value as text, with the newline that ends it; nothing for nothing, but in JSON.

    Args:
        form: ``smart`` is text for text, a line for each string of a list, ``True`` or ``False``, and YAML
            for anything else.
        value: what JSON can hold.
    """
    if form == "json":
        return as_json(value) + "\n"
    if form == "smart":
        if isinstance(value, str):
            text = value
        elif isinstance(value, bool):
            text = str(value)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            text = "\n".join(value)
        else:
            text = as_yaml(value)
    else:
        text = as_yaml(value)
    return text + "\n" if text else ""


def as_json(value: object) -> str:
    """Compact JSON, with what could be HTML escaped, as Go has it."""
    import json

    text = json.dumps(_ordered(value), separators=(",", ":"), ensure_ascii=False)
    if "<" in text or ">" in text or "&" in text or "\u2028" in text or "\u2029" in text:
        for letter in "<>&\u2028\u2029":
            text = text.replace(letter, "\\u%04x" % ord(letter))
    return text


def _ordered(value: Any) -> Any:
    """A value with its mappings sorted, but for those that have an order of their own."""
    if isinstance(value, dict):
        keys = value if isinstance(value, Struct) else sorted(value)
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    return value


def as_yaml(value: object) -> str:
    """YAML in block style; nothing for nothing."""
    if value is None:
        return ""
    text: str = yaml().dump(
        value, Dumper=_dumper(), default_flow_style=False, allow_unicode=True, width=10**6
    )
    # A bare scalar is followed by an end-of-document mark that Juju does not print.
    return text[: -len("...\n")].rstrip("\n") if text.endswith("\n...\n") else text.rstrip("\n")


def yaml() -> Any:
    """PyYAML; from where the parent found it, as the executables run without site-packages."""
    try:
        import yaml
    except ImportError:
        place = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "yaml-path")
        with open(place, encoding="utf-8") as file:
            sys.path.append(file.read())
        import yaml
    return yaml


_TEXT = "tag:yaml.org,2002:str"

#: What goyaml quotes beside what PyYAML would read as something else.
_OTHERS = re.compile(r"[yYnN]|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

_dumpers: List[Any] = []


def _dumper() -> Any:
    """The dumper that quotes and sorts as goyaml does."""
    if not _dumpers:
        library = yaml()

        class Dumper(library.SafeDumper):  # type: ignore[misc,name-defined]
            def ignore_aliases(self, data: object) -> bool:
                return True

        def text(dumper: Any, value: str) -> Any:
            if "\n" in value:
                style = "|"
            elif dumper.resolve(library.ScalarNode, value, (True, False)) != _TEXT or _OTHERS.fullmatch(
                value
            ):
                style = '"'
            else:
                style = None
            return dumper.represent_scalar(_TEXT, value, style=style)

        def plain(dumper: Any, value: str) -> Any:
            return dumper.represent_scalar("tag:yaml.org,2002:timestamp", str(value))

        def mapping(dumper: Any, value: Any) -> Any:
            items = sorted(value.items(), key=lambda item: _natural(str(item[0])))
            return dumper.represent_mapping("tag:yaml.org,2002:map", items)

        def struct(dumper: Any, value: Any) -> Any:
            return dumper.represent_mapping("tag:yaml.org,2002:map", list(value.items()))

        Dumper.add_representer(str, text)
        Dumper.add_representer(Plain, plain)
        Dumper.add_representer(dict, mapping)
        Dumper.add_representer(Struct, struct)
        _dumpers.append(Dumper)
    return _dumpers[0]


def _natural(key: str) -> List[Tuple[int, int, str]]:
    """Orders keys as goyaml does: numbers within them by value, letters after everything else."""
    parts = []
    for part in re.findall(r"[0-9]+|[^0-9]", key):
        if part[0].isdigit():
            parts.append((0, int(part), ""))
        else:
            parts.append((2 if part.isalpha() else 1, 0, part))
    return parts
