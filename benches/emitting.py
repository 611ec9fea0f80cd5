"""Emitting an event to handlers: our two ways of it, the operator framework's, blinker's and psygnal's.

Each function is a workload of ``workloads.py``'s kind and imports only what its environment has. The
handlers do nothing, the event has one attribute, and what is timed is the emission as one writes it.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
import tempfile
from time import perf_counter, process_time
from typing import Any, Callable, Dict, List

Times = List[float]


def _timed(emit: Callable[[], object], heard: List[int], handlers: int, rounds: int, repeat: int) -> Times:
    """Seconds per emission, as often as asked for; each handler must have heard each one.

    The first emission is not counted, unless there is only one: with 10,000 observers ops takes minutes.
    """
    warm = int(rounds * repeat > 1)
    if warm:
        emit()
    times = []
    for _ in range(repeat):
        begin = perf_counter()
        for _ in range(rounds):
            emit()
        times.append((perf_counter() - begin) / rounds)
    if heard[0] != handlers * (warm + rounds * repeat):
        raise RuntimeError("handlers were called %d times" % heard[0])
    return times


def emit_ours(handlers: int, rounds: int, repeat: int) -> Dict[str, Times]:
    """``emit_event`` with as many handlers, and an event on an object with as many observers."""
    from charms.reactive import events

    heard = [0]

    class Happened(events.Event):
        number: int

    class Observed(events.Event):
        number: int

    class ThingEvents(events.ObjectEvents):
        happened = events.EventSource(Observed)

    class Thing(events.Object):
        on = ThingEvents()

    def handler() -> Callable[[Any], None]:
        def handle(_: Any) -> None:
            heard[0] += 1

        return handle

    thing = Thing()
    for _ in range(handlers):
        events.handle_event(Happened)(handler())
        events.observe(thing.on.happened, handler())
    times = {
        "emit_event": _timed(lambda: events.emit_event(Happened, number=1), heard, handlers, rounds, repeat)
    }
    heard[0] = 0
    times["object"] = _timed(lambda: thing.on.happened.emit(number=1), heard, handlers, rounds, repeat)
    return times


def emit_blinker(handlers: int, rounds: int, repeat: int) -> Dict[str, Times]:
    """A signal with as many receivers."""
    import blinker

    heard = [0]

    def receiver() -> Callable[..., None]:
        def receive(_: Any, **__: int) -> None:
            heard[0] += 1

        return receive

    signal = blinker.Signal()
    kept = [receiver() for _ in range(handlers)]
    for each in kept:
        signal.connect(each)
    return {"send": _timed(lambda: signal.send(None, number=1), heard, handlers, rounds, repeat)}


def emit_psygnal(handlers: int, rounds: int, repeat: int) -> Dict[str, Times]:
    """A signal of a class with as many callbacks."""
    import psygnal

    heard = [0]

    class Thing:
        happened = psygnal.Signal(int)

    def callback() -> Callable[[int], None]:
        def receive(_: int) -> None:
            heard[0] += 1

        return receive

    thing: Any = Thing()
    kept = [callback() for _ in range(handlers)]
    for each in kept:
        thing.happened.connect(each, check_nargs=False, unique=False)
    return {"emit": _timed(lambda: thing.happened.emit(1), heard, handlers, rounds, repeat)}


def emit_ops(handlers: int, rounds: int, repeat: int) -> Dict[str, Times]:
    """A custom event with as many observers, in ops's own framework with its storage in a file."""
    from pathlib import Path

    import ops
    from ops.storage import SQLiteStorage

    heard = [0]

    class Happened(ops.EventBase):
        def __init__(self, handle: Any, number: int = 0) -> None:
            super().__init__(handle)
            self.number = number

        def snapshot(self) -> Dict[str, Any]:
            return {"number": self.number}

        def restore(self, snapshot: Dict[str, Any]) -> None:
            self.number = snapshot["number"]

    class ThingEvents(ops.ObjectEvents):
        happened = ops.EventSource(Happened)

    class Thing(ops.Object):
        on = ThingEvents()

    class Observer(ops.Object):
        def _on_happened(self, event: Any) -> None:
            heard[0] += 1

    directory = tempfile.mkdtemp(prefix="reactive-bench-")
    try:
        storage = SQLiteStorage(os.path.join(directory, ".unit-state.db"))
        meta: Any = ops.CharmMeta.from_yaml("name: bench")
        framework = ops.Framework(storage, Path(directory), meta, None)  # type: ignore[arg-type]
        thing = Thing(framework, "thing")
        kept = [Observer(framework, "observer-%d" % number) for number in range(handlers)]
        for each in kept:
            framework.observe(thing.on.happened, each._on_happened)
        return {"emit": _timed(lambda: thing.on.happened.emit(number=1), heard, handlers, rounds, repeat)}
    finally:
        shutil.rmtree(directory)


def without_events(package: str, target: str) -> None:
    """Copy the package without the lines in ``flags.py`` that are there for events: what they cost."""
    shutil.copytree(package, target, ignore=shutil.ignore_patterns("__pycache__"))
    path = os.path.join(target, "charms_reactive", "flags.py")
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    removed = 0
    for node in ast.walk(tree):
        for name in ("body", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                kept = [each for each in body if not _is_about_events(each)]
                removed += len(body) - len(kept)
                setattr(node, name, kept or [ast.Pass()] if body else body)
    if removed < 3:
        raise RuntimeError("%s no longer looks as this benchmark expects" % path)
    with open(path, "w", encoding="utf-8") as file:
        file.write(ast.unparse(tree))


def _is_about_events(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and any(
        isinstance(each, ast.Name) and each.id == "listener" for each in ast.walk(node.test)
    )


def flag_changes(path: str, changes: int, repeat: int) -> Dict[str, Times]:
    """CPU seconds of as many changes of flags, in an open transaction, with the package at a path."""
    sys.path.insert(0, path)
    from workloads import prepare

    reactive = prepare(0)
    import charms_reactive

    if not str(charms_reactive.__file__).startswith(path):
        raise RuntimeError("measured %s" % charms_reactive.__file__)
    if "charms_reactive.events" in sys.modules:
        raise RuntimeError("somebody listens")
    from charmhelpers.core import unitdata

    unitdata.kv().set("bench.scratch", 1)
    names = ["bench.%d" % number for number in range(changes // 2)]
    times = []
    for _ in range(repeat):
        begin = process_time()
        for name in names:
            reactive.set_flag(name)
        for name in names:
            reactive.clear_flag(name)
        times.append(process_time() - begin)
    return {"changes": times}


WORKLOADS = {
    "emit_ours": emit_ours,
    "emit_blinker": emit_blinker,
    "emit_ops": emit_ops,
    "emit_psygnal": emit_psygnal,
    "flag_changes": flag_changes,
}
