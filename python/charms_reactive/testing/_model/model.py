"""A Juju model on the desk: several applications whose units run their hooks and hear of each other.

::

    with Model() as model:
        db = model.deploy("charms/db", units=3)
        web = model.deploy("charms/web", units=2, config={"title": "Hello"})
        model.relate("web:db", "db:clients")
        model.settle()
        assert web.status.status == "active"
        db.leader.lose()
        print(model.settle())

Every unit is a :class:`SimulatedUnit`, whose hooks follow from Juju's rules; see :mod:`._uniter`. Nothing
happens by itself: :meth:`Model.settle` runs hooks until none is left, :meth:`Model.step` runs one. Which unit
comes next is drawn from the seed, so a run can be repeated, and another seed is another order that Juju might
choose.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type, Union

from charms_reactive.testing._unit.charm import Charm, listed
from charms_reactive.testing.errors import CharmError

from . import model_storage, report
from .application import Application, End, ModelRelation, ModelUnit, Step, charm_of
from .fault import hook_file
from .running import Running
from .settled import NeverSettlesError, Settled, unsettled

__all__ = ["Application", "Model", "ModelRelation", "ModelUnit", "NeverSettlesError", "Settled", "Step"]

#: How many hooks a unit may need on average before :meth:`Model.settle` takes it that the model never will.
HOOKS_PER_UNIT = 100


class Model(Running):
    """Applications on this machine, with the hooks that Juju would run, in an order that the seed decides.

    Args:
        directory: where the units live; made if need be, and must be empty. By default a temporary one, which
            :meth:`close` deletes.
        seed: decides in which order units take their turns, and which unit is elected.
        name: of the model.
        juju_version: whose rules hold; in 4.0 there are no leader settings.
        in_process: whether hooks run in this interpreter, in milliseconds, or in processes as Juju runs them.
        engine: ``native`` or ``pure``; by default the one that the framework has chosen.
        python: the interpreter whose framework the hooks find; by default this one.
        environment: more environment variables for every hook.
        address: of all units, in all networks.
        cached_data: whether a unit is shown a member's data as they were in the last hook that was about that
            member, as Juju's agent may, or the newest, as it may as well.
        check: whether each hook's state is checked to be one that Juju could have, which costs time.
        timeout: seconds that a hook may take.

    Attributes:
        applications: by name.
        steps: all hooks that have run.
        left_running: processes that a unit left behind when it was removed, by its name. They were ended.

    Raises:
        FileExistsError: the directory is not empty.
    """

    def __init__(
        self,
        directory: Optional[Union[str, os.PathLike[str]]] = None,
        *,
        seed: int = 0,
        name: str = "desk",
        juju_version: str = "3.6.0",
        in_process: bool = True,
        engine: Optional[str] = None,
        python: Optional[Union[str, os.PathLike[str]]] = None,
        environment: Optional[Mapping[str, str]] = None,
        address: str = "127.0.0.1",
        cached_data: bool = False,
        check: bool = False,
        timeout: float = 120.0,
    ) -> None:
        self._temporary = directory is None
        if directory is None:
            directory = tempfile.mkdtemp(prefix="charms.reactive-model-")
            os.chmod(directory, 0o755)  # A charm may run its workload as another user.
        self.directory = Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        if any(self.directory.iterdir()):
            raise FileExistsError("%s is not empty" % self.directory)
        self.name = name
        self.seed = seed
        self.juju_version = juju_version
        self.uuid = str(uuid.UUID(int=random.Random(seed).getrandbits(128), version=4))
        self.applications: Dict[str, Application] = {}
        self.steps: List[Step] = []
        self.left_running: Dict[str, Tuple[int, ...]] = {}
        self._random = random.Random(seed)
        self._relations: List[ModelRelation] = []
        self._relations_made = 0
        self._environment = dict(environment or {})
        self._address = address
        self._timeout = timeout
        self._python = python
        self.in_process = in_process
        self.engine = engine
        self._gone: List[ModelUnit] = []
        self._storages_made = 0
        self._secrets: Dict[str, Any] = {}
        self.check = check
        self.cached_data = cached_data
        # What each hook has changed for others, for telling why a model never settles.
        self._changes: List[Tuple[str, ...]] = []

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return "Model(%r, seed=%d): %s" % (str(self.directory), self.seed, listed(self.applications))

    def __str__(self) -> str:
        return report.as_text(self)

    # -- what is in it ------------------------------------------------------------------------

    @property
    def pending(self) -> Dict[str, Tuple[str, ...]]:
        """What is to run in each unit that has something to do, as far as can be told now.

        Data that these hooks will publish are not foreseen, nor the hooks that follow from them.
        """
        found = {unit.name: self._ahead(unit) for unit in self.units}
        return {name: hooks for name, hooks in found.items() if hooks}

    @property
    def errors(self) -> Dict[str, Step]:
        """The hook that failed of each unit that is in error."""
        return {unit.name: unit._failed for unit in self.units if unit._failed is not None}

    def to_json(self) -> Dict[str, Any]:
        """What there is, as JSON can hold it: applications, units, relations and what is to run."""
        return report.as_json(self)

    # -- what people do to a model ------------------------------------------------------------
    def deploy(
        self,
        charm: Union[str, os.PathLike[str], Charm],
        name: Optional[str] = None,
        *,
        units: Optional[int] = None,
        config: Optional[Mapping[str, Any]] = None,
        resources: Optional[Mapping[str, str]] = None,
        storage: Optional[Mapping[str, int]] = None,
    ) -> Application:
        """Deploy a charm, as ``juju deploy`` does; runs no hook.

        Args:
            charm: its directory, or a :class:`Charm`.
            name: of the application; by default the charm's.
            units: how many; by default one, and none of a subordinate.
            config: options that differ from their defaults.
            resources: the file of each resource, by name.
            storage: how many instances of each storage a unit gets; by default what the charm cannot do
                without.

        Raises:
            CharmError: there is such an application, or the charm does not declare what is given to it.
        """
        loaded = charm_of(charm)
        name = name or loaded.name
        if name in self.applications:
            raise CharmError("there is an application %s already; deploy it by another name" % name)
        if not name or "/" in name or ":" in name or name != name.strip():
            raise CharmError("%r cannot be the name of an application" % name)
        declared = loaded.metadata.get("resources") or {}
        for resource in resources or {}:
            if resource not in declared:
                raise CharmError(
                    "charm %s has no resource %r; it has %s" % (loaded.name, resource, listed(declared))
                )
        application = Application(self, name, loaded, resources or {})
        if application.subordinate and units:
            raise CharmError("%s is a subordinate: it gets its units when it is related" % name)
        count = (0 if application.subordinate else 1) if units is None else units
        if count < 0:
            raise CharmError("an application cannot have %d units" % count)
        application._storage_counts = model_storage.counts(loaded, storage or {})
        application.configure(**(config or {}))
        self.applications[name] = application
        self._relate_peers(application)
        if count:
            application.add_unit(count)
        return application

    def relate(self, one: Union[str, Application], other: Union[str, Application]) -> ModelRelation:
        """Relate two applications, as ``juju integrate`` does; runs no hook.

        Of several relations that are possible, the one that does without ``juju-info`` is meant, which every
        application has.

        Args:
            one: an application, or ``application:endpoint`` where several endpoints could be meant.
            other: the other.

        Raises:
            CharmError: no endpoints go together, several do, or they are related already.
        """
        names = {text if isinstance(text, str) else text.name for text in (one, other)}
        if len({name.partition(":")[0] for name in names}) == 1:
            raise CharmError("an application cannot be related to itself, but by its peer relations")
        pairs = [
            (mine, theirs)
            for mine in self._ends(one)
            for theirs in self._ends(other)
            if mine.endpoint.interface == theirs.endpoint.interface
            and {mine.endpoint.role, theirs.endpoint.role} == {"requires", "provides"}
        ]
        if not pairs:
            raise CharmError(self._why_unrelated(one, other))
        # In the order in which Juju narrows it down.
        for preferred in (self._may_be_contained, _is_explicit):
            if len(pairs) > 1:
                pairs = [pair for pair in pairs if preferred(*pair)] or pairs
        if len(pairs) > 1:
            choices = ["%s %s" % pair for pair in pairs]
            raise CharmError("it is not clear what to relate: name one of %s" % "; ".join(sorted(choices)))
        ends = tuple(sorted(pairs[0], key=lambda end: end.endpoint.role, reverse=True))
        for known in self._relations:
            if {str(end) for end in known.ends} == {str(end) for end in ends}:
                raise CharmError(
                    "%s and %s are related already%s"
                    % (*ends, "" if known.alive else ", and that is being removed")
                )
        if not self._may_be_contained(*ends):
            raise CharmError("%s and %s have the scope container, which needs a subordinate" % ends)
        for end in ends:
            if self.applications[end.application].dying:
                raise CharmError("%s is being removed" % end.application)
        relation = self._new_relation(ends)
        for unit in self.units:
            self._enter(unit)
        return relation

    def remove_relation(
        self, one: Union[str, Application, ModelRelation], other: Union[str, Application, None] = None
    ) -> None:
        """Remove a relation: its units depart, then it is broken. Runs no hook.

        Args:
            one: an application or ``application:endpoint``, or the relation itself.
            other: the other one.

        Raises:
            CharmError: there is no such relation, or it is one among peers.
        """
        relation = one if isinstance(one, ModelRelation) else self._between(one, other)
        if relation.peer:
            raise CharmError(
                "%s is a relation among peers, which lasts as long as its application" % relation
            )
        self._end_relation(relation)

    def remove_application(self, application: Union[str, Application]) -> None:
        """Remove an application with its relations and units; runs no hook.

        Raises:
            CharmError: there is no such application.
        """
        found = application if isinstance(application, Application) else self._application(application)
        found.dying = True
        for relation in found.relations:
            if not relation.peer:
                self._end_relation(relation)
        for unit in list(found.units):
            if unit.lost:
                self._remove_unit(unit, force=True)
            elif unit.principal is None:
                self._remove_unit(unit, force=False)
        self._drop_if_empty(found)

    def lose_leader(self, application: Union[str, Application]) -> ModelUnit:
        """Let the leader's lease end, so that another unit is elected; the new leader.

        The unit that led goes on as one of the others. A leader that is gone for good is
        :meth:`ModelUnit.lose`.

        Raises:
            CharmError: there is no other unit that could lead.
        """
        found = application if isinstance(application, Application) else self._application(application)
        before = found._leader
        self._elect(found, without=before)
        leader = found.leader
        if leader is None or leader.name == before:
            found._leader = before
            raise CharmError("%s has no other unit that could lead" % found.name)
        return leader

    def resolve(self, unit: Union[str, ModelUnit], *, retry: bool = True) -> None:
        """Tell Juju that what made a hook fail has been put right, as ``juju resolved`` does; runs no hook.

        Args:
            unit: which is in error.
            retry: whether the hook is run again; otherwise Juju goes on as if it had succeeded
                (``--no-retry``).

        Raises:
            CharmError: the unit is not in error.
        """
        found = self.unit(unit)
        if found._failed is None:
            raise CharmError("unit %s is not in an error state" % found.name)
        if retry:
            found._retry = True
            return
        hook, found._failed = found._failed.hook, None
        self._note(found, hook)

    def update_status(self, *units: Union[str, ModelUnit]) -> None:
        """Let the time for ``update-status`` come, for some units or for all; runs no hook."""
        for unit in units or self.units:
            self.unit(unit)._status_due += 1

    # -- running ------------------------------------------------------------------------------
    def step(self, unit: Optional[Union[str, ModelUnit]] = None) -> Optional[Step]:
        """Run one hook; ``None`` if none is left to run.

        Args:
            unit: whose turn it is; by default the seed decides.

        Raises:
            CharmError: there is no such unit.
        """
        while True:
            ready = self.units if unit is None else (self.unit(unit),)
            turns = [one for one in ready if self._ready(one)]
            if not turns:
                return None
            chosen = turns[0] if len(turns) == 1 else self._random.choice(turns)
            hook = self._next(chosen)
            if hook_file(chosen.simulated.charm_dir, hook.name) is None:
                self._note(chosen, hook)  # Juju passes over a hook that the charm does not have.
                if unit is not None and chosen not in self.units:
                    return None
                continue
            return self._run(chosen, hook)

    def settle(self, limit: Optional[int] = None) -> Settled:
        """Run hooks until none is left to run.

        A hook that fails stops its own unit; the others go on; ``errors`` of what is returned names it.

        Args:
            limit: how many hooks may run; by default 100 for each unit.

        Raises:
            NeverSettlesError: there is still something to run after that.
        """
        steps: List[Step] = []
        changed = len(self._changes)
        while True:
            allowed = limit if limit is not None else HOOKS_PER_UNIT * max(1, len(self.units))
            if len(steps) >= allowed and any(self._ready(unit) for unit in self.units):
                settled = Settled(steps, self.errors)
                raise NeverSettlesError(unsettled(steps, self._changes[changed:]), settled)
            step = self.step()
            if step is None:
                return Settled(steps, self.errors)
            steps.append(step)

    def close(self) -> Dict[str, Tuple[int, ...]]:
        """End what the charms have left running, and delete a temporary directory.

        Returns:
            The ids of the processes that were there, by unit.
        """
        found = {}
        for unit in [*self._gone, *self.units]:
            ended = unit.simulated.end_processes()
            if ended:
                found[unit.name] = ended
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)
        return found


def _is_explicit(one: End, other: End) -> bool:
    """Whether somebody has declared both ends."""
    return not (one.implicit or other.implicit)
