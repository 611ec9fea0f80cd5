"""JSON without the ``json`` module, which imports regular expressions and costs more than a command.

CPython's own parser and writer in C are used where they are as they have been since 3.8; else the
module does it after all. What is read and written is the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Tuple

__all__ = ["dumps", "loads"]


class _Settings:
    """What the parser in C asks its decoder for."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name: str) -> float:
        return float(name.replace("Infinity", "inf"))


def _in_c() -> Tuple[Callable[[str, int], Tuple[Any, int]], Callable[[Any, int], Tuple[str, ...]]]:
    """CPython's parser and writer.

    Raises:
        ImportError, TypeError, AttributeError: they are not there, or not as they are known here.
    """
    import _json

    module: Any = _json
    scan = module.make_scanner(_Settings)
    spell = module.encode_basestring_ascii
    encode = module.make_encoder(None, None, spell, None, ": ", ", ", False, False, True)
    if "".join(encode({"a": [1, None, True, "\u00e9"]}, 0)) != '{"a": [1, null, true, "\\u00e9"]}':
        raise ImportError("the writer in C is not the one that is known here")
    return scan, encode


def _load(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none.
    """
    text = text.strip(" \t\n\r")
    try:
        value, end = _scan(text, 0)
    except (StopIteration, SystemError):
        # SystemError: the parser looks for the error's class in a module that was not imported.
        raise ValueError("not JSON: %r" % text) from None
    if end != len(text):
        raise ValueError("more than one JSON value: %r" % text)
    return value


def _dump(value: Any) -> str:
    """The value as JSON, spelt as ``json.dumps`` does it."""
    return "".join(_encode(value, 0))


loads: Callable[[str], Any] = _load
dumps: Callable[[Any], str] = _dump
try:
    _scan, _encode = _in_c()
except (ImportError, TypeError, AttributeError):
    import json

    loads, dumps = json.loads, json.dumps
