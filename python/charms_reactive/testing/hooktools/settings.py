"""Configuration, leadership and credentials: what the model has settled for the unit."""

from __future__ import annotations

from .answers import as_read
from .command import RefusedError, Request, UsageError, pairs, quoted
from .juju_side import update


def config_get(request: Request) -> None:
    """An option, or all of them; null for one that has no value, or that does not exist."""
    key = request.first()
    whole = request.flag("all")
    if key and whole:
        raise UsageError("cannot use argument --all together with key %s" % quoted(key))
    request.done()
    config = request.read()["config"]
    if key:
        request.answer(as_read(config.get(key)))
    else:
        request.answer(as_read({name: config[name] for name in config if whole or config[name] is not None}))


def is_leader(request: Request) -> None:
    """Whether the unit leads its application."""
    request.done()
    request.answer(request.read()["leader"])


def leader_get(request: Request) -> None:
    """A leader setting, or all of them."""
    key = request.first()
    if "=" in key:
        raise UsageError("invalid key %s" % quoted(key))
    request.done()
    settings = request.read()["leader-settings"]
    request.answer(settings if key in ("", "-") else settings.get(key))


def leader_set(request: Request) -> None:
    """Leader settings, which change at once: a hook that fails later has set them."""
    changes = pairs(request.rest)
    with request.change() as juju:
        if not juju["leader"]:
            raise RefusedError("cannot write leadership settings: cannot write settings: not the leader")
        update(juju["leader-settings"], changes)


def credential_get(request: Request) -> None:
    """The cloud's credential, for a charm that was deployed or changed with ``--trust``."""
    request.done()
    juju = request.read()
    if juju["model"]["type"] == "caas":
        raise RefusedError('cannot access cloud credentials: credential-get on a "caas" model not supported')
    if juju["credential"] is None:
        raise RefusedError("cannot access cloud credentials: permission denied")
    request.answer(juju["credential"])
