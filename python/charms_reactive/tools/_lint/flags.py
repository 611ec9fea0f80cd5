"""Rules about flags: who sets them, who waits for them, and handlers that cannot run or never rest."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Counter as CounterOf
from typing import Dict, Iterator, List, Optional, Set, Tuple

from charms_reactive.tools._charm.knowledge import EDGES, KINDS, Reading
from charms_reactive.tools._charm.model import Condition, Decorator, Handler, Place, SourceFile
from charms_reactive.tools._charm.names import ENDPOINT, HOLE, NameIndex, nearest
from charms_reactive.tools._charm.syntax import place_of

from .loops import ping_pongs, trigger_cycles
from .rules import ERROR, NOTE, Finding, Settings, rule

_OPTION_FLAG = re.compile(r"config\.(?:changed|set|default)\.(.+)")
_AUTOMATIC = ("config.changed", "config.set.", "config.default.", "leadership.", "endpoint.")


# -- who sets, who reads ------------------------------------------------------------------------------
@rule("CR101", "flag-never-set", ERROR, "a handler waits for a flag that nothing sets")
def never_set(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A handler waits for a flag that nothing sets, so that it never runs.

    Nearly always the name is misspelt in one of the two places. What counts as setting a flag: the charm's
    code in Python and bash, its triggers, the framework (config.*, leadership.*, endpoint.*), and the layers
    that are in the tree. Where layers are missing, because the charm is not built yet, or where a name is put
    together in a way that cannot be followed, only names that differ in a single letter are told of.

    A flag that is set by somebody whom this cannot see (an action of another repository, a person): write
    `# reactive: ignore[CR101]` behind it.
    """
    known = reading.known_flags()
    sure = reading.whole and not known.open and not _foreign(reading)
    elsewhere = _mentions(reading)
    told: Set[Tuple[str, Place]] = set()
    for handler in reading.handlers:
        for condition in handler.conditions:
            missing = [
                (flag, place)
                for flag, place in zip(condition.flags, condition.places)
                if _is_unset(reading, flag, known)
            ]
            never = condition.kind == "all" or (
                condition.kind in ("any", "edge") and len(missing) == len(condition.flags)
            )
            for flag, place in missing:
                if (flag, place) in told:
                    continue
                told.add((flag, place))
                meant = _slip(flag, known.literals, elsewhere)
                if meant is None and not (never and sure):
                    continue
                if meant is None:
                    meant = nearest(flag, known.literals)
                    if elsewhere[flag] > 0:
                        continue
                if never:
                    yield never_set.at(
                        place, "%s waits for the flag %r, which nothing sets" % (handler.name, flag), meant
                    )
                else:
                    message = "%s asks for the flag %r, which nothing sets" % (handler.name, flag)
                    yield never_set.at(place, message, meant)
    yield from _unset_reads(reading, known, elsewhere)


def _unset_reads(reading: Reading, known: NameIndex, elsewhere: CounterOf[str]) -> Iterator[Finding]:
    for use in reading.uses:
        if use.how in ("read", "relation", "trigger") and _is_unset(reading, use.name, known):
            meant = _slip(use.name, known.literals, elsewhere)
            if meant is not None:
                yield never_set.at(
                    use.place, "the flag %r is asked for, and nothing sets it" % use.name, meant
                )


def _is_unset(reading: Reading, flag: str, known: NameIndex) -> bool:
    if not flag or HOLE in flag or "{" in flag or flag in known or reading.is_of_missing_interface(flag):
        return False
    if _OPTION_FLAG.fullmatch(flag) or flag.startswith(("config.", "leadership.")):
        return False  # an option's name is another rule's business
    if flag.startswith("endpoint."):
        return flag.split(".")[1] in reading.declared.endpoints
    return True


def _foreign(reading: Reading) -> bool:
    """Whether the charm uses a library that is known to set flags, and that is not in the tree."""
    return any(
        name.startswith(("charms_openstack", "charms.openstack"))
        for file in reading.files
        for name, _, _ in file.imported
    )


def _mentions(reading: Reading) -> CounterOf[str]:
    """How often each string stands in the code where it is not just asked for as a flag."""
    found: CounterOf[str] = Counter()
    for file in reading.files:
        found.update(file.string_counts)
    seen: Set[Tuple[str, Place]] = set()
    for use in reading.uses:
        if (use.name, use.place) not in seen:
            seen.add((use.name, use.place))
            found[use.name] -= 1
    return found


def _slip(flag: str, known: Set[str], elsewhere: CounterOf[str]) -> Optional[str]:
    """The flag that was meant, where the difference is one slip of the pen."""
    if elsewhere[flag] > 0:
        return None
    found = nearest(flag, known, 0.85)
    if found is None or not _one_letter(flag, found):
        return None
    return found


def _one_letter(one: str, other: str) -> bool:
    """Whether two names differ by case, by ``-`` and ``_``, or by one letter or two that changed places."""
    flat, other_flat = one.replace("_", "-").lower(), other.replace("_", "-").lower()
    if flat == other_flat:
        return True
    begin = 0
    while begin < min(len(flat), len(other_flat)) and flat[begin] == other_flat[begin]:
        begin += 1
    end = 0
    while end < min(len(flat), len(other_flat)) - begin and flat[-1 - end] == other_flat[-1 - end]:
        end += 1
    here, there = flat[begin : len(flat) - end], other_flat[begin : len(other_flat) - end]
    if any(letter.isdigit() for letter in here + there):
        return False  # a number is a name of its own
    if len(here) <= 1 and len(there) <= 1:
        # Another first letter, or an s, makes another word as often as a slip.
        return begin > 0 and here + there != "s"
    return len(here) == 2 and here == there[::-1]


@rule("CR102", "flag-never-read", NOTE, "a flag is set or cleared, and nobody ever asks for it")
def never_read(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A flag is set or cleared, and no handler, trigger or function asks for it.

    It may be left over, it may be misspelt, or it may be there for other layers or for people, which is why
    this is a note. Flags of interface layers are there for charms, and are told of in a whole charm only.
    """
    asked = NameIndex(
        use.name for use in reading.uses if use.how in ("condition", "read", "relation", "trigger")
    )
    if asked.open or any(
        site.name in ("get_flags", "get_states") for file in reading.files for site in file.calls
    ):
        return
    if reading.declared.kind != "charm":
        return  # the flags of a layer are there for charms
    elsewhere = _mentions(reading)
    told: Set[str] = set()
    for use in reading.uses:
        if use.how not in ("set", "clear", "toggle", "triggered-set", "triggered-clear") or use.name in told:
            continue
        file = reading.by_path.get(use.place.file)
        if HOLE in use.name or use.name in asked or elsewhere[use.name] > 0 or (file and file.interface):
            continue
        if not reading.whole and not use.place.file.startswith(("reactive/", "hooks/reactive/")):
            continue
        if reading.is_of_missing_interface(use.name):
            continue
        if use.name.startswith(_AUTOMATIC):
            continue
        told.add(use.name)
        waited = [
            flag
            for handler in reading.handlers
            for flag in handler.flags
            if "{" not in flag and HOLE not in flag
        ]
        meant = nearest(use.name, waited, 0.85)
        done = {"set": "set", "triggered-set": "set", "toggle": "toggled"}.get(use.how, "cleared")
        yield never_read.at(use.place, "the flag %r is %s, and nobody asks for it" % (use.name, done), meant)


# -- what always holds, and what never does -------------------------------------------------------------
def always_on(reading: Reading) -> Dict[Handler, List[str]]:
    """The handlers that run in every hook once they have run, each with the flags that stay set."""
    cleared = NameIndex(use.name for use in reading.uses if use.how in ("clear", "toggle", "triggered-clear"))
    own = NameIndex(use.name for use in reading.uses if use.how in ("set", "triggered-set"))
    found: Dict[Handler, List[str]] = {}
    for handler in reading.handlers:
        if handler.predicates or handler.hooks or handler.actions or not handler.conditions:
            continue
        flags = handler.flags
        if (
            flags
            and all(one.kind == "all" for one in handler.conditions)
            and all(
                flag in own.literals and flag not in cleared and not flag.startswith(_AUTOMATIC)
                for flag in flags
            )
        ):
            found[handler] = flags
    return found


@rule("CR103", "runs-in-every-hook", NOTE, "once its flags are set a handler runs in every hook")
def every_hook(reading: Reading, _: Settings) -> Iterator[Finding]:
    """The flags that a handler waits for are set once and never cleared, and nothing else is asked.

    From then on it runs in every hook, with update-status every five minutes. That may be meant: what it does
    then has to be cheap, and bear being done again. If it is to be done once, add `@when_not` of a flag that
    the handler sets when it is done.
    """
    if not reading.whole:
        return
    for handler, flags in always_on(reading).items():
        message = "%s runs in every hook, update-status too, once %s: nothing clears %s" % (
            handler.name,
            "%s are set" % " and ".join(map(repr, flags)) if len(flags) > 1 else "%r is set" % flags[0],
            "them" if len(flags) > 1 else "it",
        )
        yield every_hook.at(handler.place, message)


@rule("CR104", "contradiction", ERROR, "the conditions of a handler cannot hold together")
def contradiction(reading: Reading, _: Settings) -> Iterator[Finding]:
    """The conditions of a handler cannot hold at the same time, so that it never runs.

    All decorators of a function have to hold: `@when("a")` above `@when_not("a")` never does, nor does
    `@when_not_all` of flags that `@when` asks for, or `@when_any` of flags that `@when_not` rules out.
    """
    told: Set[Tuple[Place, str]] = set()
    for handler in reading.handlers:
        needed, excluded = handler.waits_for("all"), handler.waits_for("none")
        for condition in handler.conditions:
            for place, message in _impossible(condition, needed, excluded):
                if (place, message) not in told:
                    told.add((place, message))
                    yield contradiction.at(place, "%s never runs: %s" % (handler.name, message))


def _impossible(condition: Condition, needed: Set[str], excluded: Set[str]) -> Iterator[Tuple[Place, str]]:
    pairs = list(zip(condition.flags, condition.places))
    if any(HOLE in flag for flag in condition.flags):
        return
    if condition.kind == "none":
        for flag, place in pairs:
            if flag in needed:
                yield place, "it asks for %r to be set and not to be set" % flag
    elif condition.kind == "any" and pairs and all(flag in excluded for flag, _ in pairs):
        yield pairs[0][1], "@when_any asks for one of the flags that @when_not rules out"
    elif condition.kind == "not_all" and pairs and all(flag in needed for flag, _ in pairs):
        yield pairs[0][1], "@when_not_all asks for one of these not to be set, and @when for all of them"


@rule("CR105", "ping-pong", ERROR, "handlers that make one another run again without an end")
def ping_pong(reading: Reading, _: Settings) -> Iterator[Finding]:
    """Handlers change flags in such a way that each makes the next one run, and the last one the first.

    The framework gives up after 100 iterations with a warning, and in strict mode with an error. Only
    changes that are made whenever the handler runs count here, so that a cycle that is told of is one. Let
    one of them clear the flag that it runs for, or guard it by a flag that it sets.
    """
    for ring in ping_pongs(reading):
        first = ring[0][0]
        if len(ring) == 1:
            message = "%s makes itself run again, without an end: %s" % (first.name, ring[0][1])
        else:
            steps = ["%s (%s)" % (handler.name, change) for handler, change in ring]
            message = "handlers fire one another without an end: %s -> %s" % (" -> ".join(steps), first.name)
        yield ping_pong.at(first.place, message)


@rule("CR106", "trigger-cycle", ERROR, "triggers that change one another's flags without an end")
def trigger_cycle(reading: Reading, _: Settings) -> Iterator[Finding]:
    """Triggers lead back to the change that they began with, which is a `TriggerCycleError`.

    A chain that comes back to a flag that has its value already ends there and is no cycle.
    """
    for ring in trigger_cycles(reading.triggers):
        steps = [
            "%s %s" % ("set" if on else "clear", flag) for flag, on in (*(one[1] for one in ring), ring[0][1])
        ]
        yield trigger_cycle.at(ring[0][0].place, "triggers form a cycle: %s" % " -> ".join(steps))


# -- names in decorators ----------------------------------------------------------------------------------
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


@rule("CR107", "placeholder", ERROR, "a placeholder in a flag that nobody fills in")
def placeholder(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A decorator has a placeholder in a flag's name that the framework does not fill in.

    It fills in `{endpoint_name}`, and only in the modules requires.py, provides.py and peers.py of an
    interface layer. Elsewhere name the endpoint.
    """
    for file in reading.files:
        for function in file.functions:
            for decorator in function.decorators:
                if decorator.name not in KINDS and decorator.name not in EDGES:
                    continue
                for text, place in _literal_arguments(decorator, file):
                    match = _PLACEHOLDER.search(text)
                    if match is None:
                        continue
                    inside = file.role in ("requires", "provides", "peers")
                    if inside and match.group() == ENDPOINT:
                        continue
                    if inside:
                        message = "nobody fills in %s in the flag %r" % (match.group(), text)
                        yield placeholder.at(place, message, text.replace(match.group(), ENDPOINT))
                    else:
                        yield placeholder.at(
                            place,
                            "nobody fills in %s in the flag %r, outside of interface layers"
                            % (match.group(), text),
                            advice="name the endpoint",
                        )


def _keywords(decorator: Decorator) -> List[ast.keyword]:
    return [word for word in getattr(decorator.node, "keywords", ()) if word.arg != "name"]


def _literal_arguments(decorator: Decorator, file: SourceFile) -> Iterator[Tuple[str, Place]]:
    if file.kind == "bash":
        yield from ((name, place) for name, place in decorator.args if HOLE not in name)
        return
    for node in getattr(decorator.node, "args", ()):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, place_of(node, file)


@rule("CR108", "decorator-without-names", ERROR, "a decorator that names nothing, or is not called")
def nameless(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A decorator names no flag, hook, action or file, is given a list, or is not called at all.

    `@when()` lets the handler run whatever is set, `@when_any()` and `@hook()` never do; `@when` without
    parentheses and `@when(["a", "b"])` are errors when the module is imported. Write `@when("a", "b")`, or
    `@when(*flags)`.
    """
    for file in reading.files:
        for function in file.functions:
            for decorator in function.decorators:
                if decorator.name in ("", "only_once", "collect_metrics", "meter_status_changed"):
                    continue
                if not decorator.called:
                    yield nameless.at(
                        decorator.place,
                        "@%s of %s is not called" % (decorator.name, function.name),
                        advice='write @%s("…")' % decorator.name,
                    )
                    continue
                nodes = getattr(decorator.node, "args", [])
                lists = [one for one in nodes if isinstance(one, (ast.List, ast.Tuple, ast.Set))]
                if lists:
                    message = "@%s of %s is given a list" % (decorator.name, function.name)
                    yield nameless.at(
                        decorator.place, message, advice="write @%s(*[…]), or the names" % decorator.name
                    )
                elif not (decorator.args or decorator.unknown or nodes or _keywords(decorator)):
                    what = {"hook": "hook", "action": "action", "when_file_changed": "file"}.get(
                        decorator.name, "flag"
                    )
                    never = decorator.name in (
                        "when_any",
                        "when_not_all",
                        "hook",
                        "action",
                        "when_file_changed",
                    )
                    message = "@%s of %s names no %s, so that it %s" % (
                        decorator.name,
                        function.name,
                        what,
                        "never runs" if never else "runs whatever is set",
                    )
                    yield nameless.at(decorator.place, message)
