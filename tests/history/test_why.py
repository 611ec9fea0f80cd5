"""``charms.reactive why``, and the situations of the manual: what to type, and what that answers.

Each situation is a charm, hooks that it runs, and a question. The chapter has them as a table, and a test
sees that every row of it is one that was tried.
"""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence, Union

import pytest

from framework.support import Unit

pytestmark = pytest.mark.long

CHAPTER = Path(__file__).resolve().parents[2] / "docs" / "history.md"

#: A hook, or what is done between two of them.
Step = Union[str, Callable[[Unit], object]]

HEAD = "from charms.reactive import *\nfrom charms.reactive import action, when_set\n"


class Situation(NamedTuple):
    """What is wrong, how it comes about, what is typed, and a part of the answer.

    Attributes:
        seen: as the manual's table has it.
        code: of ``reactive/app.py``.
        steps: hooks, and what happens between them.
        command: what is typed behind ``charms.reactive``.
        answers: what the answer has in it.
    """

    seen: str
    code: str
    steps: Sequence[Step]
    command: str
    answers: Sequence[str]


def typed(*words: str) -> Callable[[Unit], object]:
    """Somebody types a command on the unit, outside of any hook."""
    return lambda unit: unit.command(*words)


def written(path: str, text: str, executable: bool = False) -> Callable[[Unit], object]:
    return lambda unit: unit.write(path, text, executable)


def damaged(unit: Unit) -> None:
    (unit.directory / ".unit-state.db").write_text("this is no database of any kind")


SITUATIONS: List[Situation] = [
    Situation(
        "a handler does not run: nobody sets what it waits for",
        "@when('db.available')\ndef migrate(): pass\n",
        ["start"],
        "why migrate",
        [
            "it did not run: 'db.available' is not set, and nothing in this hook changed that",
            "now: it would not run: 'db.available' is not set",
            "it ran in 0 of 1 remembered hook",
        ],
    ),
    Situation(
        "the same, and the name of the flag is misspelt",
        "@when('db.avialable')\ndef migrate(): pass\n"
        "@when_not('db.available')\ndef f(): set_flag('db.available')\n",
        ["start"],
        "why migrate",
        ["'db.avialable' is not set", "(but 'db.available' is: is one of the two misspelt?)"],
    ),
    Situation(
        "the same: it is done already",
        "@when_not('done')\ndef once(): set_flag('done')\n",
        ["install", "start"],
        "why once",
        [
            "it did not run: 'done' is set, and nothing in this hook changed that",
            "last in hook 2, install",
            "now: it would not run: 'done' is set; 'done' was set by reactive/app.py:3:once in hook 2",
        ],
    ),
    Situation(
        "the same: its flags come one after the other, and never together",
        "@when_not('a', 'b')\ndef f(): set_flag('a')\n@when('a')\n@when_not('b')\ndef g(): clear_flag('a'); "
        "set_flag('b')\n@when('a')\n@when('b')\ndef both(): pass\n",
        ["start"],
        "why both",
        ["its conditions held one by one, but never all at once"],
    ),
    Situation(
        "the same: a handler sets its flag and clears it again",
        "@hook('start')\ndef f(): set_flag('a'); clear_flag('a')\n@when('a')\ndef g(): pass\n",
        ["start"],
        "why g",
        ["its conditions held only for a while (after 'a' was set); they did not when an iteration began"],
    ),
    Situation(
        "the same: another handler took its flag away",
        "@when('a')\ndef first(): clear_flag('a')\n@when('a')\ndef second(): pass\n",
        [typed("set_flag", "a"), "start"],
        "why second",
        ["it was queued, and left the queue when reactive/app.py:3:first cleared 'a'"],
    ),
    Situation(
        "the same: the file that it watches has not changed",
        "@when('a')\n@when_file_changed('app.conf')\ndef f(): pass\n",
        [written("app.conf", "x"), typed("set_flag", "a"), "start", "start"],
        "why f",
        [
            "@when_file_changed('app.conf') did not hold",
            "now: it would run in the next hook, if @when_file_changed",
        ],
    ),
    Situation(
        "the same: it is for another hook",
        "@hook('stop')\ndef f(): pass\n",
        ["start"],
        "why f",
        ["@hook('stop') did not hold", "now: it runs in a hook in which @hook('stop') holds"],
    ),
    Situation(
        "the same: `@hook` and `@when` stand above one function",
        "@hook('start')\n@when('a')\ndef f(): pass\n",
        ["start"],
        "why f",
        [
            "it never does, because handlers of hooks and actions run before those of flags",
            "now: it never runs",
        ],
    ),
    Situation(
        "the same: the hook is a restricted one",
        "@when_not('a')\ndef f(): pass\n",
        ["collect-metrics"],
        "why f",
        ["this hook is restricted, and runs only its @collect_metrics and @meter_status_changed"],
    ),
    Situation(
        "the same: the hook failed before its turn",
        "@when_not('a')\ndef f(): 1 / 0\n@when_not('a')\ndef g(): pass\n",
        ["start"],
        "why g",
        ["it was queued, and the hook ended before its turn, in reactive/app.py:3:f, which failed"],
    ),
    Situation(
        "the same: the handler is not there at all",
        "@when_not('a')\ndef configure(): pass\n",
        ["start"],
        "why configrue",
        ["no handler and no flag is called 'configrue'; did you mean configure?"],
    ),
    Situation(
        "the same: its file has an error, and no handler has run",
        "import no_such_module\n",
        ["start"],
        "history -v -n 1",
        ["HandlerImportError: cannot import handlers from", "no_such_module", "no flag differs from before"],
    ),
    Situation(
        "a handler ran, and should not have",
        "@when_not('b')\ndef f(): set_flag('b')\n@when('b')\n@when_not('c')\ndef g(): set_flag('c')\n",
        ["start"],
        "why g",
        ["it ran once, because reactive/app.py:3:f set 'b'"],
    ),
    Situation(
        "the same: its flags were set before the hook",
        "@when('a')\ndef g(): clear_flag('a')\n",
        [typed("set_flag", "a"), "start"],
        "why g",
        ["it ran once, because its conditions held when the dispatch began"],
    ),
    Situation(
        "the same: a trigger set its flag",
        "register_trigger(when='a', set_flag='b')\n@when_not('a')\ndef f(): set_flag('a')\n@when('b')\n"
        "@when_not('c')\ndef g(): set_flag('c')\n",
        ["start"],
        "why g",
        ["it ran once, because a trigger in reactive/app.py:4:f set 'b'"],
    ),
    Situation(
        "a handler that hears of a change has heard of it already",
        "@when_set('a')\ndef f(): pass\n",
        [typed("set_flag", "a"), "install", "start"],
        "why f",
        [
            "it did not run: it has heard of that already: 'a' is set since then",
            "now: it would not run: it has heard of that already: 'a' is set",
            "asks for @when_set('a')",
        ],
    ),
    Situation(
        "handlers keep firing one another",
        "@when_not('a')\ndef f(): set_flag('a')\n@when('a')\ndef g(): clear_flag('a')\n",
        ["start"],
        "why g",
        ["it ran 50 times, because reactive/app.py:3:f set 'a'"],
    ),
    Situation(
        "a unit in error: which handler failed, and what became of its flags",
        "@when_not('a')\ndef f():\n    set_flag('a')\n    raise ValueError('no')\n",
        ["start"],
        "history -v -n 1",
        [
            "FAILED in reactive/app.py:3:f: ValueError",
            "at reactive/app.py:6",
            "rolled back: a is clear again",
        ],
    ),
    Situation(
        "the same, and Juju has tried again and again",
        "@when_not('a')\ndef f(): raise ValueError('no')\n",
        ["start", "start", "start"],
        "history --failed",
        ["3 ", "2 ", "1 ", "FAILED in reactive/app.py:3:f: ValueError"],
    ),
    Situation(
        "a hook was killed, or the machine went down",
        "import os, signal\n@hook('stop')\ndef f(): os.kill(os.getpid(), signal.SIGKILL)\n",
        ["stop"],
        "history",
        ["KILLED in reactive/app.py:4:f; what it had changed is undone"],
    ),
    Situation(
        "the unit state is damaged",
        "",
        ["install", damaged, "start"],
        "history -v -n 1",
        ["failed: UnitStateError: cannot open the unit state", "restore it from a backup or move it away"],
    ),
    Situation(
        "a handler ends the hook",
        "@hook('start')\ndef f(): raise SystemExit(3)\n",
        ["start"],
        "history -v -n 1",
        ["SystemExit: exit status 3"],
    ),
    Situation(
        "a flag is set, and who did it?",
        "@when_not('a')\ndef f(): set_flag('a')\n@when('a')\ndef g(): pass\n",
        ["install", "start"],
        "why a",
        [
            "flag a is set\n",
            "hook 2, install, ",
            "set by reactive/app.py:3:f",
            "reactive/app.py:5:g asks for @when('a')",
        ],
    ),
    Situation(
        "the same: a script of the charm",
        "",
        [
            written(
                "reactive/b.sh",
                "#!/bin/bash\nsource charms.reactive.sh\n@when_not a\nfunction f() {\n    set_flag a\n}\n"
                "reactive_handler_main\n",
                True,
            ),
            "start",
        ],
        "why a",
        ["set by a process of reactive/b.sh:4:f", "reactive/b.sh:4:f asks for @when_not('a')"],
    ),
    Situation(
        "the same: somebody on the unit, between hooks",
        "@when('a')\ndef f(): pass\n",
        ["install", typed("set_flag", "a"), "start", typed("clear_flag", "a")],
        "why a",
        ["before hook 1, start, ", "set, by no hook: a command", "since the last hook: cleared, by no hook"],
    ),
    Situation(
        "a flag is not set, though a handler has set it",
        "@when_not('a')\ndef f():\n    set_flag('a')\n    raise ValueError('no')\n",
        ["start"],
        "why a",
        ["flag a is not set", "set by reactive/app.py:3:f; undone, because the hook did not succeed"],
    ),
    Situation(
        "the flag of an option, which is there in hooks only",
        "@when('config.set.port')\ndef f(): pass\n",
        [
            written("config.yaml", "options:\n  port: {type: int, default: 80}\n"),
            lambda unit: unit.answer("config-get", '{"port": 80}'),
            "start",
        ],
        "why config.set.port",
        [
            "is set by the framework while a hook runs, and was in the last one",
            "asks for @when('config.set.port')",
        ],
    ),
    Situation(
        "will it run when the next hook comes?",
        "@when('a')\ndef f(): pass\n",
        ["start", typed("set_flag", "a")],
        "why f",
        ["it did not run: 'a' is not set", "now: it would run in the next hook"],
    ),
    Situation(
        "what did the hook before the last one do with it?",
        "@when_not('done')\ndef once(): set_flag('done')\n",
        ["install", "start"],
        "why once --hook 2",
        ["hook 2, install, ", "it ran once, because its conditions held when the dispatch began"],
    ),
    Situation(
        "it ran before the charm was upgraded, and stands on another line now",
        "@when_not('done')\ndef once(): set_flag('done')\n",
        ["install", written("reactive/app.py", HEAD + "\n\n@when_not('done')\ndef once(): pass\n"), "start"],
        "why once --hook 2",
        ["hook 2, install, ", "it ran once"],
    ),
    Situation(
        "an error that the log has lost: a handler wants what nobody gives it",
        "@hook('start')\ndef f(db): pass\n",
        ["start"],
        "history -v -n 1",
        [
            "HandlerArgumentError: handler reactive/app.py:3:f cannot be called",
            "failed in reactive/app.py:3:f",
        ],
    ),
    Situation(
        "the same: triggers set one another off",
        "register_trigger(when='a', set_flag='b')\nregister_trigger(when='b', clear_flag='a')\n"
        "register_trigger(when_not='a', clear_flag='b')\nregister_trigger(when_not='b', set_flag='a')\n"
        "@hook('start')\ndef f(): set_flag('a')\n",
        ["start"],
        "history -v -n 1",
        ["TriggerCycleError: triggers form a cycle"],
    ),
    Situation(
        "the same: strict mode is on",
        "@when_not('a')\ndef f(): set_flag('a')\n@when('a')\ndef g(): clear_flag('a')\n",
        [
            written("config.yaml", "options:\n  reactive-strict: {type: boolean, default: true}\n"),
            lambda unit: unit.answer("config-get", '{"reactive-strict": true}'),
            "start",
        ],
        "history -v -n 1",
        ["StrictModeError: stopped after 100 iterations, in which handlers kept firing one another"],
    ),
    Situation(
        "the same: a handler of events has failed in it",
        "from charms.reactive.events import Event, emit_event, handle_event\nclass E(Event): pass\n"
        "@handle_event(E)\ndef heard(event): 1 / 0\n@hook('start')\ndef f(): emit_event(E)\n",
        [
            written("config.yaml", "options:\n  reactive-strict: {type: boolean, default: true}\n"),
            lambda unit: unit.answer("config-get", '{"reactive-strict": true}'),
            "start",
        ],
        "history -v -n 1",
        ["EventHandlerError: event handler reactive/app.py:5:heard failed on E", "  event E"],
    ),
    Situation(
        "the same: a script of bash handlers",
        "",
        [
            written(
                "reactive/b.sh",
                "#!/bin/bash\nsource charms.reactive.sh\n@when x\nreactive_handler_main\n",
                True,
            ),
            "start",
        ],
        "history -v -n 1",
        ["HandlerDeclarationError: cannot tell the bash handlers of reactive/b.sh"],
    ),
    Situation(
        "the same: an executable in another language",
        "",
        [written("reactive/thing", '#!/bin/sh\n[ "$1" = --test ]\n', True), "start"],
        "history -v -n 1",
        ["ExternalHandlerError: external handler reactive/thing"],
    ),
    Situation(
        "the same: a record that is not there",
        "from charms.reactive.records import Record\nclass Account(Record, key='name'):\n    name: str\n"
        "@hook('start')\ndef f(): Account.get('nobody')\n",
        ["start"],
        "history -v -n 1",
        ["failed in reactive/app.py:6:f, at reactive/app.py:7: RecordNotFoundError"],
    ),
    Situation(
        "the same: a flag that is no name",
        "@hook('start')\ndef f(): set_flag(None)\n",
        ["start"],
        "history -v -n 1",
        ["failed in reactive/app.py:3:f, at reactive/app.py:4: FlagNameError"],
    ),
    Situation(
        "the same: metadata.yaml is not what it should be",
        "@hook('{requires:sql}-relation-joined')\ndef f(): pass\n",
        [written("metadata.yaml", "name: app\nrequires: [sql]\n"), "start"],
        "history -v -n 1",
        ["CharmMetadataError: ", "metadata.yaml"],
    ),
    Situation(
        "nothing is remembered",
        "",
        [],
        "why configure",
        ["no hook has left anything there", "reactive-history"],
    ),
]


def played(unit: Unit, situation: Situation) -> str:
    """Bring a unit into a situation, and ask; what is answered."""
    unit.write("reactive/app.py", HEAD + situation.code)
    for step in situation.steps:
        if callable(step):
            step(unit)
        else:
            unit.run(step)
    done = unit.command(*situation.command.split())
    return done.stdout + done.stderr


@pytest.mark.parametrize("situation", SITUATIONS, ids=[one.seen for one in SITUATIONS])
def test_what_is_answered(unit: Unit, situation: Situation) -> None:
    answer = played(unit, situation)
    for part in situation.answers:
        assert part in answer, answer
    assert "Traceback" not in answer


def rows_of_the_chapter() -> Dict[str, List[str]]:
    """The table of the chapter: what is seen, what is typed, and what is answered."""
    table = CHAPTER.read_text(encoding="utf-8").partition("\n## Situations\n")[2]
    rows = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows[1:]}


def test_the_chapter_has_each_situation_and_its_answer() -> None:
    rows = rows_of_the_chapter()
    assert list(rows) == [one.seen for one in SITUATIONS]
    for situation in SITUATIONS:
        command, answer = rows[situation.seen]
        assert command == "`%s`" % situation.command
        for part in re.findall(r"`([^`]*)`", answer):
            assert any(part in whole for whole in ["\n".join(situation.answers)]), part
        assert re.search(r"`[^`]*`", answer), situation.seen


def test_for_programs(one_unit: Unit) -> None:
    one_unit.write("reactive/app.py", HEAD + "@when_not('a')\ndef f(): set_flag('a')\n")
    one_unit.run("install")
    one_unit.run("start")
    handler = json.loads(one_unit.command("why", "f", "--format", "json").stdout)["handlers"][0]
    assert handler["handler"] == "reactive/app.py:3:f"
    assert [hook["number"] for hook in handler["ran_in"]] == [2]
    assert handler["now"]["flags_match"] is False
    flag = json.loads(one_unit.command("why", "a", "--format", "json").stdout)["flag"]
    assert flag["set"] is True
    assert [(change["number"], change["by"]) for change in flag["changes"]] == [(2, "reactive/app.py:3:f")]
    assert flag["waiting"] == [{"handler": "reactive/app.py:3:f", "asks_for": "@when_not('a')"}]


def test_a_hook_that_is_not_remembered(one_unit: Unit) -> None:
    one_unit.write("reactive/app.py", HEAD + "@when_not('a')\ndef f(): pass\n")
    one_unit.run("install")
    done = one_unit.command("why", "f", "--hook", "7")
    assert (done.status, done.stdout) == (2, "")
    assert (
        done.stderr == "charms.reactive why: --hook 7: 1 hook is remembered, numbered from 1, the last one\n"
    )


def test_of_a_killed_hook_it_says_what_is_known(one_unit: Unit) -> None:
    one_unit.write(
        "reactive/app.py",
        HEAD + "import os\n@hook('start')\ndef f(): os.kill(os.getpid(), 9)\n@hook('start')\ndef g(): pass\n",
    )
    one_unit.run("install")
    assert one_unit.run("start").status == -signal.SIGKILL
    assert (
        "it ran, and the hook ended in it without a word: it was killed"
        in one_unit.command("why", "f").stdout
    )
    told = one_unit.command("why", "g").stdout
    assert "the hook ended without a word, in reactive/app.py:4:f, and no more is known of it" in told


def test_the_charm_is_not_started_for_it(one_unit: Unit) -> None:
    one_unit.write(
        "reactive/app.py", HEAD + "open('loaded', 'a').write('x')\n@when_not('a')\ndef f(): pass\n"
    )
    one_unit.run("install")
    for question in (["why", "f"], ["why", "a"], ["history", "-v"]):
        assert one_unit.command(*question).status == 0
    assert (one_unit.directory / "loaded").read_text() == "x"


# -- the last line of the log ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("version", "how"), [("3.6.1", "exec"), ("4.0.0", "exec"), ("2.9.44", "run"), ("", "exec")]
)
def test_the_log_of_a_failed_hook_ends_with_what_to_type(unit: Unit, version: str, how: str) -> None:
    unit.write("reactive/app.py", HEAD + "@when_not('a')\ndef f(): 1 / 0\n")
    unit.run("start", env={"JUJU_VERSION": version})
    level, message = unit.logged()[-1]
    assert level == "ERROR"
    line = message.splitlines()[-1]
    assert line == "To see what it did: juju %s --unit app/0 -- charms.reactive history -v -n 1" % how
    typed = line.partition("-- charms.reactive ")[2].split()
    assert "failed in reactive/app.py:3:f" in unit.command(*typed).stdout


def test_where_nothing_is_remembered_it_does_not(unit: Unit) -> None:
    unit.write("reactive/app.py", HEAD + "@when_not('a')\ndef f(): 1 / 0\n")
    unit.run("start", env={"CHARMS_REACTIVE_HISTORY": "0"})
    assert "To see what it did" not in unit.log_text()
    assert "Hook error in handler reactive/app.py:3:f" in unit.log_text()


# -- explain for programs --------------------------------------------------------------------------------
def test_explain_answers_programs_too(one_unit: Unit) -> None:
    one_unit.write(
        "reactive/app.py", HEAD + "@when_not('a')\ndef f(): set_flag('a')\n@when('b')\ndef g(): pass\n"
    )
    one_unit.run("start", env={"CHARMS_REACTIVE_RECORD": "hook.json"})
    found = json.loads(one_unit.command("explain", "--format", "json", "hook.json").stdout)
    assert [(one["handler"], one["ran"]) for one in found] == [
        ("reactive/app.py:3:f", 1),
        ("reactive/app.py:5:g", 0),
    ]
    assert found[0]["reason"] is None
    assert found[1]["reason"] == "'b' is not set, and nothing in this hook changed that"
    assert found[1]["asks_for"] == "@when('b')"
    times = json.loads(one_unit.command("explain", "--times", "--format", "json", "hook.json").stdout)
    assert set(times) > {"start", "handlers", "commit"}
