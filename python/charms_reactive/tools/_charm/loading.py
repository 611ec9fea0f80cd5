"""Loading a charm on the desk, in a process of its own that can hurt nothing, and what that adds to its
syntax.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .child_process import taken
from .declared import Declared
from .knowledge import EDGES, KINDS, Reading, add_edges
from .model import Condition, Decorator, Function, Handler, Place, SourceFile
from .names import overlap

__all__ = ["Loading"]


class Loading:
    """The handlers of a charm as the framework registers them, while its syntax is being read.

    Args:
        root: directory of the charm.
        declared: what it declares.
        timeout: seconds that this may take.
    """

    def __init__(self, root: Path, declared: Declared, timeout: float) -> None:
        # An interface layer by itself has no endpoint that it could serve.
        self._child = None if declared.kind == "interface" else taken("load")
        self._timeout = timeout
        if self._child is not None:
            self._child.ask(str(root))

    def merge_into(self, reading: Reading) -> None:
        """Put what was registered in the place of what the syntax says, for the files that could be
        loaded.
        """
        if self._child is None:
            return
        answer, why = self._child.answer(self._timeout)
        discovered = [file for file in reading.files if file.discovered and file.kind == "python"]
        if answer is None:
            for file in discovered:
                file.loaded, file.load_error = False, why
                reading.not_loaded[file.path] = why
            return
        reading.loaded = True
        failures: Dict[str, str] = answer["failures"]
        for file in discovered:
            file.loaded = file.path not in failures
            if not file.loaded:
                file.load_error = reading.not_loaded[file.path] = failures[file.path]
        _Merge(reading).handlers(answer["handlers"])

    def end(self) -> None:
        if self._child is not None:
            self._child.end()


class _Merge:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._functions: Dict[Tuple[str, int, str], Function] = {
            (file.path, function.first_line, function.name): function
            for file in reading.files
            for function in file.functions
        }

    def handlers(self, registered: List[Dict[str, Any]]) -> None:
        exact = [self._handler(one) for one in registered]
        there = {handler.id for handler in exact}
        left = [
            handler
            for handler in self._reading.handlers
            if handler.id not in there and not self._is_loaded(self._reading.by_path[handler.place.file])
        ]
        self._reading.handlers = exact + left

    def _is_loaded(self, file: SourceFile) -> bool:
        if file.kind == "bash":
            return False
        # A module below lib is loaded by those that import it, or by nobody.
        return bool(file.loaded) if file.discovered else not self._reading.not_loaded

    def _handler(self, told: Dict[str, Any]) -> Handler:
        file, line, name = told["file"], told["line"], told["name"]
        function = self._functions.get((file, line, name))
        place = function.place if function is not None else Place(file, line)
        handler = Handler(
            told["id"], name, place, exact=True, function=function, endpoint=told["endpoint"] or None
        )
        decorators = list(reversed(function.decorators)) if function is not None else []
        for kind, flags in told["conditions"]:
            matching = [
                one
                for one in decorators
                if KINDS.get(one.name) == kind
                and (one.unknown or all(any(overlap(name, flag) for name, _ in one.args) for flag in flags))
            ]
            decorator = matching[0] if matching else None
            if decorator is not None:
                decorators.remove(decorator)
            handler.conditions.append(Condition(kind, tuple(flags), _places(flags, decorator, place)))
        if told["edges"]:
            hearing = [one for one in decorators if one.name in EDGES]
            add_edges(handler, [(flag, _edge_place(flag, hearing, place)) for flag in told["edges"]])
            handler.predicates.append("@when_set")
        for hook in told["hooks"]:
            handler.hooks.append((hook, _place_in(function, ("hook",), hook, place)))
        for action in told["actions"]:
            handler.actions.append((action, _place_in(function, ("action",), action, place)))
        handler.predicates += told["predicates"]
        return handler


def _places(flags: Sequence[str], decorator: Any, place: Place) -> Tuple[Place, ...]:
    if decorator is None:
        return tuple(place for _ in flags)
    if len(decorator.args) == len(flags):
        return tuple(at for _, at in decorator.args)
    return tuple(
        next((at for name, at in decorator.args if overlap(name, flag)), decorator.place) for flag in flags
    )


def _edge_place(flag: str, hearing: Sequence[Decorator], place: Place) -> Place:
    return next((at for one in hearing for name, at in one.args if overlap(name, flag)), place)


def _place_in(function: Optional[Function], decorators: Tuple[str, ...], name: str, place: Place) -> Place:
    for decorator in function.decorators if function is not None else ():
        if decorator.name in decorators:
            return next((at for one, at in decorator.args if overlap(one, name)), decorator.place)
        if decorator.name.replace("_", "-") == name:
            return decorator.place
    return place
