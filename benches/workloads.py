"""The in-process workloads: what is timed, written against the public names both versions share.

Nothing here knows whose ``charms.reactive`` it imports, so that the same lines run on 1.5.3, on the
native engine and on the pure one. ``prepare()`` comes first: it gives the process a unit of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import types
from time import perf_counter
from typing import Any, Callable, Dict, List, Tuple

Times = List[float]


def prepare(flags: int) -> Any:
    """Give this process a charm directory and a unit state file on which that many flags are set.

    Returns:
        The ``charms.reactive`` package, with ``juju-log`` replaced by nothing.
    """
    root = tempfile.mkdtemp(prefix="reactive-bench-")
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for declaration in "metadata.yaml", "config.yaml":
        with open(os.path.join(root, declaration), "w") as file:
            file.write("{}\n")
    os.environ["CHARM_DIR"] = os.environ["JUJU_CHARM_DIR"] = root
    os.environ["UNIT_STATE_DB"] = os.path.join(root, ".unit-state.db")
    os.environ["JUJU_UNIT_NAME"] = "bench/0"
    os.environ["JUJU_HOOK_NAME"] = "update-status"

    from charmhelpers.core import hookenv, unitdata

    import charms.reactive as reactive

    hookenv.log = _no_log
    # Rows rather than set_flag(): 1.5.3 reads every flag to set one, so that 100,000 would take hours.
    unitdata._KV = None
    store = unitdata.kv()
    store.conn.executemany(
        "insert into kv (key, data) values (?, 'null')",
        [("reactive.states." + flag_name(number),) for number in range(flags)],
    )
    store.flush()
    return reactive


def _no_log(message: str, level: object = None) -> None:
    pass


def flag_name(number: int) -> str:
    """The name of one of the flags that ``prepare`` set."""
    return "bench.flag.%d" % number


def _function(name: str, body: Callable[..., None], line: int, **names: Any) -> types.FunctionType:
    """A copy of a function that counts as another handler: handlers are known by file, line and name."""
    code = body.__code__.replace(co_name=name, co_firstlineno=line)
    return types.FunctionType(code, dict(body.__globals__, **names), name)


def _idle_body() -> None:
    raise AssertionError("an idle handler was invoked")


def _link_body() -> None:
    FIRED.append(NUMBER)  # type: ignore[name-defined]  # noqa: F821
    SET_FLAG(NEXT_FLAG)  # type: ignore[name-defined]  # noqa: F821


def timed(chain: Any, rounds: int) -> Times:
    """The seconds of each of so many runs of a chain, after one that warms everything."""
    times = []
    for _ in range(rounds + 1):
        chain.reset()
        begin = perf_counter()
        chain.run()
        times.append(perf_counter() - begin)
        chain.check()
    return times[1:]


class Chain:
    """A dispatch of ``length`` handlers, each setting the flag of the next, among ``idle`` others.

    An idle handler waits for three flags of which one is never set.
    """

    def __init__(self, reactive: Any, idle: int, flags: int, length: int) -> None:
        from charmhelpers.core import unitdata

        self.length = length
        self.fired: List[int] = []
        self._unitdata = unitdata
        self._set_flag = reactive.set_flag
        self._dispatch = reactive.bus.dispatch
        reactive.bus.Handler.clear()
        for number in range(idle):
            awaited = flag_name(number % flags), flag_name((number + 1) % flags), "bench.missing.%d" % number
            reactive.when(*awaited)(_function("idle_%d" % number, _idle_body, number + 1))
        for number in range(length):
            link = _function(
                "link_%d" % number,
                _link_body,
                idle + number + 1,
                FIRED=self.fired,
                NUMBER=number,
                SET_FLAG=reactive.set_flag,
                NEXT_FLAG="bench.chain.%d" % (number + 1),
            )
            reactive.when("bench.chain.%d" % number)(link)

    def reset(self) -> None:
        """Undo the last round, and open the hook's transaction as a hook's automatic flags do."""
        self._unitdata.kv().flush(False)
        self.fired.clear()
        self._set_flag("bench.chain.0")

    def run(self) -> None:
        """One dispatch: the part that is timed."""
        self._dispatch()

    def check(self) -> None:
        """Each handler of the chain ran, once and in order, and the last one's flag is in the unit state."""
        assert self.fired == list(range(self.length)), self.fired
        last = "reactive.states.bench.chain.%d" % self.length
        assert self._unitdata.kv().get(last, "absent") is None


def dispatch(idle: int, flags: int, length: int, rounds: int, tracer: str) -> Dict[str, Times]:
    """Seconds per dispatch; ``tracer`` is ``none`` or ``default``."""
    reactive = prepare(flags)
    install_tracer(reactive, tracer)
    return {"dispatch": timed(Chain(reactive, idle, flags, length), rounds)}


def install_tracer(reactive: Any, which: str) -> None:
    """No tracer, or the one that a hook has after its start when nobody chose anything."""
    trace = reactive.trace
    if which == "none":
        trace.install_tracer(trace.NullTracer())
        return
    from charmhelpers.core import hookenv

    # Each version installs its own default tracer at the start of a hook.
    hookenv._run_atstart()


def is_flag_set(flags: int, repeat: int, number: int) -> Dict[str, Times]:
    """Seconds per ``is_flag_set`` in and outside a transaction, and per ``in`` of a set.

    All three are the statement of the same ``timeit`` loop, whose own cost stays in, and take turns.
    """
    from timeit import Timer

    reactive = prepare(flags)
    from charmhelpers.core import unitdata

    store = unitdata.kv()
    names = {
        "is_flag_set": reactive.is_flag_set,
        "some_set": {flag_name(number) for number in range(flags)},
        "name": flag_name(flags // 2),
    }
    asked, member = Timer("is_flag_set(name)", globals=names), Timer("name in some_set", globals=names)
    times: Dict[str, Times] = {"inside": [], "outside": [], "in set": []}
    for turn in range(repeat):
        store.flush()
        assert reactive.is_flag_set(names["name"])
        times["outside"].append(asked.timeit(number) / number)
        store.set("bench.scratch", turn)
        assert store.conn.in_transaction
        assert reactive.is_flag_set(names["name"])
        times["inside"].append(asked.timeit(number) / number)
        # Ten times as many turns of the loop: it is that much faster.
        times["in set"].append(member.timeit(number * 10) / (number * 10))
    store.flush()
    return times


def set_flag(flags: int, repeat: int, number: int) -> Dict[str, Times]:
    """Seconds per ``set_flag`` of a new flag and per bare ``unitdata.kv().set`` of a new key.

    Blocks of each take turns on one file. The commit that ends a block is timed apart, because it
    is the same for both. So is the first flag call after somebody else wrote ("noticing"): it reads
    the flags anew.
    """
    reactive = prepare(flags)
    from charmhelpers.core import unitdata

    assert reactive.is_flag_set(flag_name(flags - 1))
    times: Dict[str, Times] = {
        "set_flag": [],
        "kv.set": [],
        "commit": [],
        "commit of kv.set": [],
        "noticing": [],
    }
    for turn in range(repeat + 1):
        names = ["bench.new.%d.%d" % (turn, which) for which in range(number)]
        keys = ["reactive.bench." + name for name in names]

        begin = perf_counter()
        reactive.is_flag_set(flag_name(0))
        times["noticing"].append(perf_counter() - begin)

        unitdata.kv().set("bench.scratch", turn)  # opens the transaction, so that neither block pays it
        reactive.is_flag_set(flag_name(0))
        begin = perf_counter()
        for name in names:
            reactive.set_flag(name)
        times["set_flag"].append((perf_counter() - begin) / number)
        begin = perf_counter()
        unitdata.kv().flush()
        times["commit"].append(perf_counter() - begin)

        unitdata.kv().set("bench.scratch", -turn - 1)
        begin = perf_counter()
        for key in keys:
            unitdata.kv().set(key, None)
        times["kv.set"].append((perf_counter() - begin) / number)
        begin = perf_counter()
        unitdata.kv().flush()
        times["commit of kv.set"].append(perf_counter() - begin)

        rows = unitdata.kv().getrange("reactive.states.bench.new.%d." % turn)
        assert len(rows) == len(names), "the rows of the flags are not there"
    return {what: values[1:] for what, values in times.items()}


class EngineChain:
    """The engine without a framework around it: a chain of handlers among very many rules."""

    def __init__(self, module: Any, rules: int, flags: int, length: int) -> None:
        self.length = length
        self.fired = 0
        self._engine = engine = module.Engine()
        self._invoke, self._ends = module.INVOKE, (module.DONE, module.LIMIT)
        self._following: Dict[int, str] = {}
        engine.load([flag_name(number) for number in range(flags)])
        for awaited in rule_flags(rules, flags, length):
            handler = engine.add_handler()
            engine.add_condition(handler, module.ALL, list(awaited))
            if len(awaited) == 1:
                self._following[handler] = chain_flag(len(self._following) + 1)

    def reset(self) -> None:
        for number in range(self.length + 1):
            self._engine.change(chain_flag(number), False)
        self.fired = 0

    def run(self) -> None:
        """From the first flag to quiescence."""
        invoke, ends = self._invoke, self._ends
        following, change, step = self._following, self._engine.change, self._engine.next
        fired = 0
        change(chain_flag(0), True)
        self._engine.start(False)
        while True:
            kind, number = step()
            if kind == invoke:
                fired += 1
                change(following[number], True)
            elif kind in ends:
                break
        self.fired = fired

    def check(self) -> None:
        assert self.fired == self.length, self.fired


def chain_flag(number: int) -> str:
    """The flag that link ``number`` of an engine's chain waits for."""
    return "chain.%d" % number


def rule_flags(rules: int, flags: int, length: int) -> List[Tuple[str, ...]]:
    """What each rule waits for: one flag for the links of the chain, three for all others.

    The links are spread evenly among the others. Two flags of an idle rule are set, one never is.
    """
    every = rules // length
    awaited: List[Tuple[str, ...]] = []
    for number in range(rules):
        if number % every == 0 and number // every < length:
            awaited.append((chain_flag(number // every),))
        else:
            awaited.append(
                (flag_name(number % flags), flag_name((number + 1) % flags), "missing.%d" % number)
            )
    return awaited


def engine_module(which: str) -> types.ModuleType:
    """The module of the engine of that name, ``native`` or ``pure``."""
    import importlib

    modules = {"native": "charms_reactive._engine._native", "pure": "charms_reactive._engine.pure"}
    return importlib.import_module(modules[which])


def engine(which: str, rules: int, flags: int, length: int, rounds: int) -> Dict[str, Times]:
    """Seconds per chain on the engine of that name, ``native`` or ``pure``."""
    chain = EngineChain(engine_module(which), rules, flags, length)
    return {"chain": timed(chain, rounds)}


class ClipsChain:
    """The same chain among the same rules on CLIPS, with the rules loaded beforehand.

    A set flag is a fact ``(flag (name NAME))``: of the ways to write it, the one that clipspy asserts
    fastest, and as fast inside CLIPS as a relation per flag.

    Args:
        python: a rule calls a Python function which asserts the next fact, as a handler would;
            otherwise the rule asserts it, and the whole chain stays inside CLIPS.
    """

    def __init__(self, python: bool, rules: int, flags: int, length: int) -> None:
        import clips as clipspy

        self.length = length
        self.fired = 0
        self._environment = environment = clipspy.Environment()
        environment.build("(deftemplate flag (slot name))")
        self._set_flag = environment.find_template("flag").assert_fact
        self._following = [clipspy.Symbol(chain_flag(number)) for number in range(length + 1)]
        environment.define_function(self._handler, name="python-handler")
        link = 0
        for number, awaited in enumerate(rule_flags(rules, flags, length)):
            then = ""
            if len(awaited) == 1:
                link += 1
                then = (
                    "(python-handler %d)" % link if python else "(assert (flag (name %s)))" % chain_flag(link)
                )
            patterns = " ".join("(flag (name %s))" % flag for flag in awaited)
            environment.build("(defrule r%d %s => %s)" % (number, patterns, then))
        for number in range(flags):
            self._set_flag(name=clipspy.Symbol(flag_name(number)))
        environment.run()

    def _handler(self, number: int) -> None:
        self._set_flag(name=self._following[number])

    def reset(self) -> None:
        for fact in list(self._environment.facts()):
            if fact["name"].startswith("chain."):
                fact.retract()

    def run(self) -> None:
        """From the first fact to quiescence."""
        self._handler(0)
        self.fired = self._environment.run()

    def check(self) -> None:
        assert self.fired == self.length, self.fired


def clips(python: bool, rules: int, flags: int, length: int, rounds: int) -> Dict[str, Times]:
    """Seconds per chain on CLIPS."""
    return {"chain": timed(ClipsChain(python, rules, flags, length), rounds)}


def hook(charm: str, answers: str, variables: Dict[str, str], changes: str) -> Dict[str, Times]:
    """Seconds of CPU of ``main()`` with a function in place of every hook tool, and what the hook counted.

    Args:
        charm: the charm's directory.
        answers: a directory with what hook tools answer: ``TOOL/LAST-ARGUMENT``; others answer nothing.
        variables: of the environment.
        changes: the row of the unit state in which the charm counts.
    """
    import subprocess
    from pathlib import Path
    from time import process_time

    answered = {
        str(path.relative_to(answers)): path.read_bytes()
        for path in Path(answers).rglob("*")
        if path.is_file()
    }

    def check_output(command: List[str], *_: Any, **__: Any) -> bytes:
        return answered["%s/%s" % (command[0], command[-1])]

    def run(command: List[str], **_: Any) -> Any:
        return subprocess.CompletedProcess(command, 0, b"", b"")

    os.chdir(charm)
    os.environ.update(variables, CHARM_DIR=charm, JUJU_CHARM_DIR=charm)
    from charmhelpers.core import unitdata

    from charms.reactive import main

    counted = unitdata.kv().get(changes, 0)
    unitdata.kv().conn.close()
    unitdata._KV = None
    subprocess.check_output = check_output  # type: ignore[assignment]
    subprocess.call = subprocess.check_call = lambda *_, **__: 0
    subprocess.run = run  # type: ignore[assignment]
    begin = process_time()
    main()
    cpu = process_time() - begin
    return {"cpu": [cpu], "changes": [unitdata.kv().get(changes, 0) - counted]}


WORKLOADS: Dict[str, Callable[..., Dict[str, Times]]] = {
    "dispatch": dispatch,
    "is_flag_set": is_flag_set,
    "set_flag": set_flag,
    "engine": engine,
    "clips": clips,
    "hook": hook,
}
