"""Stands in for layer:status: the statuses of all layers are told once, at the end of the hook."""

import inspect
import subprocess
from enum import Enum
from pathlib import Path

import yaml
from charmhelpers.core import hookenv

from charms import layer

_call = subprocess.call
_told = {}
_prepared = False


class WorkloadState(Enum):
    MAINTENANCE = "maintenance"
    BLOCKED = "blocked"
    WAITING = "waiting"
    ACTIVE = "active"


def maintenance(message):
    _tell(WorkloadState.MAINTENANCE, message)


def active(message):
    _told.setdefault(WorkloadState.ACTIVE, []).append((_layer(), message))
    if not _prepared:
        _finish()


def _layer():
    for frame in inspect.stack():
        path = Path(frame[1])
        if path.parent.stem in ("reactive", "layer", "charms") and path.stem != "status":
            return path.stem
    return None


def _tell(state, message):
    hookenv.log("status-set: %s: %s" % (state.value, message), hookenv.INFO)
    _call(["status-set", state.value, message])


def _finish():
    with Path(hookenv.charm_dir(), "layer.yaml").open() as file:
        order = yaml.safe_load(file.read()).get("includes", []) + [hookenv.charm_name()]
    for state in WorkloadState:
        if _told.get(state):
            ranked = sorted(_told[state], key=lambda one: order.index(one[0]) if one[0] in order else 0)
            _tell(state, ranked[-1][1])
            break


def _instead(command, *arguments, **options):
    if not isinstance(command, list) or command[0] != "status-set":
        return _call(command, *arguments, **options)
    _told.setdefault(WorkloadState(command[1]), []).append((_layer(), command[2]))
    return 0


def prepare():
    global _prepared
    if not _prepared:
        if layer.options.get("status", "patch-hookenv"):
            subprocess.call = _instead
        hookenv.atexit(_finish)
        _prepared = True
