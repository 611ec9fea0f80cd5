"""Handlers of functions that were made of the same lines, by a factory or in a loop.

Each is a handler of its own. But a factory that is called a second time with the same arguments, as two
modules may do that do not know of one another, makes what is there already, and that counts once, as in
1.5.x.
"""

from __future__ import annotations

from charms_reactive import handlers
from charms_reactive.handlers import Handler, function_of, unwrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

__all__ = ["merge"]


def merge() -> None:
    """Take out those new handlers that differ from an earlier one in nothing."""
    new = {id(twin) for twin in handlers.twins}
    lines = {_lines(twin) for twin in handlers.twins}
    handlers.twins.clear()
    # Those that may be the same: of the same lines, for the same endpoint, under the same flags.
    alike: Dict[Any, List[Handler]] = {}
    gone = set()
    for key, handler in Handler._HANDLERS.items():
        if _lines(handler) in lines:
            others = alike.setdefault(_alike(handler), [])
            if id(handler) in new and any(_is_same(other, handler) for other in others):
                gone.add(key)
            else:
                others.append(handler)
    for key in gone:
        del Handler._HANDLERS[key]


def _alike(handler: Handler) -> Any:
    return _lines(handler), tuple(handler._conditions), tuple(handler._edges)


def _lines(handler: Handler) -> Tuple[int, str]:
    """What handlers of the same lines have in common: the code, and the endpoint that they serve."""
    function, _ = function_of(handler._action)
    return id(getattr(function, "__code__", None)), ":".join(handler._action_id.split(":")[3:])


def _is_same(one: Handler, other: Handler) -> bool:
    """Whether two handlers of the same lines and flags do the same whenever one of them does."""
    return (
        one._phases == other._phases
        and len(one._predicates) == len(other._predicates)
        and all(map(_asks_the_same, one._predicates, other._predicates))
        and _is_same_function(one._action, other._action)
    )


def _is_same_function(one: Any, other: Any) -> bool:
    """Whether two functions of one code object find the same in everything that is their own."""
    if getattr(unwrap(one), "__self__", None) is not getattr(unwrap(other), "__self__", None):
        return False
    one, other = function_of(one)[0], function_of(other)[0]
    mine, theirs = _own(one), _own(other)
    return len(mine) == len(theirs) and all(map(_is_same_value, mine, theirs))


def _own(function: Any) -> List[Any]:
    """The values of a function's closure and its defaults."""
    values: List[Any] = []
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:  # it has none yet
            values.append(cell)
    values += function.__defaults__ or ()
    named = function.__kwdefaults__ or {}
    return values + [named[name] for name in sorted(named)]


# What is the same if it is equal. Other objects may be equal today and changed each for itself tomorrow.
_VALUES = (str, bytes, int, float, bool)


def _is_same_value(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and type(one) in _VALUES and bool(one == other))


def _asks_the_same(one: Any, other: Any) -> bool:
    """Whether two predicates are the same question; ``only_once`` and files are, for each its own handler."""
    watched = [getattr(getattr(it, "__self__", None), "watched", None) for it in (one, other)]
    if watched[0] is not None:
        return _is_equal(*watched)
    function = getattr(one, "func", one)
    if function is not getattr(other, "func", other):
        return False
    if getattr(function, "__name__", "") == "_not_done_before":
        return True
    return all(_is_equal(getattr(one, name, ()), getattr(other, name, ())) for name in ("args", "keywords"))


def _is_equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 -- what cannot be compared is not equal
        return False
