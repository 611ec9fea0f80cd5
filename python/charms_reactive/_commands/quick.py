"""The commands of ``charms.reactive`` that need nothing but the rows of the unit state.

A shell script may run dozens of them in one hook, so a command is over in about the time that an
interpreter takes to start. This module, and all that it imports, is loaded without the package's
``__init__``, without charmhelpers and without most of the standard library. The program in
``crates/reactive-command`` does the same without an interpreter, and reads alike.

It answers in the common case only. Everything else, be it another command, a usage error, a state file
that is missing, or the repair after a killed hook, is left to :mod:`charms_reactive.cli` before anything
is written. So there is one place for each error's sentence and for whatever is rare.
"""

from __future__ import annotations

import _sqlite3  # its wrapper imports dates, which costs as much again
import os
import sys

from charms_reactive._unit_state.rows import (
    ARMED,
    CHANGES,
    CLEAR_TRIGGERS,
    FLAGS,
    HEARD_CLEAR,
    HEARD_SET,
    HOOK_VARIABLE,
    INVOKED,
    KEPT,
    LENT_VARIABLE,
    PHASE,
    REMOVED,
    SET_TRIGGERS,
    WATCH,
    lock_timeout,
    odd_lock_timeout,
    range_below,
)

from .light_json import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

    from charms_reactive._engine.pure import Engine

__all__ = ["main"]


class _NotOurs(Exception):
    """This is not a command for this module, or not a common case of one. Nothing was written."""


def main(arguments: Sequence[str]) -> Optional[int]:
    """Run a command, if it is one of those here and nothing is out of the ordinary.

    Args:
        arguments: the command line, without the program.

    Returns:
        The exit status: 0 for done or yes, 1 for no; ``None`` if the framework has to do it, in which
        case nothing was written or printed.
    """
    if os.environ.get("CHARMS_REACTIVE_ENGINE", "") not in ("", "pure"):
        return None  # the framework knows whether there is another engine
    if odd_lock_timeout():
        return None  # and says so
    try:
        answer_format, words = _take_format(arguments)
        run = _COMMANDS.get(words[0]) if words else None
        if run is None:
            return None
        state = _UnitState()
        try:
            answer = run(state, words[1:])
        finally:
            state.close()
        if isinstance(answer, bool):
            return 0 if answer else 1
        return 0 if answer is None else _print(answer_format, answer)
    except (_NotOurs, _sqlite3.Error, ValueError, KeyError, TypeError, AttributeError, OSError):
        # Whatever is wrong with a row, a word or the file, the framework has the sentence for it.
        return None


# -- the command line ---------------------------------------------------------------------------
def _take_format(arguments: Sequence[str]) -> Tuple[str, Sequence[str]]:
    if arguments and arguments[0] in _FORMATS:
        return _FORMATS[arguments[0]], arguments[1:]
    if arguments and arguments[0] == "--format":
        return _FORMATS["--format=" + arguments[1]] if len(arguments) > 1 else "", arguments[2:]
    return "raw", arguments


_FORMATS = {
    "-r": "raw",
    "--raw": "raw",
    "--format=raw": "raw",
    "-j": "json",
    "--json": "json",
    "--format=json": "json",
}


def _plain(words: Sequence[str]) -> Sequence[str]:
    """The words, none of which is an option; options and mistakes are for the real parser."""
    for word in words:
        if word.startswith("-"):
            raise _NotOurs
        word.encode("utf-8")
    return words


def _one(words: Sequence[str]) -> str:
    if len(words) != 1:
        raise _NotOurs
    return _plain(words)[0]


def _options(words: Sequence[str], names: Sequence[str]) -> Tuple[Dict[str, str], List[str]]:
    """The options of these names, each given once, and the words that remain."""
    found: Dict[str, str] = {}
    plain: List[str] = []
    todo = list(words)
    while todo:
        word = todo.pop(0)
        if not word.startswith("-"):
            plain.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in names or name in found:
            raise _NotOurs
        if not equals:
            if not todo:
                raise _NotOurs
            value = _one([todo.pop(0)])
        value.encode("utf-8")
        found[name] = value
    _plain(plain)
    return found, plain


# -- the unit state -----------------------------------------------------------------------------
class _UnitState:
    """The unit state in one transaction, which ends with :meth:`commit` or, undone, with :meth:`close`."""

    def __init__(self) -> None:
        path = os.environ.get("UNIT_STATE_DB")
        if path is None:
            path = os.path.join(os.environ.get("CHARM_DIR", ""), ".unit-state.db")
        if not os.path.isfile(path):
            raise _NotOurs  # never made here; and SQLite has meanings of its own for other names
        self._path = path
        self._hook = os.environ.get(HOOK_VARIABLE)
        if self._hook is not None and not self._hook.partition(" ")[0].isdigit():
            raise _NotOurs  # only the framework sets it, and it says so
        self._timeout = lock_timeout(self._hook is not None)
        self._connection = _sqlite3.connect(path, timeout=self._timeout, isolation_level=None)
        # The hook that has lent its state to child processes, if one has.
        self._lender: Optional[str] = None
        try:
            self._begin("BEGIN")
        except BaseException:
            self.close()
            raise

    @property
    def is_lent(self) -> bool:
        """Whether a hook has lent its state, and wants to know what is changed."""
        return self._lender is not None

    @property
    def is_outside(self) -> bool:
        """Whether what this process writes must stay if the hook that has lent its state is undone."""
        return self._lender is not None and self._lender != self._hook

    def begin_writing(self) -> None:
        """Begin anew, with the right to write."""
        self.commit()
        hook = self._hook
        if hook is not None and LENT_VARIABLE not in os.environ:
            from charms_reactive._unit_state.processes import stands_above

            if stands_above(hook):
                # The hook may hold the file until this process ends, for which it waits.
                self._connection.execute("PRAGMA busy_timeout = 0")
        self._begin("BEGIN IMMEDIATE")
        # Not before: it may have failed while this process waited.
        if hook is not None and self._lender != hook and self._lives(hook) is False:
            raise _NotOurs  # what a hook that has failed or was killed has left behind must write no more

    def _lives(self, hook: str) -> Optional[bool]:
        from charms_reactive._unit_state.hook_file import lives  # most commands come upon no hook

        return lives(hook, self._path)

    def _begin(self, how: str) -> None:
        try:
            self._connection.execute(how)
            self._lender = self.value(ARMED)
        except _sqlite3.OperationalError as error:
            if "locked" in str(error):
                # It has been waited for; the framework only has to say so.
                os.environ["CHARMS_REACTIVE_LOCK_TIMEOUT"] = "0"
            raise
        if self._lender is not None and not self._lives(self._lender):
            raise _NotOurs  # perhaps to be undone before anything else is done

    def commit(self) -> None:
        """End the transaction and keep what was written."""
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()

    def _text(self, key: str) -> Optional[str]:
        row = self._connection.execute("SELECT data FROM kv WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        text: str = row[0]
        return text

    def is_set(self, flag: str) -> bool:
        """Whether a flag is set."""
        return self._text(FLAGS + flag) is not None

    def flags(self) -> List[str]:
        """The names of all flags that are set, sorted."""
        sql = "SELECT key FROM kv WHERE key >= ? AND key < ?"
        return sorted(key[len(FLAGS) :] for (key,) in self._connection.execute(sql, range_below(FLAGS)))

    def value(self, key: str) -> Any:
        """The value of a row; ``None`` if it is not there."""
        text = self._text(key)
        return None if text is None else loads(text)

    def values(self, prefix: str) -> Dict[str, Any]:
        """The values of all rows below a prefix, each by the rest of its key."""
        sql = "SELECT key, data FROM kv WHERE key >= ? AND key < ?"
        rows = self._connection.execute(sql, range_below(prefix)).fetchall()
        return {key[len(prefix) :]: loads(data) for key, data in rows}

    def set(self, key: str, value: Any) -> None:
        """Write a row that is of the hook alone, after :meth:`begin_writing`."""
        sql = "INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)"
        self._connection.execute(sql, (key, dumps(value)))

    def keep(self, key: str, value: Any) -> None:
        """Write a row that stays, after :meth:`begin_writing`."""
        self.set(key, value)
        self.note_kept(key)

    def write_flag(self, flag: str, on: bool, value: Optional[str] = None) -> None:
        """Write or delete the row of a flag, after :meth:`begin_writing`."""
        if on:
            self.set(FLAGS + flag, value)
        else:
            self._connection.execute("DELETE FROM kv WHERE key = ?", (FLAGS + flag,))
        self.note_kept(FLAGS + flag)
        # What handlers have heard of it before is over.
        heard = (HEARD_CLEAR if on else HEARD_SET) + flag
        if self._connection.execute("DELETE FROM kv WHERE key = ?", (heard,)).rowcount:
            self.note_kept(heard)

    def note_kept(self, key: str) -> None:
        """Note that a row is to be as it is now even if the hook that has lent its state is undone."""
        if self.is_outside:
            kept = self.value(KEPT) or {}
            kept[key] = self._text(key)
            self.set(KEPT, kept)


# -- changing -----------------------------------------------------------------------------------
def _set_flag(state: _UnitState, words: Sequence[str]) -> None:
    options, plain = _options(words, ["--value"])
    _change(state, _one(plain), True, options.get("--value"))


def _clear_flag(state: _UnitState, words: Sequence[str]) -> None:
    _change(state, _one(words), False)


def _toggle_flag(state: _UnitState, words: Sequence[str]) -> None:
    if len(words) != 2:
        raise _NotOurs
    flag, should_set = _plain(words)
    _change(state, flag, is_on(should_set))


def is_on(word: str) -> bool:
    """Whether a word means yes: Juju prints False for an option that is off."""
    return word.strip().lower() not in ("", "0", "false", "no", "off")


def _change(state: _UnitState, flag: str, on: bool, value: Optional[str] = None) -> None:
    """Set or clear a flag, with all that triggers make of it."""
    if value is None and not state.is_outside and state.is_set(flag) == on:
        return  # no need to wait for anybody
    state.begin_writing()
    if state.is_set(flag) == on:
        # Another process was quicker, or only the value is new, or it is so by a hook that may be undone.
        if value is not None:
            state.write_flag(flag, True, value)
        state.note_kept(FLAGS + flag)
        state.commit()
        return
    changes = [(flag, on)]
    triggers = [(True, state.values(SET_TRIGGERS)), (False, state.values(CLEAR_TRIGGERS))]
    if any(rows for _, rows in triggers):
        changes += _effects(_engine(state, flag, triggers), flag, on)
    state.write_flag(flag, on, value)
    for follower, set_it in changes[1:]:
        state.write_flag(follower, set_it)
    if state.is_lent:
        _note_changes(state, changes)
    state.commit()


def _engine(state: _UnitState, flag: str, triggers: List[Tuple[bool, Dict[str, Any]]]) -> Engine:
    """An engine with all triggers of this hook and the flags that they may meet."""
    from charms_reactive._engine.pure import Engine  # most changes have no trigger

    engine = Engine()
    met = {flag}
    for on, rows in triggers:
        for triggering, actions in rows.items():
            for name in actions.get("set_flag", []):
                engine.add_trigger(triggering, on, name)
                met.add(name)
            for name in actions.get("clear_flag", []):
                engine.add_trigger(triggering, on, None, name)
                met.add(name)
    engine.load([name for name in met if state.is_set(name)])
    return engine


def _effects(engine: Engine, flag: str, on: bool) -> List[Tuple[str, bool]]:
    """The changes that follow from a change, in order."""
    from charms_reactive._engine.pure import SET
    from charms_reactive._errors import TriggerCycleError

    try:
        return [(name, kind == SET) for kind, name, _ in engine.change(flag, on) or []]
    except TriggerCycleError:
        raise _NotOurs from None


def _note_changes(state: _UnitState, changes: List[Tuple[str, bool]]) -> None:
    """Leave changes for the dispatch that waits for this process."""
    watch = state.value(WATCH) or {}
    watch["pending"] = watch.get("pending", []) + [flag for flag, _ in changes]
    state.set(WATCH, watch)
    noted = state.value(CHANGES) or []
    state.set(CHANGES, noted + [("+" if on else "-") + flag for flag, on in changes])
    if not all(on for _, on in changes):
        state.set(REMOVED, True)


def _register_trigger(state: _UnitState, words: Sequence[str]) -> None:
    options, plain = _options(words, ["--when", "--when_not", "--set_flag", "--clear_flag"])
    when, when_not = options.get("--when"), options.get("--when_not")
    if plain or bool(when) == bool(when_not):
        raise _NotOurs
    actions = {
        "set_flag": [options["--set_flag"]] if options.get("--set_flag") else [],
        "clear_flag": [options["--clear_flag"]] if options.get("--clear_flag") else [],
    }
    if not any(actions.values()):
        raise _NotOurs
    state.begin_writing()
    key = SET_TRIGGERS + when if when else CLEAR_TRIGGERS + (when_not or "")
    known = state.value(key) or {}
    for action, new in actions.items():
        actions[action] = list(dict.fromkeys(known.get(action, []) + new))
    state.set(key, actions)
    state.commit()


def _mark_invoked(state: _UnitState, words: Sequence[str]) -> None:
    if not words:
        return
    _plain(words)
    state.begin_writing()
    for handler_id in words:
        state.keep(INVOKED + handler_id, True)
        path, line, name = split_id(handler_id)
        if line:
            state.keep("%s%s::%s" % (INVOKED, path, name), True)
    state.commit()


# -- asking -------------------------------------------------------------------------------------
def _all(state: _UnitState, flags: Iterable[str]) -> bool:
    return all(map(state.is_set, flags))


def _any(state: _UnitState, flags: Iterable[str]) -> bool:
    return any(map(state.is_set, flags))


def _none(state: _UnitState, flags: Iterable[str]) -> bool:
    return not _any(state, flags)


def _not_all(state: _UnitState, flags: Iterable[str]) -> bool:
    return not _all(state, flags)


def _in_phase(state: _UnitState, phase: str) -> bool:
    """Outside a dispatch every phase will do: somebody on the unit wants to know about the flags."""
    return state.value(PHASE) in (None, phase)


def _is_flag_set(state: _UnitState, words: Sequence[str]) -> bool:
    return state.is_set(_one(words))


def _all_flags_set(state: _UnitState, words: Sequence[str]) -> bool:
    return _all(state, _plain(words))


def _any_flags_set(state: _UnitState, words: Sequence[str]) -> bool:
    return _any(state, _plain(words))


def _when(test: Callable[[_UnitState, Iterable[str]], bool]) -> Callable[[_UnitState, Sequence[str]], bool]:
    return lambda state, words: _in_phase(state, "other") and test(state, _plain(words))


def _get_flags(state: _UnitState, words: Sequence[str]) -> List[str]:
    if words:
        raise _NotOurs
    return state.flags()


def _get_unset_flags(state: _UnitState, words: Sequence[str]) -> List[str]:
    return sorted({flag for flag in _plain(words) if not state.is_set(flag)})


def _hook(state: _UnitState, words: Sequence[str]) -> bool:
    return _in_phase(state, "hooks") and _any_hook(state, words)


def _any_hook(_: _UnitState, words: Sequence[str]) -> bool:
    patterns = list(_plain(words))
    path = os.environ.get("JUJU_DISPATCH_PATH", "")
    if os.environ.get("JUJU_ACTION_NAME") or os.environ.get("JUJU_FUNCTION_NAME"):
        return False  # whatever the action is called
    if path.rpartition("/")[0].rpartition("/")[2] == "actions":
        raise _NotOurs
    name = os.environ.get("JUJU_HOOK_NAME") or path
    if not name or any("{" in pattern and ":" in pattern for pattern in patterns):
        raise _NotOurs  # such a pattern is about the endpoints in the charm's metadata
    return any(os.path.basename(name) in _expand(pattern) for pattern in patterns)


def _expand(pattern: str) -> List[str]:
    """Every name that a pattern stands for: ``{a,b}`` is a choice, other braces are themselves."""
    done, todo = [], [pattern]
    while todo:
        value = todo.pop()
        opening = value.find("{")
        while opening >= 0:
            choices, closing, after = value[opening + 1 :].partition("}")
            named = choices[:-1] if choices.endswith(",") else choices
            if closing and all(named.split(",")):
                todo += [value[:opening] + choice + after for choice in choices.split(",")]
                break
            opening = value.find("{", opening + 1)
        else:
            done.append(value)
    return done


def _only_once(state: _UnitState, words: Sequence[str]) -> bool:
    return not _done_before(state, _one(words))


def split_id(handler_id: str) -> Tuple[str, str, str]:
    """``FILE:LINE:NAME`` in its parts; all empty if the id is not of that form."""
    parts = handler_id.rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdigit():
        return parts[0], parts[1], parts[2]
    return "", "", ""


def _done_before(state: _UnitState, handler_id: str) -> bool:
    path, line, name = split_id(handler_id)
    if not line:
        return bool(state.value(INVOKED + handler_id))
    marks = state.values(INVOKED)
    if marks.get(handler_id) or marks.get("%s::%s" % (path, name)):
        return True
    for mark, done in marks.items():  # 1.5.x forgets when a line is added above; here any line will do
        marked_path, marked_line, marked_name = split_id(":" + mark)
        if done and marked_line and (marked_path[1:], marked_name) == (path, name):
            return True
    return False


# -- handlers of shell scripts ------------------------------------------------------------------
def _test(state: _UnitState, words: Sequence[str]) -> str:
    specs = [_parse_spec(spec) for spec in _plain(words)]
    return ",".join(name for name, handler_id, tests in specs if _matches(state, handler_id, tests))


def _parse_spec(spec: str) -> Tuple[str, str, List[Tuple[str, List[str]]]]:
    """Read ``NAME ID [TEST "ARGUMENTS"]…``, quoted as a shell does it, the arguments once more."""
    words = split(spec)
    if len(words) < 2 or len(words) % 2:
        raise _NotOurs
    tests = [(test, split(arguments)) for test, arguments in zip(words[2::2], words[3::2])]
    for test, _ in tests:
        if test not in _FLAG_TESTS and test not in ("hook", "only_once"):
            raise _NotOurs
    return words[0], words[1], tests


def split(line: str) -> List[str]:
    """The words of a line as ``shlex.split`` finds them; that module imports regular expressions.

    Raises:
        ValueError: a quotation or an escape has no end.
    """
    words: List[str] = []
    word: Optional[str] = None
    characters = iter(line)
    try:
        for character in characters:
            if character in " \t\r\n":
                if word is not None:
                    words.append(word)
                word = None
                continue
            word = word or ""
            if character == "'":
                while True:
                    character = next(characters)
                    if character == "'":
                        break
                    word += character
            elif character == '"':
                while True:
                    character = next(characters)
                    if character == '"':
                        break
                    if character == "\\":
                        character = next(characters)
                        word += character if character in '"\\' else "\\" + character
                    else:
                        word += character
            else:
                word += next(characters) if character == "\\" else character
    except StopIteration:
        raise ValueError("a quotation or an escape has no end: %r" % line) from None
    return words if word is None else words + [word]


def _matches(state: _UnitState, handler_id: str, tests: List[Tuple[str, List[str]]]) -> bool:
    watched = {flag for test, arguments in tests if test in _FLAG_TESTS for flag in arguments}
    if watched and not _may_match(state, watched):
        return False
    for test, arguments in tests:
        if test in _FLAG_TESTS:
            holds = _in_phase(state, "other") and _FLAG_TESTS[test](state, arguments)
        elif test == "hook":
            holds = _in_phase(state, "hooks") and _any_hook(state, arguments)
        else:
            holds = not _done_before(state, handler_id)
        if not holds:
            return False
    return True


def _may_match(state: _UnitState, flags: Iterable[str]) -> bool:
    """Whether this is iteration 0, or one of the flags changed in the one before."""
    watch = state.value(WATCH)
    return watch is None or watch["iteration"] == 0 or not set(watch["changes"]).isdisjoint(flags)


# -- output -------------------------------------------------------------------------------------
def _print(answer_format: str, answer: object) -> int:
    if answer_format == "json":
        text = dumps(answer)
    else:
        text = "\n".join(answer) if isinstance(answer, list) else str(answer)
    if sys.stdout is None:
        return 0  # it was closed before: nobody wants to read this
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Keep the interpreter from trying again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # then the reader has seen enough
            print("charms.reactive: cannot print the answer: %s" % error.strerror, file=sys.stderr)
            return 2
    return 0


_FLAG_TESTS: Dict[str, Callable[[_UnitState, Iterable[str]], bool]] = {
    "when": _all,
    "when_all": _all,
    "when_any": _any,
    "when_not": _none,
    "when_none": _none,
    "when_not_all": _not_all,
}

_COMMANDS: Dict[str, Callable[[_UnitState, Sequence[str]], object]] = {
    "set_flag": _set_flag,
    "clear_flag": _clear_flag,
    "toggle_flag": _toggle_flag,
    "register_trigger": _register_trigger,
    "is_flag_set": _is_flag_set,
    "all_flags_set": _all_flags_set,
    "any_flags_set": _any_flags_set,
    "get_flags": _get_flags,
    "get_unset_flags": _get_unset_flags,
    "any_hook": _any_hook,
    "hook": _hook,
    "only_once": _only_once,
    "mark_invoked": _mark_invoked,
    "test": _test,
    "set_state": _set_flag,
    "remove_state": _clear_flag,
    "is_state": _is_flag_set,
    "all_states": _all_flags_set,
    "any_states": _any_flags_set,
    **{name: _when(test) for name, test in _FLAG_TESTS.items()},
}
