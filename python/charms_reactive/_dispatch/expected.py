"""What handlers wait for: whether the charm declares it, found quickly, for nearly always it does.

An option that is in no ``config.yaml``, an endpoint that is in no ``metadata.yaml``, an action that is in no
``actions.yaml`` and a hook that Juju does not have never come, and a handler that waits for one never runs.
All that cannot be seen here at a glance is looked into by ``undeclared``.
"""

from __future__ import annotations

import os

from charms_reactive import handlers
from charms_reactive._juju.environment import hookenv
from charms_reactive._unit_state import unit_state
from charms_reactive.handlers import Handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Collection, Iterable, List, Optional, Set, Tuple

    from typing_extensions import TypeAlias

    Named: TypeAlias = List[Tuple[str, Handler]]
    #: Handlers that wait; flags, hooks and actions that may never come; handlers that want arguments.
    Doubts: TypeAlias = Tuple[Iterable[Handler], List[str], Named, Named, List[Handler]]

__all__ = ["doubts"]

_FAMILIES = ("config.", "endpoint.")

#: Kinds of flags that follow an option.
OF_OPTIONS = ("changed", "set", "default")

#: The hooks that Juju has for every charm.
HOOKS = frozenset(
    [
        "collect-metrics",
        "config-changed",
        "install",
        "leader-deposed",
        "leader-elected",
        "leader-settings-changed",
        "meter-status-changed",
        "post-series-upgrade",
        "pre-series-upgrade",
        "remove",
        "secret-changed",
        "secret-expired",
        "secret-remove",
        "secret-rotate",
        "start",
        "stop",
        "update-status",
        "upgrade-charm",
    ]
)

#: The events of an endpoint, each the end of a hook's name.
OF_ENDPOINTS = tuple("-relation-" + event for event in ["created", "joined", "changed", "departed", "broken"])
_OF_OTHERS = ("-storage-attached", "-storage-detaching", "-pebble-ready")


def doubts(new: Optional[Collection[Handler]] = None) -> Optional[Doubts]:
    """What may never come of all that handlers wait for, and who may never be called; ``None`` if nothing.

    Args:
        new: the handlers to look at, of those that wait for flags; by default all.
    """
    wanted: Any = Handler._CONSUMED_FLAGS if new is None else set().union(*(one._flags for one in new))
    flags = _doubtful([flag for flag in wanted if flag.startswith(_FAMILIES) or "{" in flag])
    hooks = [item for item in handlers.named_hooks.items() if not _is_hook(item[0])]
    actions = list(handlers.named_actions.items())
    if actions:
        declared = "\n" + charm_file("actions.yaml")
        actions = [item for item in actions if "\n%s:" % item[0] not in declared]
    # Arguments are given by position, so that those by name alone never are.
    wanting = [one for one in handlers.doubtful if not one._args or one._action.__code__.co_kwonlyargcount]
    handlers.named_hooks.clear()
    handlers.named_actions.clear()
    handlers.doubtful.clear()
    if not (flags or hooks or actions or wanting):
        return None
    return Handler.get_handlers() if new is None else new, flags, hooks, actions, wanting


def _doubtful(flags: List[str]) -> List[str]:
    """Those flags that are not of an option or endpoint that is seen to be declared."""
    if not flags:
        return flags
    unseen: List[str] = []
    asked = False
    names: Optional[Set[str]] = None
    options: Optional[str] = None
    for flag in flags:
        family, _, rest = flag.partition(".")
        name, _, option = rest.partition(".")
        if "{" in flag:
            unseen.append(flag)
        elif family == "endpoint":
            if not asked:
                asked, names = True, endpoints()
            if names is not None and name not in names:
                unseen.append(flag)
        elif name in OF_OPTIONS and option:
            if options is None:
                options = charm_file("config.yaml")
            if not _stands_in(options, option):
                unseen.append(flag)
    engine = unit_state.unit.engine
    return [flag for flag in unseen if not engine.is_set(flag)]


def endpoints() -> Optional[Set[str]]:
    """The names of the charm's endpoints; ``None`` where the metadata make no sense."""
    try:
        metadata = hookenv.metadata()
        if not isinstance(metadata, dict):
            return None
        return {str(name) for role in ("provides", "requires", "peers") for name in metadata.get(role) or ()}
    except Exception:  # noqa: BLE001 -- tests put anything in its place, and others tell of a damaged file
        return None


def charm_file(name: str) -> str:
    """The text of a file of the charm; empty where there is none."""
    try:
        with open(os.path.join(hookenv.charm_dir() or "", name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except (OSError, TypeError):
        return ""


def _stands_in(text: str, key: str) -> bool:
    """Whether a key of a mapping stands in a YAML file, as such files are written nearly always."""
    key += ":"
    at = text.find(key)
    while at > 0:
        if text[at - 1] in " \t":
            return True
        at = text.find(key, at + 1)
    return False


def _is_hook(name: str) -> bool:
    """Whether Juju has a hook of this name, as far as can be told without a look at the charm."""
    if name in HOOKS or "{" in name or name.endswith(_OF_OTHERS):
        return True
    known = endpoints() if name.endswith(OF_ENDPOINTS) else set()
    return known is None or name.rpartition("-relation-")[0] in known
