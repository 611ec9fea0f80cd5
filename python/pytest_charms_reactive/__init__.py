"""pytest plugin of charms.reactive: units and models without Juju, and what a failed assertion has to say.

Fixtures
    juju_unit: makes a :class:`charms_reactive.testing.Unit`, to run hooks of a charm in given states.
    juju_model: a :class:`charms_reactive.testing.Model`, to deploy and relate several charms.

Options
    --juju-units in-process|processes|both (``juju_units`` in the ini file): how hooks are run.
    --juju-seed N: from which seed models draw the order of hooks.
    juju_charm (in the ini file only): the charm's directory, where it is neither pytest's root directory nor
    one above the test's file.

It is a package of its own so that nothing of the framework is imported before a test asks for it: suites
that put stand-ins into ``sys.modules`` work beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional

import pytest

if TYPE_CHECKING:
    from charms_reactive.testing import Model, Unit

_SPEEDS = {"in-process": [True], "processes": [False], "both": [True, False]}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("charms.reactive")
    group.addoption(
        "--juju-units",
        choices=sorted(_SPEEDS),
        default=None,
        help="run hooks in this interpreter (in-process), as Juju does (processes), or each test twice (both)",
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
        speeds = _SPEEDS[asked]
        ids = ["in-process" if speed else "processes" for speed in speeds]
        metafunc.parametrize("juju_in_process", speeds, ids=ids if len(ids) > 1 else None, scope="session")


@pytest.fixture
def juju_charm(request: pytest.FixtureRequest) -> Path:
    """The directory of the charm that is tested."""
    asked = request.config.getini("juju_charm")
    root = request.config.rootpath
    if asked:
        return Path(root / asked)
    for directory in [root, *request.path.parents]:
        if (directory / "metadata.yaml").is_file() or (directory / "charmcraft.yaml").is_file():
            return Path(directory)
    raise pytest.UsageError(
        "no charm is in %s or above %s; name its directory as juju_charm in pytest's ini file, or give it to "
        "juju_unit()" % (root, request.path)
    )


@pytest.fixture
def juju_unit(request: pytest.FixtureRequest, juju_in_process: bool, tmp_path: Path) -> Callable[..., Unit]:
    """Makes units: ``juju_unit()`` of the charm that is tested, ``juju_unit("path")`` of any other.

    ``juju_unit(handlers=function, config={…}, files={…})`` makes the charm as well; see
    :meth:`charms_reactive.testing.Charm.of`. Any other argument is one of
    :class:`charms_reactive.testing.Unit`.
    """
    from charms_reactive.testing import Charm, Unit

    made: List[object] = []

    def make(
        charm: Any = None,
        *,
        handlers: Optional[Callable[[], object]] = None,
        metadata: Any = None,
        config: Any = None,
        actions: Any = None,
        files: Any = None,
        **options: Any,
    ) -> Unit:
        parts = {"metadata": metadata, "config": config, "actions": actions, "files": files}
        if handlers is not None or any(part is not None for part in parts.values()):
            if charm is not None:
                raise TypeError("juju_unit() takes a charm or what a charm is made of, not both")
            charm = Charm.of(tmp_path / ("charm-%d" % len(made)), handlers, **parts)
        elif charm is None:
            charm = request.getfixturevalue("juju_charm")
        options.setdefault("in_process", juju_in_process)
        unit = Unit(charm, **options)
        made.append(unit)
        return unit

    return make


@pytest.fixture
def juju_model(request: pytest.FixtureRequest, juju_in_process: bool, tmp_path: Path) -> Iterator[Model]:
    """A model without applications, which is taken down when the test ends."""
    from charms_reactive.testing import Model

    seed = request.config.getoption("--juju-seed")
    with Model(tmp_path / "model", seed=seed, in_process=juju_in_process) as model:
        yield model


def pytest_assertrepr_compare(op: str, left: object, right: object) -> Optional[List[str]]:
    """Say what differs between states, and why a handler did not run."""
    testing = sys.modules.get("charms_reactive.testing")
    if testing is None or not hasattr(testing, "State"):
        return None  # no simulated unit has been made, or somebody has put a stand-in there
    if op == "==" and isinstance(left, testing.State) and isinstance(right, testing.State):
        lines = testing.differences(right, left)
        return ["the states differ (- only in the right one, + only in the left one):", *lines]
    if op in ("in", "not in") and isinstance(right, testing.Handlers):
        record = right.record
        wanted: Any = left
        name = getattr(wanted, "__name__", repr(wanted))
        lines = record.explain(wanted).splitlines() if record is not None else []
        ran = ", ".join(right.names) or "none"
        return ["handler %s %s %s" % (name, op, ran), *lines]
    if op == "==" and isinstance(left, testing.Handlers):
        return _handlers_differ(left, right)
    return None


def _handlers_differ(left: Any, right: object) -> Optional[List[str]]:
    if not isinstance(right, (list, tuple)):
        return None
    lines = ["handlers %s == %s" % (list(left.names), list(right))]
    if left.record is not None:
        for wanted in right:
            if wanted not in left:
                lines += left.record.explain(wanted).splitlines()
    return lines
