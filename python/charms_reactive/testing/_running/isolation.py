"""A new interpreter inside this one: as a hook finds it when its process begins, and no trace afterwards.

Inside :func:`fresh_interpreter` the framework, charmhelpers and the interpreter are as a process has them
that Juju has just started. Afterwards all of it is as it was, whatever happened inside: handlers that a
test module has registered are there, and nothing of the charm is.

What belongs to the interpreter is here; ``framework_state`` has the framework's own part, and
``charm_modules`` the modules.

The framework is imported anew as far as the hook can tell: its first ``import charms.reactive`` chooses
the engine, registers the framework's callbacks behind those that the hook has registered before, and looks
for relation factories. The modules themselves are executed only once in the life of this process, and so
are those of charmhelpers. What the charm's own files are made of is kept compiled.

It is the interpreter that is isolated, not the machine: files, processes, users and network are real.
What cannot be undone is told by :attr:`Interpreter.leftovers`: threads and file descriptors that the
hook leaves behind.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import gc
import importlib
import importlib.machinery
import locale
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import warnings
import weakref
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

from charmhelpers.core import unitdata

from charms_reactive import _alias

from .charm_modules import (
    LIBRARIES,
    Imports,
    base_path,
    hide,
    hook_for,
    names_in,
    restore_modules,
    without_stand_ins,
)
from .framework_state import CHARMHELPERS, Memory, close_unit_state, framework_and_charmhelpers, renew_state

__all__ = ["Interpreter", "fresh_interpreter"]

# Modules of which a charm may replace functions, as tests and layers do; they get them back.
_PATCHED = (
    "atexit",
    "builtins",
    "getpass",
    "grp",
    "json",
    "logging",
    "os",
    "os.path",
    "platform",
    "pwd",
    "random",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "uuid",
    "warnings",
    "yaml",
)


class _AtExit:
    """Functions that the hook wants to be called when its process ends."""

    def __init__(self) -> None:
        self._callbacks: List[Tuple[Callable[..., Any], Tuple[Any, ...], Dict[str, Any]]] = []
        self._register = atexit.register
        self._finalizers = set(weakref.finalize._registry)  # type: ignore[attr-defined]
        self._registered = weakref.finalize._registered_with_atexit  # type: ignore[attr-defined]

    def register(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        caller = sys._getframe(1)
        if caller.f_code.co_name == "<module>" and caller.f_code.co_filename.startswith(LIBRARIES):
            # A library that stays loaded, in its import.
            self._register(function, *args, **kwargs)
        elif getattr(function, "__self__", None) is not weakref.finalize:
            self._callbacks.append((function, args, kwargs))
        return function

    def unregister(self, function: Callable[..., Any]) -> None:
        self._callbacks[:] = [entry for entry in self._callbacks if entry[0] != function]

    def run(self) -> None:
        """Call them, the last one first; what fails is told on stderr and stops none of the others."""
        while self._callbacks:
            function, args, kwargs = self._callbacks.pop()
            try:
                function(*args, **kwargs)
            except Exception:  # noqa: BLE001 -- as the interpreter does
                import traceback

                print("Exception ignored in atexit callback: %r" % (function,), file=sys.stderr)
                traceback.print_exc()
            except SystemExit:
                pass
        registry = weakref.finalize._registry  # type: ignore[attr-defined]
        for finalizer in [one for one in registry if one not in self._finalizers and one.atexit][::-1]:
            finalizer()

    def restore(self) -> None:
        weakref.finalize._registered_with_atexit = self._registered  # type: ignore[attr-defined]
        self._callbacks.clear()


class _Logging:
    """The handlers, levels and filters of all loggers."""

    def __init__(self) -> None:
        root = logging.root
        self._manager = root.manager
        self._disabled = root.manager.disable
        loggers = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
        self._loggers = [
            (one, one.level, list(one.handlers), list(one.filters), one.propagate, one.disabled)
            for one in [root, *loggers]
        ]
        self._handlers = list(logging._handlerList)  # type: ignore[attr-defined]
        self._names = dict(root.manager.loggerDict)
        root.handlers[:], root.filters[:] = [], []
        root.setLevel(logging.WARNING)

    def restore(self) -> None:
        known = set(map(id, self._handlers))
        for reference in list(logging._handlerList):  # type: ignore[attr-defined]
            handler = reference()
            if id(reference) not in known and handler is not None:
                with contextlib.suppress(Exception):
                    handler.flush()
                    handler.close()
        for name in [name for name in self._manager.loggerDict if name not in self._names]:
            logger = self._manager.loggerDict[name]
            if isinstance(logger, logging.Logger):
                logger.handlers[:], logger.filters[:] = [], []
                logger.disabled, logger.propagate = False, True
                logger.setLevel(logging.NOTSET)
        for logger, level, handlers_, filters, propagate, disabled in self._loggers:
            if logger.level != level:
                logger.setLevel(level)
            logger.handlers[:], logger.filters[:] = handlers_, filters
            logger.propagate, logger.disabled = propagate, disabled
        self._manager.disable = self._disabled
        self._manager._clear_cache()  # type: ignore[attr-defined]


def _fresh_warnings() -> None:
    """The filters of an interpreter without options."""
    warnings.resetwarnings()
    for category in (ResourceWarning, ImportWarning, PendingDeprecationWarning, DeprecationWarning):
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
    warnings.showwarning = _show_warning


def _show_warning(
    message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Optional[str] = None
) -> None:
    (file or sys.stderr).write(warnings.formatwarning(message, category, filename, lineno, line))


def _set_environment(wanted: Mapping[bytes, bytes]) -> None:
    zone = os.environ.get("TZ")
    # By the encoded names and values: os.environ encodes each anew whenever it is asked.
    there: Any = os.environ._data  # type: ignore[attr-defined]
    for key in [key for key in there if key not in wanted]:
        os.unsetenv(key)
        del there[key]
    for key, value in wanted.items():
        if there.get(key) != value:
            os.putenv(key, value)
            there[key] = value
    if os.environ.get("TZ") != zone:
        import time

        time.tzset()


def _descriptors() -> Set[int]:
    """The open file descriptors of this process; none where they cannot be told."""
    found: Set[int] = set()
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return found
    for name in names:
        with contextlib.suppress(OSError):  # the one with which they were listed
            os.fstat(int(name))
            found.add(int(name))
    return found


def _describe(descriptor: int) -> str:
    try:
        return "file descriptor %d is open: %s" % (descriptor, os.readlink("/proc/self/fd/%d" % descriptor))
    except OSError:
        return ""


class Interpreter:
    """What :func:`fresh_interpreter` yields.

    Attributes:
        main: the new ``__main__``.
        leftovers: what could not be undone, a sentence each: threads that still run and file
            descriptors that are still open. Complete when the block has ended.
    """

    def __init__(self, main: ModuleType, at_exit: _AtExit) -> None:
        self.main = main
        self.leftovers: Tuple[str, ...] = ()
        self._at_exit = at_exit
        self._threads = set(threading.enumerate())

    def threads(self) -> List[threading.Thread]:
        """The threads that were started since, and still run."""
        return [one for one in threading.enumerate() if one not in self._threads and one.is_alive()]

    def _look(self, descriptors: Set[int]) -> None:
        """Tell what is left, when everything else is back."""
        found = ["thread %s still runs" % thread.name for thread in self.threads()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # a process that ends tells nobody either
            self.main = ModuleType("__main__")  # the hook's is not to be kept by this
            if _descriptors() - descriptors:
                gc.collect()  # most of it is held by cycles of what is gone
                found.extend(filter(None, map(_describe, sorted(_descriptors() - descriptors))))
        self.leftovers = tuple(found)

    def end(self) -> None:
        """Do what an interpreter does when its program has ended: wait for threads, call the callbacks."""
        me = threading.current_thread()
        for thread in self.threads():
            if not thread.daemon and thread is not me:
                thread.join()
        self._at_exit.run()


_running = threading.Lock()
_owner: List[int] = []


@contextlib.contextmanager
def fresh_interpreter(
    charm_dir: Union[str, os.PathLike[str]],
    environment: Mapping[str, str],
    *,
    argv: Sequence[str] = ("",),
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    engine: Union[str, ModuleType, None] = None,
) -> Iterator[Interpreter]:
    """The interpreter as a process of a hook has it; afterwards everything is as it was.

    Of what a test has loaded, the standard library and installed distributions stay loaded, so a charm
    that patches them patches the test's, for as long as the block. Every module of the charm, of the
    directories on ``PYTHONPATH``, and of the namespace ``charms`` is loaded anew and goes.

    One hook runs at a time: a thread that comes while another one is inside waits for it.

    Args:
        charm_dir: the charm's directory, which becomes the current one.
        environment: all environment variables of the hook. ``PYTHONPATH`` counts, as does
            ``CHARMS_REACTIVE_ENGINE``.
        argv: of the hook; its first word is the hook's file, whose directory comes first on ``sys.path``.
        stdin: in place of the standard stream, as are ``stdout`` and ``stderr``.
        engine: ``native`` or ``pure``; by default what the environment says.

    Raises:
        RuntimeError: this thread is in such a block already, or charmhelpers is a mock.
    """
    me = threading.get_ident()
    if _owner == [me]:
        raise RuntimeError("a hook that runs in this interpreter cannot run another one in it")
    for name in ("charmhelpers.core.hookenv", "charmhelpers.core.unitdata"):
        if name not in CHARMHELPERS:
            raise RuntimeError(
                "%s was a mock when charms.reactive was imported; run the hook in a process of its own" % name
            )
    with _running:
        _owner[:] = [me]
        interpreter = None
        base_path()  # the first time a process, which is none of the hook's
        descriptors = _descriptors()
        try:
            with contextlib.ExitStack() as stack:
                interpreter = _enter(stack, os.path.abspath(charm_dir), environment, argv, engine)
                for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
                    if stream is not None:
                        setattr(sys, name, stream)
                        setattr(sys, "__%s__" % name, stream)
                yield interpreter
        finally:
            _owner.clear()
            if interpreter is not None:
                interpreter._look(descriptors)


def _enter(
    stack: contextlib.ExitStack,
    charm_dir: str,
    environment: Mapping[str, str],
    argv: Sequence[str],
    engine: Union[str, ModuleType, None],
) -> Interpreter:
    """Save and replace everything; the stack puts it back, the last first."""
    # -- saving. Modules come back first, so that the rest is done with functions that nobody has replaced.
    stack.callback(_saved_process())
    stack.callback(_set_environment, dict(os.environ._data))  # type: ignore[attr-defined]
    path = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
    stack.callback(restore_modules, dict(sys.modules))
    stack.callback(_Logging().restore)
    stack.enter_context(warnings.catch_warnings())
    at_exit = _AtExit()
    stack.callback(at_exit.restore)
    patched = [sys.modules[name] for name in _PATCHED if name in sys.modules]
    memory = Memory(framework_and_charmhelpers(), patched, (subprocess.Popen,))
    stack.callback(memory.restore)
    stack.callback(close_unit_state, unitdata._KV)

    # -- replacing
    roots = tuple(os.path.join(root, "") for root in {charm_dir, os.path.realpath(charm_dir), *path})
    hidden = {"reactive", "relations", "lib"}
    for directory in [os.path.join(charm_dir, part) for part in _IMPORTED] + path:
        hidden |= names_in(directory)
    hide(hidden)
    without_stand_ins()
    main = ModuleType("__main__")
    main.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = main
    sys.argv = list(argv)
    script = os.path.dirname(os.path.realpath(argv[0])) if argv[0] else ""
    sys.path = [script, *path, *base_path()]
    sys.path_hooks = [hook_for(roots), *sys.path_hooks]
    sys.path_importer_cache = {
        entry: finder
        for entry, finder in sys.path_importer_cache.items()
        if entry[:1] == "/" and not (entry + "/").startswith(roots)
    }
    others = [
        finder
        for finder in sys.meta_path
        if not isinstance(finder, _alias._AliasFinder) and not _is_of_pytest(finder)
    ]
    sys.meta_path = [Imports(engine), *others]
    sys.dont_write_bytecode = True
    sys.excepthook = sys.__excepthook__
    sys.unraisablehook = sys.__unraisablehook__
    if hasattr(threading, "__excepthook__"):
        threading.excepthook = threading.__excepthook__
    module: Any = atexit
    module.register, module.unregister = at_exit.register, at_exit.unregister
    _fresh_warnings()
    if "tempfile" in sys.modules:
        module = sys.modules["tempfile"]
        module.tempdir = None  # TMPDIR may be another
    unitdata._KV = None  # the test's own stays open
    renew_state()
    random.seed()
    _set_environment({os.fsencode(key): os.fsencode(value) for key, value in environment.items()})
    os.chdir(charm_dir)
    # What a hook makes is garbage all at once; looking for it ten times on the way takes a tenth of the time.
    gc.set_threshold(50000, *gc.get_threshold()[1:])
    return Interpreter(main, at_exit)


# Directories of a charm from which its code is imported.
_IMPORTED = ("", "lib", "hooks", "reactive", "actions")


def _is_of_pytest(finder: Any) -> bool:
    """Whether a finder is there to rewrite the assertions of tests."""
    kind = finder if isinstance(finder, type) else type(finder)
    return kind.__module__.startswith("_pytest.")


# Without the enumerations that the module signal makes of every number.
_signal: Any = importlib.import_module("_signal")
_SIGNALS = sorted(map(int, signal.valid_signals()))


def _saved_process() -> Callable[[], None]:
    """What belongs to the process and not to a module; to be called when it is to be as it is now."""
    try:
        directory: Optional[str] = os.getcwd()
    except OSError:
        directory = None  # somebody has removed it
    mask = os.umask(0o022)
    os.umask(mask)
    main = threading.current_thread() is threading.main_thread()
    signals = [(number, _signal.getsignal(number)) for number in _SIGNALS] if main else []
    numerals = locale.setlocale(locale.LC_ALL)
    chance = random.getstate()
    recursion = sys.getrecursionlimit()
    collecting, thresholds = gc.isenabled(), gc.get_threshold()
    connecting = socket.getdefaulttimeout()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    switching = sys.getswitchinterval()

    def restore() -> None:
        if directory is not None:
            with contextlib.suppress(OSError):
                os.chdir(directory)
        os.umask(mask)
        for number, handler in signals:
            if handler is not None and _signal.getsignal(number) != handler:
                _signal.signal(number, handler)
        if locale.setlocale(locale.LC_ALL) != numerals:
            locale.setlocale(locale.LC_ALL, numerals)
        random.setstate(chance)
        if sys.getrecursionlimit() != recursion:
            sys.setrecursionlimit(recursion)
        if gc.isenabled() != collecting:
            (gc.enable if collecting else gc.disable)()
        gc.set_threshold(*thresholds)
        socket.setdefaulttimeout(connecting)
        if signal.pthread_sigmask(signal.SIG_BLOCK, ()) != blocked:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        if sys.getswitchinterval() != switching:
            sys.setswitchinterval(switching)

    return restore
