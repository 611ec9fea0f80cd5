"""Relations and their data: what a hook sets is sent when it has succeeded, and seen by itself at once."""

from __future__ import annotations

import re

from .command import RefusedError, Request, UsageError, pairs, quoted
from .juju_side import numbers, update
from .values import Struct

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from .side import Juju

_NUMBER = re.compile(r"[-+]?[0-9]+")
# As juju/names has them: no number alone behind a dash, and none with a zero in front.
_APPLICATION = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*")
_UNIT = re.compile(_APPLICATION.pattern + r"/(?:0|[1-9][0-9]*)")


def relation_id(request: Request, juju: Juju, required: bool = True) -> str:
    """The relation that is meant: by option, or the one whose hook this is.

    Raises:
        UsageError: none is meant.
    """
    given = request.options.get("relation")
    if given is None:
        current: str = juju["hook"]["relation-id"]
        if not current and required:
            raise UsageError("no relation id specified")
        return current
    found = _relation(juju, given)
    assert found is not None, "the options were read, so there is such a relation"
    return found


def wrong_id(juju: Juju, given: str) -> str:
    """What is wrong with the id of a relation; empty if there is such a relation."""
    number = given.rpartition(":")[2]
    if not _NUMBER.fullmatch(number) or abs(int(number)) >= 1 << 63:
        return "invalid relation id"
    return "" if _relation(juju, given) else "relation not found"


def _relation(juju: Juju, given: str) -> Optional[str]:
    # Juju looks at the number alone.
    number = int(given.rpartition(":")[2])
    return next((str(known) for known in juju["relations"] if int(known.rpartition(":")[2]) == number), None)


def is_unit(name: str) -> bool:
    """Whether a text could be the name of a unit."""
    return _UNIT.fullmatch(name) is not None


def is_application(name: str) -> bool:
    """Whether a text could be the name of an application."""
    return _APPLICATION.fullmatch(name) is not None


def relation_ids(request: Request) -> None:
    """The relations of an endpoint; since Juju 3.4.4 without the one whose ``relation-broken`` hook this is.

    That one can still be read and asked about by its id. A relation among peers is always listed.
    """
    juju = request.read()
    current = juju["hook"]["relation-id"]
    endpoint = request.first(current.partition(":")[0])
    request.done()
    if not endpoint:
        raise UsageError("no endpoint name specified")
    broken = ""
    if current and request.hook.endswith("-relation-broken") and juju["endpoints"].get(endpoint) != "peers":
        broken = current if numbers(juju["juju-version"]) >= (3, 4, 4) else ""
    request.answer(
        sorted(
            [known for known in juju["relations"] if known.partition(":")[0] == endpoint and known != broken]
        )
    )


def relation_list(request: Request) -> None:
    """The other units of a relation, of which one that departs is none any more."""
    juju = request.read()
    relation = juju["relations"][relation_id(request, juju)]
    request.done()
    request.answer(relation["application"] if request.flag("app") else sorted(relation["units"]))


def relation_model_get(request: Request) -> None:
    """The model of the other application."""
    juju = request.read()
    relation = juju["relations"][relation_id(request, juju)]
    request.done()
    request.answer(Struct(uuid=relation.get("model") or juju["model"]["uuid"]))


def relation_get(request: Request) -> None:
    """The data of a unit or application in a relation, or one value of it."""
    juju = request.read()
    identity = relation_id(request, juju)
    relation = juju["relations"][identity]
    key = request.first("-")
    whole = request.flag("app")
    who = _whose(request, juju)
    if not whole and "/" not in who:
        whole = True  # It is the application's hook.
    request.done()
    bag = _bag(juju, identity, relation, who, whole)
    request.answer(bag if key in ("", "-") else bag.get(key))


def _whose(request: Request, juju: Juju) -> str:
    """The unit or application whose data are asked for."""
    if request.rest:
        given = request.first()
        if request.flag("app"):
            return given.partition("/")[0] if is_unit(given) else given
        if is_unit(given):
            return given
        if is_application(given):
            raise UsageError("expected unit name, got application name %s" % quoted(given))
        raise UsageError("invalid unit name %s" % quoted(given))
    hook = juju["hook"]
    name: str = (not request.flag("app") and hook["remote-unit"]) or hook["remote-application"]
    if not name:
        raise UsageError("no unit or application specified")
    return name


def _bag(juju: Juju, identity: str, relation: Dict[str, Any], who: str, whole: bool) -> Dict[str, str]:
    """The data of one member of a relation, which this unit may not read of everybody."""
    own = juju["unit"].partition("/")[0]
    if who == juju["unit"]:
        return _with_pending(juju, identity, "unit", relation["local-unit"])
    if whole and who == own and juju["leader"]:
        return _with_pending(juju, identity, "application", relation["local-application"])
    if whole and who == own and relation["application"] == own:
        # Peers read what their leader has sent; in other relations it is not theirs to read.
        return dict(relation["local-application"])
    if whole and who == relation["application"]:
        return dict(relation["remote-application"])
    if whole or who.partition("/")[0] != relation["application"]:
        raise RefusedError("permission denied")
    for key in ("units", "departing", "departed"):
        bags = relation.get(key, {})
        if who in bags:
            return dict(bags[who])
    raise RefusedError(
        "cannot read settings for unit %s in relation %s: unit %s: settings not found"
        % (quoted(who), quoted(identity), quoted(who))
    )


def _with_pending(juju: Juju, identity: str, part: str, bag: Dict[str, str]) -> Dict[str, str]:
    """Own data, with what this hook has set."""
    changes = juju["pending"]["relations"].get(identity, {}).get(part)
    if not changes:
        return bag
    changed = dict(bag)
    update(changed, changes)
    return changed


def relation_set(request: Request) -> None:
    """Data for a relation, of the unit or of its application."""
    juju = request.read()
    identity = relation_id(request, juju)
    given = pairs(request.rest)
    request.deprecated_format()
    settings: Dict[str, str] = {}
    if request.option("file"):
        settings = request.settings(request.option("file"))
    settings.update(given)
    whole = request.flag("app")
    if whole and not juju["leader"]:
        raise RefusedError("cannot write relation settings")
    if not settings:
        return
    with request.change() as juju:
        pending = juju["pending"]["relations"].setdefault(identity, {})
        pending.setdefault("application" if whole else "unit", {}).update(settings)


def goal_state(request: Request) -> None:
    """The units and relations that will be there when the model has settled."""
    request.done()
    juju = request.read()
    own = juju["unit"].partition("/")[0]
    goal: Dict[str, str] = juju["goal"]
    units = {juju["unit"]: juju["status"]["unit"]["status"]}
    relations: Dict[str, Dict[str, str]] = {}
    for identity, relation in juju["relations"].items():
        if relation["application"] == own:
            units.update(dict.fromkeys(relation["units"], "active"))
            units.update(dict.fromkeys(relation["departing"], "dying"))
            continue
        there = relations.setdefault(identity.partition(":")[0], {})
        there[relation["application"]] = relation.get("status", "joined")
        there.update(dict.fromkeys(relation["units"], "active"))
        there.update(dict.fromkeys(relation["departing"], "dying"))
        there.update({unit: goal[unit] for unit in goal if unit.partition("/")[0] == relation["application"]})
    units.update({unit: goal[unit] for unit in goal if unit.partition("/")[0] == own})

    def shown(statuses: Dict[str, str]) -> Dict[str, Struct]:
        return {name: Struct(status=status, since=juju["since"]) for name, status in statuses.items()}

    whole: List[Any] = [("units", shown(units))]
    whole.append(("relations", {endpoint: shown(relations[endpoint]) for endpoint in relations}))
    request.answer(Struct(whole))
