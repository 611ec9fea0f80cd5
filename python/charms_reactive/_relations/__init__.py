"""What ``relations`` and ``endpoints`` consist of, first of all the factories; imports events and below.

Public as names of :mod:`charms_reactive.relations`. Other distributions offer factories by entry points.
``importlib.metadata`` costs a hook more than all that most hooks do, and hardly a charm needs it. So
the files that it would read are looked at first, and it is imported only if one names the group.
"""

from __future__ import annotations

import importlib
import os
import sys

from charms_reactive._errors import ReactiveError, in_words
from charms_reactive._juju import environment, juju_log
from charms_reactive._juju.environment import hookenv
from charms_reactive.discovery import _append_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Iterator, List, Optional, Tuple, Type

__all__ = [
    "RelationFactory",
    "RelationFactoryError",
    "find_relation_factory",
    "relation_factory",
    "relation_module",
]


class RelationFactoryError(ReactiveError, ImportError):
    """A distribution says that it has a factory of relations, and that does not work.

    The original exception is the ``__cause__``.

    Attributes:
        distribution: name of the distribution.
    """

    __module__ = "charms_reactive.relations"  # where charms know it

    def __init__(self, distribution: str, entry_point: str, reason: BaseException) -> None:
        self.distribution = distribution
        super().__init__(
            "the relation factory %s of the installed distribution %s cannot be loaded: %s"
            % (entry_point, distribution, in_words(reason))
        )


class RelationFactory:
    """Makes the objects with which a charm talks over its relations.

    An interface layer has a subclass of this in its module ``requires.py``, ``provides.py`` or
    ``peers.py``; usually one of :class:`~charms_reactive.endpoints.Endpoint`. Other distributions may
    add factories for all relations, as entry points of the group ``charms.reactive.relation_factory``:
    classes with the classmethods ``load``, ``from_name`` and ``from_flag``, of whatever base.
    """

    __module__ = "charms_reactive.relations"  # where charms know it

    # Factories that are asked before any interface layer.
    _factories: ClassVar[List[Any]] = []

    @classmethod
    def discover(cls) -> None:
        """Load the factories that installed distributions offer.

        Raises:
            RelationFactoryError: one cannot be loaded.
        """
        for distribution, entry_point in entry_points("charms.reactive.relation_factory"):
            try:
                factory = entry_point.load()
                factory.load()
            except Exception as error:
                raise RelationFactoryError(distribution, entry_point.value, error) from error
            RelationFactory._factories.append(factory)

    @classmethod
    def get_factory(cls, relation_name: str) -> Optional[Any]:
        """The first of the additional factories that knows this relation."""
        for factory in RelationFactory._factories:
            if factory.from_name(relation_name):
                return factory
        return None

    @classmethod
    def load(cls) -> None:
        """Prepare the factory; called once, when it is found."""

    @classmethod
    def from_name(cls, relation_name: str) -> Any:
        """The object for an endpoint, or ``None``."""
        raise NotImplementedError("%s.from_name" % cls.__name__)

    @classmethod
    def from_flag(cls, flag: str) -> Any:
        """The object for the endpoint that a flag belongs to, or ``None``."""
        raise NotImplementedError("%s.from_flag" % cls.__name__)


def relation_factory(relation_name: str) -> Optional[Any]:
    """The factory for an endpoint, or ``None`` with a line in the log that says why.

    Additional factories go first; then the module ``relations.INTERFACE.ROLE``, which may stand in
    ``reactive/`` or in ``hooks/``.

    Raises:
        RuntimeError: the module has more than one candidate.
    """
    factory = RelationFactory.get_factory(relation_name)
    if factory:
        return factory
    role, interface = environment.asked(hookenv.relation_to_role_and_interface, relation_name)
    if not (role and interface):
        juju_log.log("Unable to determine role and interface for relation %s" % relation_name, juju_log.ERROR)
        return None
    return find_relation_factory(relation_module(role, interface))


def relation_module(role: str, interface: str) -> Optional[Any]:
    charm_dir = hookenv.charm_dir()
    if isinstance(charm_dir, str):  # a unit test may have none, and what it looks for may be loaded
        _append_path(charm_dir)
        _append_path(os.path.join(charm_dir, "hooks"))
    for package in ("reactive.relations", "relations"):
        name = "%s.%s.%s" % (package, interface, role)
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not (name + ".").startswith(error.name + "."):
                raise  # the module is there and needs another one that is not
    message = "Unable to find implementation for relation: %s of %s (there is no hooks/relations/%s/%s.py)"
    juju_log.log(message % (role, interface, interface, role), juju_log.ERROR)
    return None


def find_relation_factory(module: Any) -> Optional[Type[RelationFactory]]:
    """The one class of a module that is a factory and has no subclass there."""
    if module is None:
        return None
    classes = {
        thing
        for thing in list(vars(module).values())
        if isinstance(thing, type) and issubclass(thing, RelationFactory) and not _is_ours(thing)
    }
    candidates = [one for one in classes if not any(issubclass(other, one) for other in classes - {one})]
    if not candidates:
        message = "No RelationFactory found in %s: it is to have one class whose base is Endpoint"
        juju_log.log(message % module.__name__, juju_log.WARNING)
        return None
    if len(candidates) > 1:
        names = ", ".join(sorted(candidate.__name__ for candidate in candidates))
        raise RuntimeError("Too many RelationFactory found in %s: %s" % (module.__name__, names))
    return candidates[0]


def _is_ours(thing: type) -> bool:
    """Whether a class is the framework's, which interface modules import without offering it."""
    return thing.__module__.partition(".")[0] == "charms_reactive"


# -- entry points ---------------------------------------------------------------------------------
def entry_points(group: str) -> Iterator[Tuple[str, Any]]:
    """The entry points of a group in the order of ``sys.path``, each behind its distribution's name.

    Of a distribution that is installed twice the one counts that imports find.

    Args:
        group: for example ``charms.reactive.relation_factory``.
    """
    seen = set()
    for path in _mentioning(group):
        # Here, because of what it costs.
        from importlib.metadata import Distribution
        from pathlib import Path

        distribution = Distribution.at(Path(path))
        name = distribution.metadata["Name"] or os.path.basename(path).partition("-")[0]
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        for entry_point in distribution.entry_points:
            if entry_point.group == group:
                yield name, entry_point


def _mentioning(group: str) -> Iterator[str]:
    """The metadata directories below ``sys.path`` whose ``entry_points.txt`` has the group's name."""
    wanted = group.encode("utf-8")
    for directory in dict.fromkeys(sys.path):
        if directory in _STANDARD:
            continue
        try:
            with os.scandir(directory or ".") as entries:
                names = sorted(entry.name for entry in entries if entry.name.endswith(_METADATA))
        except OSError:
            continue  # a path to nothing, or an archive
        for name in names:
            path = os.path.join(directory, name)
            try:
                with open(os.path.join(path, "entry_points.txt"), "rb") as file:
                    if wanted in file.read():
                        yield path
            except OSError:
                pass  # most distributions have none


_METADATA = (".dist-info", ".egg-info", "EGG-INFO")

# The standard library's own directories: the longest there are, and nothing is ever installed in them.
_LIBRARY = os.path.dirname(os.__file__)
_STANDARD = (_LIBRARY, os.path.join(_LIBRARY, "lib-dynload"))
