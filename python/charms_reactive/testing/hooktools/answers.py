"""The formats in which hook tools answer: smart, json and yaml, as Juju's own libraries write them."""

from __future__ import annotations

import os
import sys

from .values import Struct

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any


def formatted(form: str, value: object) -> str:
    """A value as text, with the newline that ends it; nothing for nothing, but in JSON.

    Args:
        form: ``smart`` is text for text, a line for each string of a list, ``True`` or ``False``, and YAML
            for anything else.
        value: what JSON can hold. A list that Go knows to hold nothing but text is one; any other is a tuple.
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
    text = _json(value)
    if "<" in text or ">" in text or "&" in text or "\u2028" in text or "\u2029" in text:
        for letter in "<>&\u2028\u2029":
            text = text.replace(letter, "\\u%04x" % ord(letter))
    if not text.isascii():
        # Bytes that are no text.
        text = "".join(["\\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text])
    return text


def _json(value: Any) -> str:
    """JSON with mappings sorted, but for those that have an order of their own, and Go's numbers."""
    if isinstance(value, str):
        from json.encoder import encode_basestring

        return encode_basestring(value)
    if isinstance(value, dict):
        keys = value if isinstance(value, Struct) else sorted(value)
        return "{%s}" % ",".join(["%s:%s" % (_json(key), _json(value[key])) for key in keys])
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join([_json(item) for item in value])
    if isinstance(value, float):
        from .numerals import in_json

        return in_json(value)
    from json import dumps

    return dumps(value, ensure_ascii=False)


def as_yaml(value: object) -> str:
    """YAML in block style; nothing for nothing."""
    if value is None:
        return ""
    from .yaml_printer import as_yaml as printed

    return printed(value)


def as_read(value: Any) -> Any:
    """A value that came to Juju as JSON: every number is a float, and nobody knows what is in a list."""
    if isinstance(value, dict):
        return {key: as_read(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple([as_read(inner) for inner in value])
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def yaml() -> Any:
    """PyYAML, which reads; from where the parent found it, as the executables run without site-packages."""
    try:
        import yaml
    except ImportError:
        place = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "yaml-path")
        with open(place, encoding="utf-8") as file:
            sys.path.append(file.read())
        import yaml
    return yaml
