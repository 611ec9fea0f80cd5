"""pytest plugin of charms.reactive: units and models without Juju, and what a failed assertion has to say.

Fixtures
    juju_charm: the directory of the charm that is tested.
    juju_unit: makes a :class:`charms_reactive.testing.Unit`, to run hooks of a charm in given states.
    juju_model: a :class:`charms_reactive.testing.Model`, to deploy and relate several charms.

Options
    --juju-units in-process|processes|both (``juju_units`` in the ini file): how hooks are run.
    --juju-seed N: from which seed models draw the order of hooks.
    juju_charm (in the ini file only): the charm's directory, where it is neither pytest's root directory nor
    one above the test's file.

It does nothing before a test asks for one of its fixtures. Then the framework and charmhelpers are loaded for
the units alone: whatever a suite has put into ``sys.modules`` stays what it is, and what it imports is not
imported for it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional

import pytest

from . import _desk

if TYPE_CHECKING:
    from charms_reactive.testing import Model, Unit

_SPEEDS = {"in-process": [True], "processes": [False], "both": [True, False]}
_HOOKS = pytest.StashKey[List[Any]]()
_MODEL = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("charms.reactive")
    group.addoption(
        "--juju-units",
        choices=sorted(_SPEEDS),
        default=None,
        help="run hooks in this interpreter (in-process), as Juju does (processes), or both, each test twice",
    )
    group.addoption(
        "--juju-seed",
        type=int,
        default=0,
        metavar="N",
        help="from which seed the order of hooks in a model is drawn (default: %(default)s)",
    )
    parser.addini("juju_units", "how hooks are run: in-process, processes or both", default="in-process")
    parser.addini("juju_charm", "the directory of the charm, relative to pytest's root directory", default="")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that use a unit or model at each speed that was asked for."""
    if "juju_in_process" in metafunc.fixturenames:
        asked = metafunc.config.getoption("--juju-units") or metafunc.config.getini("juju_units")
        if asked not in _SPEEDS:
            raise pytest.UsageError("juju_units must be one of %s, not %r" % (", ".join(_SPEEDS), asked))
        if len(_SPEEDS[asked]) > 1:
            metafunc.parametrize("juju_in_process", _SPEEDS[asked], ids=["in-process", "processes"])


@pytest.fixture
def juju_in_process(request: pytest.FixtureRequest) -> bool:
    """Whether hooks run in this interpreter."""
    asked = request.config.getoption("--juju-units") or request.config.getini("juju_units")
    return bool(asked == "in-process")


@pytest.fixture
def juju_charm(request: pytest.FixtureRequest) -> Path:
    """The directory of the charm that is tested."""
    asked = request.config.getini("juju_charm")
    root = request.config.rootpath
    if asked:
        return Path(root / asked)
    for directory in [root, *request.path.parents]:
        if any((directory / name).is_file() for name in ("metadata.yaml", "charmcraft.yaml")):
            return Path(directory)
    raise pytest.UsageError(
        "no charm is in %s or above %s; name its directory as juju_charm in pytest's ini file, or give it to "
        "juju_unit()" % (root, request.path)
    )


@pytest.fixture
def juju_unit(
    request: pytest.FixtureRequest, juju_in_process: bool, tmp_path: Path
) -> Iterator[Callable[..., Unit]]:
    """Makes units: ``juju_unit()`` of the charm that is tested, ``juju_unit("path")`` of any other.

    ``juju_unit(handlers=function, config={…}, files={…})`` makes the charm as well; see
    :meth:`charms_reactive.testing.Charm.of`. Any other argument is one of
    :class:`charms_reactive.testing.Unit`.
    """
    _desk.load()
    from . import _units

    with _units.Maker(juju_in_process, tmp_path, lambda: request.getfixturevalue("juju_charm")) as maker:
        request.node.stash[_HOOKS] = maker.outcomes
        yield maker.make


@pytest.fixture
def captured_events() -> Iterator[List[Any]]:
    """Every event that the test emits, heard or not, as a list of :class:`charms_reactive.events.Emission`.

    Of hooks on a simulated unit ``then.events`` tells.
    """
    from charms_reactive.events import capture_events

    with capture_events() as seen:
        yield seen


@pytest.fixture
def juju_model(request: pytest.FixtureRequest, juju_in_process: bool, tmp_path: Path) -> Iterator[Model]:
    """A model without applications, which is taken down when the test ends.

    One with other arguments, of Juju 4 for example, is
    ``Model(juju_version="4.0", in_process=juju_in_process)`` in a ``with`` statement.
    """
    _desk.load()
    from charms_reactive.testing import Model

    seed = request.config.getoption("--juju-seed")
    with Model(tmp_path / "model", seed=seed, in_process=juju_in_process) as model:
        request.node.stash[_MODEL] = model
        yield model


# -- what a failed test has to say ------------------------------------------------------------------
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Add what the hooks of a failed test did, and what stands in the framework's way."""
    result = yield
    report = result.get_result()
    if report.failed and call.excinfo is not None and _is_of_the_framework(call.excinfo.type):
        standing = _desk.told_stand_ins()
        if standing:
            report.sections.append(("stand-ins", "\n".join(standing)))
    outcomes = item.stash.get(_HOOKS, [])
    if report.when == "call" and report.failed and outcomes:
        from . import _messages

        report.sections.append(("Juju hooks", _messages.hooks(outcomes)))
    model = item.stash.get(_MODEL, None)
    if report.when == "call" and report.failed and model is not None and model.steps:
        from . import _messages

        report.sections.append(("Juju model", "%s\n\n%s" % (_messages.steps(model.steps), model)))


def _is_of_the_framework(kind: type) -> bool:
    """Whether an exception is one of the framework's own, of whichever copy of it."""
    return any(
        base.__name__ == "ReactiveError" and base.__module__.startswith("charms_reactive")
        for base in kind.__mro__
    )


def pytest_assertrepr_compare(op: str, left: object, right: object) -> Optional[List[str]]:
    """Say what differs between states, and why a handler did not run."""
    testing = sys.modules.get("charms_reactive.testing")
    if testing is None or not isinstance(getattr(testing, "State", None), type):
        return None  # no simulated unit has been made, or somebody has put a stand-in there
    from . import _messages

    return _messages.comparison(op, left, right)
