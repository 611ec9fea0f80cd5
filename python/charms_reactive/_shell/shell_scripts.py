"""Functions of bash scripts as handlers: what each script has declared, and for how long that holds.

A script that sources ``charms.reactive.sh`` declares its functions with their conditions when it is
run for that once (see ``declaring``). They are handlers like those in Python: the engine tests them,
and the script is started only for a function that is invoked. The declaration is kept in the unit
state with what tells whether a file has changed. A script of which a declaration cannot be trusted
for longer declares its functions in each hook, when the dispatch begins.
"""

from __future__ import annotations

import os
from functools import partial

from charms_reactive import handlers as registry
from charms_reactive._dispatch import done_once
from charms_reactive._dispatch.watched_files import FileWatch
from charms_reactive._engine.choice import ALL, ANY, HOOKS, NONE, NOT_ALL
from charms_reactive._errors import ReactiveError
from charms_reactive._errors.rare import ExternalHandlerError, HandlerDeclarationError
from charms_reactive._juju import environment, juju_log
from charms_reactive._unit_state import unit_state
from charms_reactive._unit_state.rows import DECLARED, storable
from charms_reactive._version import __version__
from charms_reactive.external import SHELL_VARIABLE, ExternalHandler, lend_state, run_lent, take_state_back
from charms_reactive.handlers import LOG_OPTS, Handler, register_handler, replace_handler
from charms_reactive.helpers import any_hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Tuple

__all__ = ["ShellHandler"]

_KINDS = {
    "when": ALL,
    "when_all": ALL,
    "when_any": ANY,
    "when_not": NONE,
    "when_none": NONE,
    "when_not_all": NOT_ALL,
}

# Decorators that 1.5.x does not have.
_NEW = ("when_set", "when_cleared", "when_changed", "once_per", "unless_hook")


class ShellHandler(Handler):
    """A function of a bash script.

    Args:
        script: the executable file.
        declared: the function as it is kept: the file it is in, its line, its name, the number of the
            decorator above which it is replaced by another one of its name (or 0), and its tests,
            each a name with arguments.
        position: its place among the functions of its name in its file, from 0.
        alone: whether there is no other one of its name.
    """

    def __init__(self, script: str, declared: List[Any], position: int, alone: bool) -> None:
        file, self._line, self._name, self._until, tests = declared
        super().__init__(_run_by_bash)
        self._script = script
        self._file = os.path.join(environment.charm_dir(), file)
        self._action_id = "%s:%d:%s" % (file, self._line, self._name)
        place = "#%d" % (position + 1) if position else ""
        stable_id = "%s::%s" % (self._file, self._name) + place
        #: The same for what 1.5.x does not know, which need not name the charm directory.
        self._new_id = "%s::%s" % (file, self._name) + place
        for test, *arguments in tests:
            if test in _KINDS:
                self.add_condition(_KINDS[test], arguments)
            elif test == "hook":
                self.confine(HOOKS)
                self.add_predicate(partial(any_hook, *arguments))
            elif test == "when_file_changed":
                shared = "" if self._file == script else "@" + script
                watch = FileWatch(stable_id + shared, arguments)
                self.add_predicate(watch.changed)
                self.add_pre_callback(watch.consume)
            elif test in _NEW:
                self._add_new(test, arguments)
            else:
                assert test == "only_once"
                self.add_predicate(partial(self._not_done_before, stable_id, any_line=alone))
        # As 1.5.x does for each function: @only_once may be put above one that has run already.
        self.add_post_callback(partial(done_once.remember, self.key, stable_id))

    def _add_new(self, test: str, arguments: List[str]) -> None:
        """Take in a decorator that 1.5.x does not have.

        Raises:
            HandlerDeclarationError: it says nothing, or something that makes no sense.
        """
        if not arguments:
            raise self._mistake("@%s names nothing" % test)
        if test in ("when_set", "when_cleared"):
            from charms_reactive._dispatch import edges  # most scripts wait for none

            for flag in arguments:
                edges.hear(self, flag, test == "when_set", self._new_id)
            return
        from charms_reactive._dispatch import changes  # as above

        if test == "unless_hook":
            self.add_predicate(partial(changes.not_in_hook, *arguments))
            return
        try:
            watch = changes.watch_of_words(test, self._new_id, arguments)
        except ValueError as error:
            raise self._mistake(str(error)) from None
        self.add_predicate(watch.is_new)
        self.add_pre_callback(watch.take)
        self.add_post_callback(watch.remember)

    def _mistake(self, reason: str) -> HandlerDeclarationError:
        return HandlerDeclarationError(
            os.path.relpath(self._file, environment.charm_dir()), self._line, reason
        )

    @property
    def filepath(self) -> str:
        """The file that the function is in."""
        return self._file

    @property
    def key(self) -> str:
        """File, line and name, as 1.5.x marks what ran once."""
        return "%s:%d:%s" % (self._file, self._line, self._name)

    def _not_done_before(self, stable_id: str, any_line: bool) -> bool:
        return not done_once.done_before(stable_id, self._file, self._line, self._name, any_line)

    def invoke(self) -> None:
        """Start the script for this function.

        Raises:
            ExternalHandlerError: the function ended the script with anything but 0.
            BrokenHandlerException: the script cannot be executed.
        """
        for callback in self._pre_callbacks:
            callback()
        command = [self._script, "--invoke", self._name]
        status, _ = run_lent(command, {SHELL_VARIABLE: "invoke:%d:%s" % (self._until, self._name)})
        if status:
            raise ExternalHandlerError(self.id(), status, command)
        for callback in self._post_callbacks:
            callback()


def _run_by_bash() -> None:
    raise TypeError("this handler is a function of a bash script")


# -- discovery ----------------------------------------------------------------------------------
def register(filepath: str) -> None:
    """Register the handlers of an executable file: its functions, or the file if it declares none.

    Raises:
        HandlerDeclarationError: it is a script of handlers with a mistake in it.
        BrokenHandlerException: it cannot be executed.
    """
    script = os.path.relpath(filepath, environment.charm_dir())
    row = storable(DECLARED + script)
    kept = unit_state.unit.get(row)
    if kept is not None:
        if _holds(kept):
            _add(filepath, kept["handlers"])
            return
        unit_state.unit.unset(row)
    from . import declaring  # only for scripts that are new or must be asked in each hook

    text = declaring.examine(filepath)
    if text is not None and text.declares and text.settled:
        files = {file: _fingerprint(file) for file in text.files}
        answer = declaring.ask(filepath)
        handlers = answer.handlers
        if handlers is not None:
            used = {os.path.join(environment.charm_dir(), declared[0]) for declared in handlers}
            if used <= set(files):
                files[answer.helper] = _fingerprint(answer.helper)
                found = {"by": __version__, "files": files, "handlers": handlers}
                unit_state.unit.set(row, found)
            _add(filepath, handlers)
            return
    handler = ExternalHandler.register(filepath)
    if text is not None and handler not in registry.undeclared:
        registry.undeclared.append(handler)


def _add(script: str, handlers: List[Any]) -> None:
    for key, handler in _handlers(script, handlers):
        if key not in Handler._HANDLERS:
            register_handler(key, handler)


def _handlers(script: str, handlers: List[Any]) -> List[Tuple[str, Handler]]:
    """The handlers of what a script declared, each with its key."""
    made: List[Tuple[str, Handler]] = []
    names = [(file, name) for file, _, name, _, _ in handlers]
    for number, declared in enumerate(handlers):
        name = names[number]
        handler = ShellHandler(script, declared, names[:number].count(name), names.count(name) == 1)
        if LOG_OPTS["register"]:
            juju_log.log("Registering reactive handler for %s" % handler.id(), juju_log.DEBUG)
        made.append(("%s %s" % (script, handler.key), handler))
    return made


def _fingerprint(path: str) -> Optional[List[int]]:
    """What differs after any change of a file; ``None`` if it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _holds(kept: Any) -> bool:
    """Whether a declaration was made by this version from files as they are now."""
    if not isinstance(kept, dict) or kept.get("by") != __version__:
        return False
    return all(_fingerprint(path) == fingerprint for path, fingerprint in kept["files"].items())


# -- dispatch -----------------------------------------------------------------------------------
def declare_waiting(phase: int) -> None:
    """Let the scripts declare their handlers that have to be asked anew in each hook.

    A script that turns out to be an external handler of the plain kind has been asked with ``--test``
    by that, and its answer is kept for the test that comes.

    Args:
        phase: the phase that is about to begin, which the answer may depend on.
    """
    registered = Handler.get_handlers()
    waiting = [one for one in registry.undeclared if isinstance(one, ExternalHandler) and one in registered]
    registry.undeclared.clear()
    if not waiting:
        return
    from . import declaring

    lend_state(phase)
    try:
        answers = [declaring.ask(handler.filepath) for handler in waiting]
    except ReactiveError:
        take_state_back()
        raise
    take_state_back()
    for handler, answer in zip(waiting, answers):
        if answer.handlers is None:
            handler.answered(answer.status, answer.output)
        else:
            replace_handler(handler, _handlers(handler.filepath, answer.handlers))
