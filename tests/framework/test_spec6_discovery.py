"""Discovery: which files are handlers, under which names, and in which order."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import List

import pytest

import charms_reactive
from charms_reactive._juju import juju_log
from charms_reactive.bus import Handler
from charms_reactive.errors import CharmDirError, HandlerImportError, StrictModeError

from .support import Framework, Unit

ONE_HANDLER = "from charms.reactive import when\n@when('a')\ndef handler():\n    pass\n"


def _files(ids: List[str]) -> List[str]:
    return [id.partition(":")[0].partition(' "')[0] for id in ids]


def test_spec6_spec20_order_is_sorted_whatever_the_file_system_says(framework: Framework) -> None:
    expected = [
        "reactive/B.py",
        "reactive/a.py",
        "reactive/z",
        "reactive/layer/x.py",
        "reactive/layer/deep/er.py",
        "reactive/other/y.py",
        "hooks/reactive/c.py",
        "hooks/relations/http/requires.py",
    ]
    for path in reversed(expected):
        if path == "reactive/z":
            framework.write(path, "#!/bin/sh\n", executable=True)
        else:
            framework.write(path, ONE_HANDLER)
    assert _files(framework.discover()) == expected


@pytest.mark.parametrize(
    ("path", "content", "executable", "is_handler"),
    [
        ("reactive/no-suffix", b"#!/bin/sh\n", True, True),
        ("reactive/script.sh", b"#!/bin/sh\n", True, True),
        ("reactive/binary", b"\x7fELF\x02\x01\xff\xfe", True, True),
        ("hooks/reactive/script.sh", b"#!/bin/sh\n", True, True),
        ("hooks/relations/http/script.sh", b"#!/bin/sh\n", True, True),
        # Not executable: kwmonroe's layer ships one (COMPAT 3.20).
        ("reactive/script.sh", b"#!/bin/sh\n", False, False),
        ("reactive/no-suffix", b"#!/bin/sh\n", False, False),
        ("reactive/text", b"just text\n", True, False),
        ("reactive/text.sh", b"echo no shebang\n", True, False),
        ("reactive/empty", b"", True, False),
        ("reactive/README.md", b"#!/bin/sh\n", True, False),
        ("reactive/script.bash", b"#!/bin/sh\n", True, False),
        ("reactive/script.py.orig", b"#!/bin/sh\n", True, False),
        ("reactive/app.pyc", b"\xff\xfe", True, False),
        ("reactive/__pycache__/script.sh", b"#!/bin/sh\n", True, False),
        ("reactive/__pycache__/app.cpython-311.py", b"raise SystemExit(3)\n", False, False),
        ("reactive/data.yaml", b"raise: 1\n", False, False),
        ("hooks/install", b"#!/bin/sh\n", True, False),
        ("actions/do", b"#!/bin/sh\n", True, False),
        ("lib/handlers.py", b"raise SystemExit(3)\n", False, False),
    ],
)
def test_spec6_which_files_are_external_handlers(
    framework: Framework, path: str, content: bytes, executable: bool, is_handler: bool
) -> None:
    file = framework.write(path, "", executable)
    file.write_bytes(content)
    assert framework.discover() == (['%s ""' % path] if is_handler else [])


@pytest.mark.parametrize("name", ["reactive/app.sh", "reactive/app", "hooks/reactive/app.sh"])
def test_spec6_handlers_in_a_script_that_is_not_executable_are_missed_aloud(
    framework: Framework, name: str
) -> None:
    text = "#!/bin/bash\nsource charms.reactive.sh\n\n@when x\nfunction f() {\n    :\n}\n"
    framework.write(name, text + "\nreactive_handler_main\n")
    assert framework.discover() == []
    juju_log.hand_over()
    (line,) = framework.lines("WARNING")
    assert "%s has handlers and is not executable" % name in line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("reactive/lib.sh", "#!/bin/bash\nsource charms.reactive.sh\n"),
        ("reactive/README", "End a script with\n\nreactive_handler_main\n"),
        ("reactive/app.txt", "#!/bin/bash\nreactive_handler_main\n"),
        ("reactive/app.sh", "#!/bin/bash\n# no reactive_handler_main\n"),
    ],
)
def test_spec6_other_files_that_are_not_executable_are_no_news(
    framework: Framework, name: str, text: str
) -> None:
    framework.write(name, text)
    assert framework.discover() == []
    juju_log.hand_over()
    assert framework.lines("WARNING") == []


def test_spec6_a_broken_link_is_no_handler(framework: Framework) -> None:
    framework.write("reactive/app.py", ONE_HANDLER)
    (framework.directory / "reactive" / "dangling.sh").symlink_to("nowhere")
    assert _files(framework.discover()) == ["reactive/app.py"]


def test_spec6_multibyte_text_cut_by_the_look_is_judged_a_script(framework: Framework) -> None:
    framework.write("reactive/script", "#!/bin/sh\n#" + "x" * 1012 + "\u00e9\u00e9\n", executable=True)
    assert _files(framework.discover()) == ["reactive/script"]


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("reactive/app.py", "reactive.app"),
        ("reactive/__init__.py", "reactive"),
        ("reactive/layer/__init__.py", "reactive.layer"),
        ("reactive/layer/part.py", "reactive.layer.part"),
        ("hooks/reactive/old.py", "reactive.old"),
        ("hooks/relations/__init__.py", "relations"),
        ("hooks/relations/http/provides.py", "relations.http.provides"),
        ("hooks/relations/tls-certificates/requires.py", "relations.tls-certificates.requires"),
        ("hooks/relations/a-b/lib/c-d.py", "relations.a-b.lib.c-d"),
    ],
)
def test_spec6_modules_have_the_names_of_their_packages(framework: Framework, path: str, module: str) -> None:
    framework.write(path, ONE_HANDLER)
    assert _files(framework.discover()) == [path]
    assert Path(str(sys.modules[module].__file__)) == framework.directory / path


def test_spec6_one_package_over_two_directories(framework: Framework) -> None:
    """Without an ``__init__.py`` both ``reactive`` directories are one namespace package."""
    framework.write("reactive/new.py", ONE_HANDLER)
    framework.write("hooks/reactive/old.py", ONE_HANDLER)
    assert _files(framework.discover()) == ["reactive/new.py", "hooks/reactive/old.py"]


@pytest.mark.parametrize(
    "statement",
    [
        "from .common import X",
        "from . import common; X = common.X",
        "from ..top import X",
        "from reactive.layer.common import X",
        "from reactive import top; X = top.X",
        "import reactive.top; X = reactive.top.X",
        "import lib.charm.vault; X = lib.charm.vault.X",
        "import relations.hacluster.interface_hacluster.common as common; X = common.X",
        "from relations.pgsql.requires import X",
    ],
)
def test_spec6_compat_3_13_how_modules_import_one_another(framework: Framework, statement: str) -> None:
    for path in (
        "reactive/layer/common.py",
        "reactive/top.py",
        "lib/charm/vault.py",
        "hooks/relations/hacluster/interface_hacluster/common.py",
        "hooks/relations/pgsql/requires.py",
    ):
        framework.write(path, "X = 3\n")
    framework.write("reactive/layer/app.py", statement + "\nassert X == 3\n" + ONE_HANDLER)
    assert _files(framework.discover()) == ["reactive/layer/app.py"]


def test_spec6_the_paths_stay_for_late_imports(framework: Framework) -> None:
    before = list(sys.path)
    framework.discover()
    framework.discover()
    added = [str(framework.directory), str(framework.directory / "hooks")]
    assert sys.path == before + added


def test_spec6_importing_a_handler_from_another_does_not_double_it(framework: Framework) -> None:
    framework.write("reactive/a.py", "from reactive.b import handler\n")
    framework.write("reactive/b.py", ONE_HANDLER)
    assert framework.discover() == ["reactive/b.py:2:handler"]


def test_spec6_compat_3_7_discover_twice(framework: Framework) -> None:
    framework.write("reactive/app.py", ONE_HANDLER)
    framework.write("reactive/script", "#!/bin/sh\n", executable=True)
    first = framework.discover()
    assert framework.discover() == first
    assert len(Handler.get_handlers()) == 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def broken(:\n    pass\n", ["SyntaxError", "app.py", "line 1"]),
        ("x = 1\n\n  y = 2\n", ["IndentationError", "line 3"]),
        ("import no_such_module\n", ["ModuleNotFoundError", "no_such_module"]),
        ("from charms.reactive import no_such_name\n", ["ImportError", "no_such_name"]),
        ("raise RuntimeError('at import')\n", ["RuntimeError", "at import"]),
        ("from charms.reactive import set_flag\nset_flag(3)\n", ["FlagNameError", "must be a string"]),
        ("from charms.reactive import when\n@when(3)\ndef f(): pass\n", ["must be a string, not int"]),
        (
            "from charms.reactive import when_any\n@when_any(['a', 'b'])\ndef f(): pass\n",
            ["must be a string, not list"],
        ),
        ("from charms.reactive import when\n@when\ndef f(): pass\n", ["must be a string, not function"]),
        ("from charms.reactive import register_trigger\nregister_trigger()\n", ["when and when_not"]),
        ("x = '\\ud800'.encode()\n", ["UnicodeEncodeError"]),
    ],
)
def test_spec6_spec20_errors_a_module_that_fails_to_import_is_named(
    framework: Framework, source: str, words: List[str]
) -> None:
    framework.write("reactive/app.py", source)
    with pytest.raises(HandlerImportError) as caught:
        framework.discover()
    assert isinstance(caught.value, ImportError)
    assert caught.value.path == str(framework.directory / "reactive" / "app.py")
    assert caught.value.__cause__ is not None
    for word in ["cannot import handlers from %s" % caught.value.path] + words:
        assert word in str(caught.value)


def test_spec6_a_failing_import_fails_the_hook_and_is_in_the_log(unit: Unit) -> None:
    unit.write("reactive/aaa.py", "from charms.reactive import set_flag\nset_flag('early')\n")
    unit.write("reactive/app.py", "x = 1\ndef broken(:\n")
    done = unit.run()
    assert done.status != 0
    assert unit.rows() == {}
    (message,) = [message for level, message in unit.logged() if level == "ERROR"]
    assert "%s/reactive/app.py" % unit.directory in message.splitlines()[0]
    assert "line 2" in message.splitlines()[0]
    assert "early is clear again" in message.splitlines()[0]
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("value", ["/does/not/exist", None])
def test_spec6_no_charm_directory(framework: Framework, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for name in ("CHARM_DIR", "JUJU_CHARM_DIR"):
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name)
    with pytest.raises(CharmDirError, match=value or "not known"):
        charms_reactive.bus.discover()


def test_spec6_no_charm_directory_fails_the_hook(unit: Unit) -> None:
    missing = str(unit.directory / "gone")
    state = {"UNIT_STATE_DB": str(unit.directory / "state.db")}
    done = unit.run(env={"CHARM_DIR": missing, "JUJU_CHARM_DIR": missing, **state})
    assert done.status != 0
    assert "the charm directory %s does not exist" % missing in done.stderr
    assert "the charm directory %s does not exist" % missing in unit.log_text()


def test_spec6_a_charm_without_handlers(unit: Unit) -> None:
    done = unit.run()
    assert (done.status, done.stdout) == (0, "")
    assert unit.rows() == {}


HANDLERS_IN_BASH = "source charms.reactive.sh\n\n@when x\nfunction f() {\n    :\n}\n\nreactive_handler_main\n"


@pytest.mark.parametrize(
    ("name", "first", "executable", "reason"),
    [
        ("reactive/app.sh", "#!/bin/bash\n", False, "is not executable"),
        ("reactive/app", "#!/bin/bash\n", False, "is not executable"),
        ("reactive/app.sh", "", True, "does not begin with #!"),
        ("hooks/reactive/app", "# bash\n", True, "does not begin with #!"),
        ("reactive/app.bash", "#!/bin/bash\n", True, "is called *.bash"),
        ("reactive/app.sh.in", "#!/bin/bash\n", False, ""),
        ("reactive/README.md", "", False, ""),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_handlers_in_a_script_that_cannot_be_one_are_missed_aloud(
    framework: Framework, name: str, first: str, executable: bool, reason: str, strict: bool
) -> None:
    framework.write(name, first + HANDLERS_IN_BASH, executable)
    if strict:
        framework.strict()
        if reason:
            with pytest.raises(
                StrictModeError, match=re.escape("%s has handlers and %s, so none" % (name, reason))
            ):
                framework.discover()
            return
    assert framework.discover() == []
    framework.hand_over()
    lines = [line.partition(", so")[0] for line in framework.lines("WARNING")]
    assert lines == (["%s has handlers and %s" % (name, reason)] if reason else [])


@pytest.mark.parametrize(
    "name", ["._app.py", ".#app.py", ".app.py", ".git/app.py", ".ipynb_checkpoints/app.py"]
)
def test_what_editors_and_file_systems_leave_behind_is_no_handler(framework: Framework, name: str) -> None:
    framework.write("reactive/app.py", ONE_HANDLER)
    framework.write("reactive/" + name, "raise AssertionError\n")
    framework.write("reactive/._app.sh", "\0\5\26\7", executable=True)
    (framework.directory / "reactive" / ".#other.py").symlink_to("somebody@desk.4711")
    assert _files(framework.discover()) == ["reactive/app.py"]
    framework.hand_over()
    assert framework.lines("WARNING") == []


@pytest.mark.parametrize("call", ["sys.exit()", "sys.exit(0)", "raise SystemExit", "import helper"])
def test_a_module_that_ends_the_hook_is_named(framework: Framework, call: str) -> None:
    """As in 1.5.x the hook succeeds and no handler runs; here the log says why."""
    framework.write("reactive/a.py", ONE_HANDLER)
    framework.write("helper.py", "import sys\n\n\ndef main():\n    sys.exit(0)\n\n\nmain()\n")
    framework.write("hooks/relations/http/setup.py", "import sys\n%s\n" % call)
    framework.write("hooks/relations/zoo/provides.py", "raise AssertionError\n")
    framework.main()
    (line,) = framework.lines("WARNING")
    assert line.startswith(
        "hooks/relations/http/setup.py ends the hook while it is imported, by sys.exit() at "
    )
    where = "helper.py:5" if "helper" in call else "hooks/relations/http/setup.py:2"
    assert "%s: no handler of the charm runs" % where in line
    sys.modules.pop("helper", None)


def test_a_module_that_ends_the_hook_is_an_error_in_strict_mode(framework: Framework) -> None:
    framework.write("reactive/a.py", "import sys\nsys.exit(0)\n")
    framework.strict()
    with pytest.raises(StrictModeError, match=r"reactive/a\.py ends the hook while it is imported"):
        framework.main()


@pytest.mark.parametrize("code", ["3", "'bye'", "True", "[]"])
def test_a_module_that_fails_the_hook_by_an_exit_status_is_named(framework: Framework, code: str) -> None:
    framework.write("reactive/a.py", "import sys\nsys.exit(%s)\n" % code)
    with pytest.raises(HandlerImportError) as caught:
        framework.main()
    path = framework.directory / "reactive" / "a.py"
    assert str(caught.value) == "cannot import handlers from %s: it ends the process, by sys.exit(%s)" % (
        path,
        code,
    )
    assert any("reactive/a.py" in line for line in framework.lines("ERROR"))
