"""The light start of hooks of the base layer: who finds what stands in, and who finds the real things."""

from __future__ import annotations

import importlib
import shutil
import sys
import textwrap
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Dict, List

import pytest

import charms_reactive_start
from charms_reactive_start import _frames, _stand_ins

from .layered import LayeredUnit
from .support import PACKAGES


@pytest.fixture
def layered(tmp_path: Path) -> LayeredUnit:
    return LayeredUnit(tmp_path, "pure")


#: How a script in the environment begins, as a hook file does.
BEGIN = """
import sys
sys.path.append("lib")
sys.argv = ["hooks/update-status"]
REAL = ("distutils", "pkg_resources", "setuptools", "inspect")
def loaded():
    return [name for name in REAL if name in sys.modules]
"""


def script(unit: LayeredUnit, text: str, **variables: Any) -> None:
    """Run lines of Python in the charm's environment, in a hook; they assert what is to hold."""
    done = unit.execute([unit.python, "-c", BEGIN + textwrap.dedent(text)], variables)
    assert done.status == 0, done.stderr


# -- what is loaded ---------------------------------------------------------------------------------------
def test_the_layers_and_charmhelpers_load_nothing_of_setuptools(layered: LayeredUnit) -> None:
    script(
        layered,
        """
        from charms.layer import basic
        basic.bootstrap_charm_deps()
        from charmhelpers.core import hookenv
        assert hookenv.LooseVersion("3.6.0") >= hookenv.LooseVersion("2.9")
        assert not loaded(), loaded()
        """,
    )


def test_outside_hooks_nothing_happens(layered: LayeredUnit) -> None:
    script(
        layered,
        """
        import charms
        from charms.layer import basic
        assert "charms_reactive_start" not in sys.modules
        assert basic.LooseVersion.real and basic.Requirement.real
        assert basic.__builtins__ is vars(__import__("builtins"))
        """,
        JUJU_CONTEXT_ID=None,
    )


def test_the_switch(layered: LayeredUnit) -> None:
    script(
        layered,
        """
        from charms.layer import basic
        assert basic.LooseVersion.real and basic.Requirement.real
        assert not [it for it in sys.meta_path if type(it).__module__ == "charms_reactive_start"]
        """,
        CHARMS_REACTIVE_LIGHT_START="0",
    )


@pytest.mark.parametrize(
    ("statement", "real"),
    [
        ("import pkg_resources", "pkg_resources.Requirement.real"),
        ("from pkg_resources import Requirement, parse_version", "Requirement.real"),
        ("from distutils.version import LooseVersion", "LooseVersion.real"),
        ("import distutils.version", "distutils.version.LooseVersion.real"),
        ("import inspect", "inspect.getsource"),
    ],
)
def test_code_of_the_charm_finds_the_real_ones(layered: LayeredUnit, statement: str, real: str) -> None:
    layered.write("lib/charms/layer/mine.py", "%s\nreal = %s\n" % (statement, real))
    layered.write("reactive/mine.py", "%s\nreal = %s\n" % (statement, real))
    layered.write("hooks/config-changed", (layered.directory / "hooks/hook.template").read_text(), True)
    done = layered.run_layered("config-changed")
    assert done.status == 0, done.stderr
    script(
        layered,
        """
        from charms.layer import basic, status
        assert not loaded()
        from charms.layer import mine
        name = %r.split()[1].partition(".")[0]
        assert sys.modules[name].__file__.endswith(name + ("/__init__.py" if name != "inspect" else ".py"))
        """
        % statement,
    )


def test_what_a_layer_imports_in_passing_finds_the_real_ones(layered: LayeredUnit) -> None:
    """While the base layer is being imported, too: only its own statements are answered otherwise."""
    path = layered.directory / "lib/charms/layer/execd.py"
    path.write_text("import pkg_resources\nfrom distutils.version import LooseVersion\n" + path.read_text())
    text = (layered.directory / "lib/charms/layer/basic.py").read_text()
    first = "from charms.layer.execd import run_first\n"
    layered.write("lib/charms/layer/basic.py", first + text)
    script(
        layered,
        """
        from charms.layer import basic, execd
        assert execd.pkg_resources.Requirement.real and execd.LooseVersion.real
        assert basic.LooseVersion is execd.LooseVersion, "what is loaded is what everybody gets"
        """,
    )


def test_what_somebody_has_replaced_is_respected(layered: LayeredUnit) -> None:
    script(
        layered,
        """
        import types
        for name, attribute in (("distutils", "version"), ("distutils.version", "LooseVersion")):
            sys.modules[name] = types.ModuleType(name)
        sys.modules["distutils.version"].LooseVersion = "a mock"
        sys.modules["pkg_resources"] = mock = types.ModuleType("pkg_resources")
        mock.Requirement = "another"
        sys.modules["inspect"] = "a third"
        from charms.layer import basic, status
        from charmhelpers.core import hookenv
        assert (basic.LooseVersion, basic.Requirement, status.inspect) == ("a mock", "another", "a third")
        assert hookenv.LooseVersion == "a mock"
        """,
    )


def test_a_module_that_must_not_be_imported_is_not(layered: LayeredUnit) -> None:
    """``None`` in sys.modules says so."""
    script(
        layered,
        """
        sys.modules["pkg_resources"] = None
        try:
            from charms.layer import basic
        except ImportError as error:
            assert "pkg_resources" in str(error)
        else:
            raise AssertionError("it is imported")
        """,
    )


def test_modules_stay_what_they_are(layered: LayeredUnit) -> None:
    """Their loaders, their reload, their errors."""
    script(
        layered,
        """
        import importlib, importlib.machinery, traceback
        from charms.layer import basic
        from charmhelpers.core import hookenv
        for module in (basic, hookenv):
            loader = module.__loader__
            assert type(loader) is importlib.machinery.SourceFileLoader
            assert vars(loader).keys() == {"name", "path"}
            assert module.__spec__.origin == module.__file__
        before = hookenv.log
        assert importlib.reload(hookenv) is hookenv and hookenv.log is not before
        assert hookenv.LooseVersion("1") < hookenv.LooseVersion("2")
        import charms.layer
        open("lib/charms/layer/broken.py", "w").write("1 / 0")
        try:
            import charms.layer.broken
        except ZeroDivisionError:
            assert "charms_reactive_start" not in traceback.format_exc()
        try:
            from charms.layer import nothing
        except ImportError:
            pass
        """,
    )


def test_a_charm_whose_base_layer_is_another(layered: LayeredUnit) -> None:
    """Other forms of import than the known ones are the real import."""
    layered.write(
        "lib/charms/layer/basic.py",
        """
        import pkg_resources as resources
        import distutils.version
        from pkg_resources import Requirement, iter_entry_points
        """,
    )
    layered.use_setuptools("62")
    (layered.environment / "setuptools/pkg_resources/__init__.py").write_text(
        "class Requirement: real = True\niter_entry_points = 1\n"
    )
    script(
        layered,
        """
        from charms.layer import basic
        assert basic.Requirement.real and basic.distutils.version.LooseVersion.real
        assert basic.resources is sys.modules["pkg_resources"]
        """,
    )


def test_another_distribution_has_its_own_file_for_the_namespace(
    layered: LayeredUnit, tmp_path: Path
) -> None:
    """Which of them is there is chance: pip installs the last one over the others."""
    foreign = tmp_path / "foreign" / "charms"
    foreign.mkdir(parents=True)
    line = "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"
    (foreign / "__init__.py").write_text(line)
    layered.env["PYTHONPATH"] = "%s:%s" % (foreign.parent, layered.env["PYTHONPATH"])
    light = """
        from charms.layer import basic
        import charms
        assert "foreign" in charms.__file__
        assert ("charms_reactive_start" in sys.modules) is %s
        assert ("pkg_resources" in sys.modules) is not %s
        """
    script(layered, light % (False, False))
    layered.install_pth()
    script(layered, light % (True, True))
    script(layered, light % (False, False), JUJU_CONTEXT_ID=None)
    done = layered.run_layered()
    assert done.status == 0, done.stderr
    assert "status-set active port 80" in layered.calls()


# -- what stands in -----------------------------------------------------------------------------------------
def test_what_else_is_asked_of_a_requirement_loads_the_real_one(layered: LayeredUnit) -> None:
    script(
        layered,
        """
        from charms.layer import basic
        assert "pkg_resources" not in sys.modules
        requirement = basic.Requirement.parse("a==1")
        assert requirement.real and type(requirement) is sys.modules["pkg_resources"].Requirement
        assert isinstance(requirement, basic.Requirement)
        assert basic.Requirement("b==2").real
        class Mine(basic.Requirement):
            pass
        assert issubclass(Mine, basic.Requirement) and Mine("c==3").real
        """,
    )


def test_the_bootstrap_asks_the_real_ones(layered: LayeredUnit) -> None:
    """Its versions of what is installed and of what is in the wheelhouse, which it compares."""
    layered.write("wheelhouse/one-2.0-py3-none-any.whl", "")
    (layered.environment / "setuptools/pip").mkdir()
    (layered.environment / "setuptools/pip/__init__.py").write_text("")
    (layered.environment / "setuptools/pip/__main__.py").write_text("print('one==1.0\\n# no\\nother==3')")
    script(
        layered,
        """
        from charms.layer import basic
        installed, wheelhouse = basic.wheelhouse()
        assert wheelhouse["one"] > installed["one"] and str(installed["one"]) == "1.0"
        """,
    )


def test_without_pkg_resources_the_base_layer_starts_and_installs(layered: LayeredUnit) -> None:
    """setuptools 82 and later have none, and nor has Python without setuptools."""
    for version in ("84", None):
        layered.use_setuptools(version)
        for hook in ("config-changed", "update-status", "upgrade-charm"):
            done = layered.run_layered(hook)
            assert done.status == 0, done.stderr
        script(
            layered,
            """
            from charms.layer import basic
            requirement = basic.Requirement.parse("charms.reactive==1.6.0")
            assert (requirement.project_name, requirement.specs) == ("charms.reactive", [("==", "1.6.0")])
            basic.keep_charm_env()
            assert not loaded(), loaded()
            """,
        )
    done = layered.run_layered(CHARMS_REACTIVE_LIGHT_START="0")
    assert "No module named 'distutils'" in done.stderr or "No module named 'pkg_resources'" in done.stderr


def test_a_pkg_resources_that_is_broken_says_so(layered: LayeredUnit) -> None:
    (layered.environment / "setuptools/pkg_resources/__init__.py").write_text("import no_such_module\n")
    script(
        layered,
        """
        from charms.layer import basic
        try:
            basic.Requirement.parse("a==1")
        except ModuleNotFoundError as error:
            assert error.name == "no_such_module"
        else:
            raise AssertionError("it hides that")
        """,
    )


#: Two versions and how they compare: -1, 0, 1, or "" for what cannot be compared.
LOOSE = [
    ("1.5.1", "1.5.2b2", -1),
    ("161", "3.10a", 1),
    ("8.02", "8.02", 0),
    ("3.4j", "1996.07.12", -1),
    ("2g6", "11g", -1),
    ("0.960923", "2.2beta29", -1),
    ("1.13++", "5.5.kw", -1),
    ("62.1.0.tar.gz", "62.1.0", 1),
    ("22.0.4.tar.gz", "22.0.4.tar.gz", 0),
    ("6.4.2", "7", -1),
    ("1.0rc1", "1.0.1", ""),
    ("3.6-beta1", "3.6.0", ""),
    ("2.9.37", "2.9.37.1", -1),
]


@pytest.mark.parametrize(("one", "other", "order"), LOOSE)
def test_loose_versions(one: str, other: str, order: Any) -> None:
    classes: List[Any] = [_stand_ins.LooseVersion]
    real = real_loose_version()
    if real is not None:  # then the table is true, and each understands the other
        classes.append(real)
    for first in classes:
        for second in [*classes, str]:
            this, that = first(one), second(other)
            assert str(this) == one
            if order == "":
                with pytest.raises(TypeError):
                    assert this < that
                continue
            found = (this < that, this <= that, this == that, this >= that, this > that, this != that)
            assert found == (order < 0, order <= 0, order == 0, order >= 0, order > 0, order != 0)
        assert first(one).version == classes[-1](one).version
        assert repr(first(one)) == "LooseVersion ('%s')" % one


def real_loose_version() -> Any:
    """distutils's own, or setuptools's copy of it; neither is part of Python from 3.12 on."""
    for name in ("distutils.version", "setuptools._distutils.version"):
        try:
            return importlib.import_module(name).LooseVersion
        except ImportError:
            continue
    return None


REQUIREMENTS: Dict[str, Any] = {
    "wget==3.2": ("wget", [("==", "3.2")]),
    "zope.interface==4.3.2": ("zope.interface", [("==", "4.3.2")]),
    "charms_reactive == 1.6.0": ("charms_reactive", [("==", "1.6.0")]),
    "a>=1.2.3": ("a", [(">=", "1.2.3")]),
    "a[b,c]>=1,<2.0": ("a", [(">=", "1"), ("<", "2.0")]),
    "a (==1.0)": ("a", [("==", "1.0")]),
    "a===1.0+local.1": ("a", [("===", "1.0+local.1")]),
    "a==1.*": ("a", [("==", "1.*")]),
    "a": ("a", []),
    'a==1; python_version < "3"': ("a", [("==", "1")]),
    "a @ file:///tmp/a.whl": ("a", []),
    "a==1  # via b": ("a", [("==", "1")]),
    "# comments are ignored": None,
    "-e git+ssh://host/project": None,
    "": None,
    "a==": None,
    "a b": None,
    "a=1": None,
    "==1": None,
}


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_requirements_where_there_is_no_pkg_resources(line: str) -> None:
    expected = REQUIREMENTS[line]
    if expected is None:
        with pytest.raises(ValueError, match="is no requirement"):
            _stand_ins.PlainRequirement.parse(line)
    else:
        found = _stand_ins.PlainRequirement.parse(line)
        assert (found.project_name, sorted(found.specs)) == (expected[0], sorted(expected[1]))


@pytest.mark.parametrize(
    ("one", "other", "order"),
    [
        ("1.0.0", "1.0.0\n", 0),
        ("1.0", "1.0.0", 0),
        ("0.0.0", "1.0.0", -1),
        ("1.10", "1.9", 1),
        ("0", "0.0", 0),
    ],
)
def test_versions_of_charm_env(one: str, other: str, order: int) -> None:
    this, that = _stand_ins.parse_version(one), _stand_ins.parse_version(other)
    assert (this < that, this == that, this > that) == (order < 0, order == 0, order > 0)
    assert (this <= that, this >= that) == (order <= 0, order >= 0)
    assert (hash(this) == hash(that)) is (order == 0)


def test_versions_of_other_kinds_are_those_of_pkg_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    class Version(str):
        public = "as the real one says"

        def __lt__(self, other: object) -> bool:
            return NotImplemented if not isinstance(other, Version) else len(self) < len(other)

    real = ModuleType("pkg_resources")
    real.parse_version = Version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pkg_resources", real)
    assert type(_stand_ins.parse_version("1.0rc1")) is Version
    assert _stand_ins.parse_version("1.0") < _stand_ins.parse_version("1.0rc1")
    assert _stand_ins.parse_version("1.0").public == "as the real one says"


def test_versions_of_other_kinds_without_pkg_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stand_ins, "_pkg_resources", lambda: None)
    with pytest.raises(ValueError, match="is no version of numbers alone"):
        _stand_ins.parse_version("1.0rc1")
    with pytest.raises(AttributeError, match="no attribute 'public' without pkg_resources"):
        _ = _stand_ins.parse_version("1.0").public


def test_frames_are_those_of_inspect() -> None:
    import inspect

    light, real = _frames.stack(), inspect.stack()
    assert [tuple(frame)[:2] + (frame[3],) for frame in light] == [
        (frame.frame, frame.filename, frame.function) for frame in real
    ]
    assert light[1].lineno == real[1].lineno
    assert light[1].filename == real[1].filename
    assert light[1].code_context == real[1].code_context
    assert (light[1].frame, light[1].function, light[1].index) == (
        real[1].frame,
        real[1].function,
        real[1].index,
    )
    with pytest.raises(AttributeError):
        _ = light[1].nothing
    assert _frames.getsource is inspect.getsource
    with pytest.raises(AttributeError):
        _ = _frames.nothing


# -- charm-env ----------------------------------------------------------------------------------------------
def test_programs_that_are_alike_are_not_asked_for_their_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, bundled = str(tmp_path / "installed"), str(tmp_path / "bundled")
    monkeypatch.setattr(charms_reactive_start, "_CHARM_ENV", (installed, bundled))
    asked: List[str] = []
    body = "def install_or_update_charm_env():\n    asked.append(%r)\n    asked.append(%r)\n"
    basic: Dict[str, Any] = {"asked": asked}
    exec(body % (installed, bundled), basic)
    charms_reactive_start._ask_no_programs(basic)

    def is_asked() -> bool:
        asked.clear()
        basic["install_or_update_charm_env"]()
        return bool(asked)

    assert is_asked(), "neither is there"
    shutil.copy(str(PACKAGES / "charms/__init__.py"), bundled)
    Path(bundled).chmod(0o755)
    assert is_asked(), "it is not installed yet"
    shutil.copy2(bundled, installed)
    assert not is_asked()
    Path(installed).chmod(0o644)
    assert is_asked(), "it cannot be run, of which the base layer has to hear"
    Path(installed).chmod(0o755)
    Path(installed).write_bytes(Path(bundled).read_bytes()[::-1])
    assert is_asked(), "they differ"
    assert isinstance(basic["install_or_update_charm_env"].__wrapped__, FunctionType)


def test_a_function_of_another_kind_is_left_alone() -> None:
    def install_or_update_charm_env() -> None:
        """Of a layer that has its own."""

    basic: Dict[str, Any] = {"install_or_update_charm_env": install_or_update_charm_env}
    charms_reactive_start._ask_no_programs(basic)
    assert basic == {"install_or_update_charm_env": install_or_update_charm_env}
    charms_reactive_start._ask_no_programs({})
