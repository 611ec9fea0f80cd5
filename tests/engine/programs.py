"""Random programs for the engine: what they are made of, how they print, how they are made and shrunk.

A program is plain data: lines that a driver carries out one after the other (define a trigger or a
handler, change a flag, dispatch), with scripts inside them for what handlers, predicates and
callbacks do. It prints as a small script, so that a failure can be read, and it can be cut in any
place and still be a program, so that a failure can be made small.
"""

from __future__ import annotations

import random
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from . import model

Script = Tuple["Op", ...]
Flags = Tuple[str, ...]

_KINDS = {
    model.ALL: "when_all",
    model.ANY: "when_any",
    model.NONE: "when_none",
    model.NOT_ALL: "when_not_all",
}
_PHASES = {model.HOOKS: "hooks", model.OTHER: "other", model.RESTRICTED: "restricted"}


# -- what programs are made of ---------------------------------------------------------------------
class Change(NamedTuple):
    """Set or clear a flag, and run the callbacks that this calls for."""

    flag: str
    on: bool

    def __str__(self) -> str:
        return "%s %s" % ("set" if self.on else "clear", _name(self.flag))


class Trigger(NamedTuple):
    """Register a trigger."""

    flag: str
    on: bool
    sets: Optional[str] = None
    clears: Optional[str] = None
    calls: Optional[int] = None

    def __str__(self) -> str:
        actions = []
        if self.sets is not None:
            actions.append("set " + _name(self.sets))
        if self.clears is not None:
            actions.append("clear " + _name(self.clears))
        if self.calls is not None:
            actions.append("call c%d" % self.calls)
        edge = "set" if self.on else "clear"
        return "trigger: on %s %s -> %s" % (edge, _name(self.flag), ", ".join(actions) or "nothing")


class Handler(NamedTuple):
    """Add a handler: its conditions, what it watches besides, its phases, its predicate, its body.

    A handler with ``answers`` is opaque: each time it is asked about, the driver carries out
    ``asking`` and gives the next of the answers, over and over.
    """

    conditions: Tuple[Tuple[int, Flags], ...] = ()
    body: Script = ()
    edges: Tuple[Tuple[str, bool], ...] = ()
    watched: Flags = ()
    phases: int = 0
    answers: Tuple[bool, ...] = ()
    asking: Script = ()

    def __str__(self) -> str:
        return "handler" + self.after_name()

    def after_name(self) -> str:
        words = ["%s(%s)" % (_KINDS[kind], _names(flags)) for kind, flags in self.conditions]
        words += ["when_%s(%s)" % ("set" if on else "cleared", _name(flag)) for flag, on in self.edges]
        if self.watched:
            words.append("watch(%s)" % _names(self.watched))
        if self.phases:
            words.append("in(%s)" % ", ".join(name for bit, name in _PHASES.items() if self.phases & bit))
        if self.answers:
            asked = "asked(%s)" % ", ".join("yes" if answer else "no" for answer in self.answers)
            words.append(asked + (" which does {%s}" % _inline(self.asking) if self.asking else ""))
        return "".join(" " + word for word in words) + ": " + _inline(self.body)


class Try(NamedTuple):
    """Carry out a script and swallow what it raises."""

    script: Script

    def __str__(self) -> str:
        return "try {%s}" % _inline(self.script)


class Raise(NamedTuple):
    """Raise, as user code does."""

    def __str__(self) -> str:
        return "raise"


class Call(NamedTuple):
    """Call a method of the engine as it is, in order or out of order."""

    method: str
    args: Tuple[object, ...] = ()

    def __str__(self) -> str:
        return "%s(%s)" % (self.method, ", ".join(_argument(argument) for argument in self.args))


class Dispatch(NamedTuple):
    """Run one dispatch to its end. If it raises, it is aborted and the flags before it are loaded."""

    restricted: bool = False
    quiet: bool = False

    def __str__(self) -> str:
        return "dispatch" + " restricted" * self.restricted + " quiet" * self.quiet


Op = Union[Change, Trigger, Handler, Try, Raise, Call, Dispatch]


class Program(NamedTuple):
    """A whole program; ``callbacks[n]`` is what callback ``cN`` does.

    ``patience`` is after how many calls to the engine the driver stops, so that few of the many
    programs that never settle take the long way to the limit.
    """

    lines: Script
    callbacks: Tuple[Script, ...] = ()
    patience: int = 5000

    def __str__(self) -> str:
        text = [
            "callback c%d: %s" % (n, _inline(script)) for n, script in enumerate(self.callbacks) if script
        ]
        number: Optional[int] = 0
        for line in self.lines:
            if isinstance(line, Handler) and number is not None:
                text.append("handler %d%s" % (number, line.after_name()))
                number += 1
            else:
                text.append(str(line))
                if not isinstance(line, Trigger):
                    number = None  # From here on, something else may have added handlers in between.
        return "\n".join(text)


def _name(flag: str) -> str:
    plain = flag and all(letter.isalnum() or letter in "._-" for letter in flag) and flag.isprintable()
    return flag if plain else ascii(flag)


def _names(flags: Flags) -> str:
    return ", ".join(_name(flag) for flag in flags)


def _inline(script: Script) -> str:
    return "; ".join(str(op) for op in script) or "pass"


def _argument(argument: object) -> str:
    if isinstance(argument, str):
        return _name(argument)
    if isinstance(argument, tuple):
        return "[%s]" % _names(argument)
    return str(argument)


# -- making them -----------------------------------------------------------------------------------
_POOLS = (
    ("a", "b"),
    ("a", "b", "c"),
    ("a", "b", "c"),
    ("a", "b", "c", "d"),
    ("a", "b", "c", "d", "e"),
    # Sorted by code point, the last is the last; in UTF-16 it would come before the one before it.
    ("", "a.b", "\u00e9", "e\u0301", "\uffee", "\U0001f600"),
)
_MISUSE = (
    Call("next"),
    Call("answer", (True,)),
    Call("answer", (False,)),
    Call("start", (False,)),
    Call("start", (True,)),
    Call("abort"),
    Call("resume"),
    Call("unwind"),
    Call("touch", ("\ud800",)),
    Call("load", (("a", "\udfff"),)),
    Change("\ud800", True),
)


def flags_of(program: Program) -> List[str]:
    """The flags that a program names, without those that no engine takes."""
    return [flag for flag in sorted(set(_flags_in((program.lines, program.callbacks)))) if _is_text(flag)]


def _is_text(flag: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in flag)


def random_program(seed: int, number: int) -> Program:
    """The program of this number; the same ever after for the same seed."""
    return _Maker(random.Random("%d/%d" % (seed, number))).program()


class _Maker:
    """Makes one program. The weights are such that most programs do something and still end."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._pool = rng.choice(_POOLS)
        self._callbacks = rng.choice((0, 1, 1, 2))
        kinds: Dict[Callable[[int], Op], int] = {
            self._set: 40,
            self._clear: 30,
            self._touch: 4,
            self._load: 4,
            self._raise: 3,
            self._try: 4,
            self._trigger: 4,
            self._handler: 4,
            self._condition: 4,
            self._watch: 3,
            self._edge: 3,
            self._hear: 2,
            self._confine: 2,
            self._opaque: 1,
            self._misuse: 2,
            self._forget: 1,
        }
        self._kinds = [make for make, weight in kinds.items() for _ in range(weight)]

    def program(self) -> Program:
        rng = self._rng
        lines: List[Op] = [self._trigger(0) for _ in range(rng.choice((0, 0, 1, 2, 3, 4)))]
        if rng.random() < 0.15:
            lines.append(self._meddler())
        lines += [self._handler(0) for _ in range(rng.choice((1, 2, 3, 3, 4, 5)))]
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            lines += self._script(0, 4)
            lines.append(Dispatch(rng.random() < 0.15, rng.random() < 0.25))
        callbacks = tuple(self._script(1, 3) for _ in range(self._callbacks))
        return Program(tuple(lines), callbacks, 5000 if rng.random() < 0.02 else 150)

    def _script(self, depth: int, longest: int) -> Script:
        kinds, choice = self._kinds, self._rng.choice
        return tuple([choice(kinds)(depth) for _ in range(self._rng.randrange(longest + 1))])

    def _flag(self) -> str:
        return self._rng.choice(self._pool)

    def _flags(self) -> Flags:
        return tuple([self._flag() for _ in range(self._rng.choice((0, 1, 1, 1, 1, 2, 2, 2, 3)))])

    def _set(self, depth: int) -> Op:
        return Change(self._flag(), True)

    def _clear(self, depth: int) -> Op:
        return Change(self._flag(), False)

    def _touch(self, depth: int) -> Op:
        return Call("touch", (self._flag(),))

    def _load(self, depth: int) -> Op:
        return Call("load", (self._flags(),))

    def _raise(self, depth: int) -> Op:
        return Raise()

    def _try(self, depth: int) -> Op:
        return Try(self._script(depth + 1, 3)) if depth < 3 else Raise()

    def _trigger(self, depth: int) -> Op:
        rng = self._rng
        return Trigger(
            self._flag(),
            rng.random() < 0.6,
            self._flag() if rng.random() < 0.6 else None,
            self._flag() if rng.random() < 0.5 else None,
            rng.randrange(self._callbacks) if self._callbacks and rng.random() < 0.4 else None,
        )

    def _handler(self, depth: int) -> Op:
        rng = self._rng
        conditions = tuple([(rng.randrange(4), self._flags()) for _ in range(rng.choice((0, 1, 1, 1, 2, 2)))])
        edges = ()
        if rng.random() < 0.3:
            edges = tuple([(self._flag(), rng.random() < 0.6) for _ in range(rng.choice((1, 1, 2, 3)))])
        phases = 0
        if not conditions and not edges:  # Most are confined: what matches always goes on to the limit.
            phases = rng.choice(
                (model.HOOKS, model.HOOKS, model.RESTRICTED, model.HOOKS | model.RESTRICTED, 0)
            )
        elif rng.random() < 0.05:
            phases = rng.randrange(8)
        opaque = rng.random() < 0.2
        answers = tuple([rng.random() < 0.6 for _ in range(rng.randrange(1, 4))]) if opaque else ()
        return Handler(
            conditions,
            self._script(depth + 1, 3) if depth < 2 else (),
            edges,
            self._flags() if rng.random() < 0.1 else (),
            phases,
            answers,
            self._script(depth + 1, 2) if opaque and depth < 2 and rng.random() < 0.3 else (),
        )

    def _meddler(self) -> Op:
        """A handler that changes one which may be behind it in the queue, and has the queue tested again."""
        flag, meddle = (
            self._flag(),
            self._rng.choice(
                (self._condition, self._watch, self._confine, self._opaque, self._edge, self._hear)
            ),
        )
        body = (meddle(0), Change(flag, True), Change(flag, False))
        return Handler((), body, phases=self._rng.choice((model.HOOKS, model.OTHER)), watched=self._flags())

    def _condition(self, depth: int) -> Op:
        return Call("add_condition", (self._rng.randrange(4), self._rng.randrange(4), self._flags()))

    def _watch(self, depth: int) -> Op:
        return Call("watch", (self._rng.randrange(4), self._flags()))

    def _edge(self, depth: int) -> Op:
        return Call("add_edge", (self._rng.randrange(4), self._flag(), self._rng.random() < 0.6))

    def _hear(self, depth: int) -> Op:
        if self._rng.random() < 0.15:
            return Call("forget_heard")
        return Call("hear", (self._rng.randrange(4), self._flag(), self._rng.random() < 0.6))

    def _confine(self, depth: int) -> Op:
        return Call("confine", (self._rng.randrange(4), self._rng.randrange(8)))

    def _opaque(self, depth: int) -> Op:
        return Call("set_opaque", (self._rng.randrange(4),))

    def _misuse(self, depth: int) -> Op:
        return self._rng.choice(_MISUSE)

    def _forget(self, depth: int) -> Op:
        return Call(self._rng.choice(("clear_triggers", "clear_triggers", "clear_handlers")))


# -- making them small -----------------------------------------------------------------------------
def shrink(program: Program, fails: Callable[[Program], bool]) -> Program:
    """The smallest program that still fails, as far as cutting one thing after another finds it."""
    shrunk = True
    while shrunk:
        shrunk = False
        for candidate in _smaller_programs(program):
            if _weight(candidate) < _weight(program) and fails(candidate):
                program, shrunk = candidate, True
                break
    return program


def _weight(program: Program) -> Tuple[int, int]:
    """Length first, then how far the names are from the beginning of the alphabet."""
    text = str(program)
    return len(text), sum(map(ord, text))


def _smaller_programs(program: Program) -> Iterator[Program]:
    """The program with something cut, the biggest cuts first."""
    for lines in _smaller(program.lines):
        yield program._replace(lines=lines)
    callbacks = program.callbacks
    for n, script in enumerate(callbacks):
        for smaller in _smaller(script):
            yield program._replace(callbacks=(*callbacks[:n], smaller, *callbacks[n + 1 :]))
    for flag in flags_of(program):
        for other in ("a", "b", "c", "d", "e"):
            if other != flag:
                yield _rename(program, flag, other)


def _smaller(script: Script) -> Iterator[Script]:
    size = len(script)
    while size:
        for start in range(0, len(script), size):
            yield script[:start] + script[start + size :]
        size //= 2
    for n, op in enumerate(script):
        for smaller in _smaller_ops(op):
            yield script[:n] + smaller + script[n + 1 :]


def _smaller_ops(op: Op) -> Iterator[Script]:
    """What may stand in the place of one statement."""
    if isinstance(op, Trigger):
        for action in ("sets", "clears", "calls"):
            if getattr(op, action) is not None:
                yield (op._replace(**{action: None}),)
    elif isinstance(op, Handler):
        for conditions in _without_one(op.conditions):
            yield (op._replace(conditions=conditions),)
        for n, (kind, flags) in enumerate(op.conditions):
            for fewer in _without_one(flags):
                yield (op._replace(conditions=(*op.conditions[:n], (kind, fewer), *op.conditions[n + 1 :])),)
        for edges in _without_one(op.edges):
            yield (op._replace(edges=edges),)
        if op.answers:
            yield (op._replace(answers=(), asking=()),)
        if op.phases:
            yield (op._replace(phases=0),)
        for body in _smaller(op.body):
            yield (op._replace(body=body),)
        for asking in _smaller(op.asking):
            yield (op._replace(asking=asking),)
        for watched in _without_one(op.watched):
            yield (op._replace(watched=watched),)
        if len(op.answers) > 1:
            for answers in _without_one(op.answers):
                yield (op._replace(answers=answers),)
    elif isinstance(op, Dispatch) and (op.quiet or op.restricted):
        yield (op._replace(quiet=False),)
        yield (op._replace(restricted=False),)
    elif isinstance(op, Try):
        yield op.script
        for script in _smaller(op.script):
            yield (Try(script),)
    elif isinstance(op, Call) and op.args and isinstance(op.args[-1], tuple):
        for flags in _without_one(op.args[-1]):
            yield (op._replace(args=(*op.args[:-1], flags)),)


def _without_one(items: Tuple[Any, ...]) -> Iterator[Tuple[Any, ...]]:
    for n in range(len(items)):
        yield items[:n] + items[n + 1 :]


def _flags_in(part: object) -> Iterator[str]:
    """All flags of a part of a program. A method's name is no flag."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for inner in part[1:] if isinstance(part, Call) else part:
            yield from _flags_in(inner)


def _rename(part: Any, flag: str, other: str) -> Any:
    """The same part with another flag in the place of one."""
    if isinstance(part, str):
        return other if part == flag else part
    if isinstance(part, Call):
        return part._replace(args=_rename(part.args, flag, other))
    if isinstance(part, tuple):
        inner = [_rename(item, flag, other) for item in part]
        return type(part)(*inner) if hasattr(part, "_fields") else tuple(inner)
    return part
