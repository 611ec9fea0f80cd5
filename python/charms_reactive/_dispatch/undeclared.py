"""Handlers that wait for what cannot come: looked into where ``expected`` has a doubt, and said.

A flag of an option or an endpoint that the charm does not declare may still be set by the charm's own code or
by one of its triggers, which is why that is looked at, too. Only what nobody sets is told of.
"""

from __future__ import annotations

import os
import re

from charms_reactive._engine.choice import ALL, ANY, NOT_ALL
from charms_reactive._juju import settings
from charms_reactive._juju.environment import hookenv
from charms_reactive._unit_state import unit_state

from .automatic_flags import _charm_code
from .callables import wanted_arguments
from .expected import HOOKS, OF_ENDPOINTS, OF_OPTIONS, charm_file, endpoints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Dict, Iterable, Optional, Set, Tuple

    from charms_reactive.handlers import Handler

__all__ = ["look_into"]


def look_into(
    waiting: Iterable[Handler],
    flags: Iterable[str],
    hooks: Iterable[Tuple[str, Handler]],
    actions: Iterable[Tuple[str, Handler]],
    wanting: Iterable[Handler],
) -> None:
    """Say which of these handlers never run.

    Args:
        waiting: handlers.
        flags: that some of them wait for.
        hooks: names of hooks, each with a handler that waits for it.
        actions: names of actions, each with a handler that waits for it.
        wanting: handlers that want arguments, and may not get them.

    Raises:
        StrictModeError: there is one, and strict mode is on.
    """
    reasons = {flag: reason for flag in flags for reason in [_why_never_set(flag)] if reason is not None}
    if reasons:
        set_by_charm = _Setters()
        reasons = {flag: reason for flag, reason in reasons.items() if flag not in set_by_charm}
    if reasons:
        for handler in waiting:
            for kind, names in handler._conditions:
                _say_of_condition(handler, kind, names, reasons)
            heard = tuple(flag for flag, on in handler._edges if on)
            if heard:  # of several edges one is enough
                kind = ANY if len(heard) == len(handler._edges) else NOT_ALL
                _say_of_condition(handler, kind, heard, reasons)
    for name, handler in hooks:
        _say_of_hook(name, handler)
    declared = _mapping("actions.yaml")
    for name, handler in actions:
        if declared is not None and name not in declared:
            what = "it is for the action %s, which is not in actions.yaml%s" % (
                name,
                _nearest(name, declared),
            )
            settings.warn("handler %s never runs: %s" % (handler.id(), what))
    for handler in wanting:
        wants = wanted_arguments(handler._action, given=_LEGACY if handler._args else 0)
        if wants:
            what = "it wants %s, which none of its decorators gives" % wants
            settings.warn("handler %s cannot be called: %s" % (handler.id(), what))


# How many relation objects a handler may be given by position: time will tell.
_LEGACY = 1000


def _say_of_condition(handler: Handler, kind: int, names: Tuple[str, ...], reasons: Dict[str, str]) -> None:
    missing = [flag for flag in dict.fromkeys(names) if flag in reasons]
    never = missing and (kind == ALL or (kind == ANY and len(missing) == len(set(names))))
    for flag in missing:
        reason = reasons[flag]
        if never:
            settings.warn(
                "handler %s never runs: it waits for the flag %s, and %s" % (handler.id(), flag, reason)
            )
        elif "; the nearest is " in reason or "{" in flag:
            # That an option or endpoint is not there may be just what is asked. A slip of the pen is not.
            settings.warn("handler %s asks for the flag %s, and %s" % (handler.id(), flag, reason))


def _why_never_set(flag: str) -> Optional[str]:
    """Why nobody but the charm itself would set a flag; ``None`` if somebody does."""
    family, _, rest = flag.partition(".")
    name, _, option = rest.partition(".")
    placeholder = re.search(r"{\w*}", flag)
    if placeholder:
        advice = (
            "; the nearest is {endpoint_name}, in a module of an interface layer"
            if placeholder.group() != "{endpoint_name}"
            else ", outside of interface layers"
        )
        return "nobody fills in %s%s" % (placeholder.group(), advice)
    if family == "endpoint":
        known = endpoints()
        if known is None or name in known:
            return None
        return "metadata.yaml has no endpoint %s%s" % (name, _nearest(name, known))
    if family == "config" and name in OF_OPTIONS:
        declared = _mapping("config.yaml", "options")
        if declared is None or option in declared:
            return None
        return "config.yaml has no option %s%s" % (option, _nearest(option, declared))
    return None


def _mapping(file: str, key: Optional[str] = None) -> Optional[Set[str]]:
    """The keys of a file of the charm; ``None`` if it makes no sense, which others tell of."""
    import yaml

    try:
        found = yaml.load(charm_file(file), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
        return {str(name) for name in (found if key is None else found.get(key) or {})}
    except (yaml.YAMLError, AttributeError, TypeError, ValueError):
        return None


def _nearest(name: str, known: Collection[str]) -> str:
    """The name that was probably meant, for the end of a sentence."""
    import difflib

    same = {other.replace("_", "-").lower(): other for other in sorted(known)}
    found = difflib.get_close_matches(name.replace("_", "-").lower(), same, 1, 0.75)
    return "; the nearest is %s" % same[found[0]] if found else ""


def _say_of_hook(name: str, handler: Handler) -> None:
    """Say that a hook is a slip of the pen; others may be run by the charm itself, under any name."""
    if os.path.exists(os.path.join(hookenv.charm_dir() or "", "hooks", name)):
        return
    own = endpoints() or set()
    endpoint, dash, event = name.rpartition("-relation-")
    if dash and dash + event in OF_ENDPOINTS:
        # All such names are alike at their ends, and every unit has an endpoint that no metadata name.
        nearest = "" if endpoint == "juju-info" else _nearest(endpoint, own)
        nearest += dash + event if nearest else ""
    else:
        nearest = _nearest(name, HOOKS.union(one + event for one in own for event in OF_ENDPOINTS))
    if nearest:
        what = "Juju has no hook %s for this charm%s" % (name, nearest)
        settings.warn("handler %s never runs: %s" % (handler.id(), what))


# What code says that sets flags: all of a name, or its beginning where it is put together.
_SETS = re.compile(
    rb"(?:set|toggle)_(?:flag|state)\b[\s(=]*[bBfFrRuU]{0,2}[\"']?((?:endpoint|config)\.[^\s\"')]*)"
)


class _Setters:
    """The flags of options and endpoints that the charm's code or its triggers set."""

    def __init__(self) -> None:
        self._flags = {flag for _, _, sets, _ in unit_state.unit.engine.triggers() for flag in sets}
        self._beginnings = []
        for _, code in _charm_code():
            for found in _SETS.findall(code):
                flag = found.decode("utf-8", "replace")
                beginning = re.split(r"[{%$]", flag, maxsplit=1)[0]
                if beginning != flag or flag.endswith("."):
                    self._beginnings.append(beginning)
                else:
                    self._flags.add(flag)

    def __contains__(self, flag: object) -> bool:
        assert isinstance(flag, str)
        return flag in self._flags or any(map(flag.startswith, self._beginnings))
