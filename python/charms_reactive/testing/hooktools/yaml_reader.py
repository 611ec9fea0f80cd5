"""YAML that a hook gives to a tool, as Juju reads it: a mapping of which every value has to be text."""

from __future__ import annotations

from base64 import b64decode

from .answers import yaml
from .command import RefusedError

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

_PREFIX = "tag:yaml.org,2002:"


def text_mapping(data: bytes) -> Dict[str, str]:
    """The mapping in the first document; numbers and the like are taken as they are written, null as empty.

    Raises:
        RefusedError: it is no YAML, no mapping, or has a value that is no text. All such values are told.
    """
    library = yaml()
    loader = getattr(library, "CSafeLoader", library.SafeLoader)
    try:
        root = next(iter(library.compose_all(data.decode("utf-8"), loader)), None)
    except library.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = "line %d: " % (mark.line + 1) if mark is not None else ""
        raise RefusedError("yaml: %s%s" % (where, getattr(error, "problem", None) or error)) from None
    except UnicodeDecodeError:
        raise RefusedError("yaml: invalid leading UTF-8 octet") from None
    found: Dict[str, str] = {}
    problems: List[str] = []
    if root is not None and not _is_null(root):
        _take(root, found, problems)
    if problems:
        raise RefusedError("yaml: unmarshal errors:\n  " + "\n  ".join(problems))
    return found


def _take(root: Any, found: Dict[str, str], problems: List[str]) -> None:
    if root.id != "mapping":
        problems.append(_wrong(root, "map[string]string"))
        return
    merged: List[Any] = []
    for key, value in root.value:
        if key.tag == _PREFIX + "merge":
            merged += value.value if value.id == "sequence" else [value]
            continue
        name, text = _text(key, problems), _text(value, problems)
        if name is not None and text is not None:
            found[name] = text
    for other in merged:
        more: Dict[str, str] = {}
        _take(other, more, problems)
        for name in more:
            found.setdefault(name, more[name])


def _text(node: Any, problems: List[str]) -> Optional[str]:
    if node.id != "scalar":
        problems.append(_wrong(node, "string"))
        return None
    if _is_null(node):
        return ""
    if node.tag == _PREFIX + "binary":
        try:
            return b64decode("".join(node.value.split()), validate=True).decode("utf-8", "surrogateescape")
        except ValueError:
            raise RefusedError("yaml: !!binary value contains invalid base64 data") from None
    text: str = node.value
    return text


def _is_null(node: Any) -> bool:
    return bool(node.id == "scalar" and node.tag == _PREFIX + "null")


def _wrong(node: Any, wanted: str) -> str:
    tag = "!!" + node.tag[len(_PREFIX) :] if node.tag.startswith(_PREFIX) else node.tag
    shown = ""
    if node.id == "scalar":
        text = node.value if len(node.value) <= 10 else node.value[:7] + "..."
        shown = " `%s`" % text
    return "line %d: cannot unmarshal %s%s into %s" % (node.start_mark.line + 1, tag, shown, wanted)
