"""Juju's secrets: read, refreshed, made, granted and taken back. Juju has them since 3.0.

::

    from charms.reactive import hook, secrets, when

    @when("db.available")
    def connect():
        password = secrets.get("secret:9m4e2mr0ui3e8a215n4g", label="db")["password"]

    @hook("secret-changed")
    def rotated():
        password = secrets.get(label="db", refresh=True)["password"]

What a hook makes, changes, grants and removes takes effect when the hook has succeeded; the hook itself sees
it at once. What it reads it tracks at once. The chapter is docs/secrets.md.
"""

from __future__ import annotations

import base64
import json
import subprocess

from ._errors import HookToolError
from ._juju import hook_tools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Union

__all__ = ["add", "get", "get_bytes", "grant", "ids", "info", "remove", "revoke", "update"]


def get(
    secret: Optional[str] = None,
    *,
    label: Optional[str] = None,
    refresh: bool = False,
    peek: bool = False,
) -> Dict[str, str]:
    """The content of a secret, as far as it is text.

    A unit reads the revision that it tracks: the one that was the latest when it first read.

    Args:
        secret: its id, with or without ``secret:``. Not needed where the label is known already.
        label: by which this unit wants to know the secret from now on, or knows it.
        refresh: read the latest revision, and track that from now on.
        peek: read the latest revision, and go on tracking the old one.

    Raises:
        HookToolError: there is no such secret, it may not be read, or this Juju has no secrets.
    """
    command = ["secret-get", *_named(secret, label), "--format=json"]
    command += ["--refresh"] * refresh + ["--peek"] * peek
    return dict(hook_tools.mapping("secret-get", _asked(command)))


def get_bytes(secret: str, key: str) -> bytes:
    """One value of a secret that need not be text, such as a key in DER form.

    Args:
        secret: its id, with or without ``secret:``.
        key: of the value.

    Raises:
        HookToolError: as :func:`get`; there is no such key.
    """
    shown = _asked(["secret-get", secret, key + "#base64", "--format=json"])
    return base64.b64decode(shown)


def add(
    content: Mapping[str, Union[str, bytes]],
    *,
    label: Optional[str] = None,
    description: Optional[str] = None,
    rotate: Optional[str] = None,
    expire: Optional[str] = None,
    owner: str = "application",
) -> str:
    """Make a secret; its id, which is to be published to those who shall read it.

    Args:
        content: keys of three letters, digits or dashes at least, and their values, which are not empty.
        label: by which its owner knows it.
        description: for people.
        rotate: how often it is to be changed: ``never``, ``hourly``, ``daily``, ``weekly``, ``monthly``,
            ``quarterly`` or ``yearly``. ``secret-rotate`` is run then.
        expire: when it ends: a time as ``2030-01-01T00:00:00Z``, or a duration as ``72h``.
        owner: ``application``, which only its leader can use, or ``unit``.

    Raises:
        HookToolError: Juju takes no such secret, or the unit may not make it.
    """
    command = ["secret-add", "--owner", owner, *_about(label, description, rotate, expire), *_values(content)]
    return _run(command).decode("utf-8").strip()


def update(
    secret: str,
    content: Optional[Mapping[str, Union[str, bytes]]] = None,
    *,
    label: Optional[str] = None,
    description: Optional[str] = None,
    rotate: Optional[str] = None,
    expire: Optional[str] = None,
) -> None:
    """Give a secret that the unit manages new content, which is a new revision, or change what is said of it.

    Args:
        secret: its id, with or without ``secret:``.
        content: all of the new content; ``None`` to leave it as it is.
        label: see :func:`add`; what is not given stays.
        description: likewise.
        rotate: likewise.
        expire: likewise.

    Raises:
        HookToolError: there is no such secret, or the unit does not manage it.
    """
    _run(["secret-set", secret, *_about(label, description, rotate, expire), *_values(content or {})])


def grant(secret: str, relation: str, unit: Optional[str] = None) -> None:
    """Let the other application of a relation read a secret, as long as the relation lasts.

    Args:
        secret: its id, with or without ``secret:``.
        relation: the id of the relation, for example ``db:0``.
        unit: only this unit of it.

    Raises:
        HookToolError: there is no such secret or relation, or the unit does not manage the secret.
    """
    _run(["secret-grant", secret, "--relation", relation, *_option("unit", unit)])


def revoke(secret: str, relation: str, unit: Optional[str] = None) -> None:
    """Take back what :func:`grant` has given.

    Raises:
        HookToolError: there is no such secret or relation, or the unit does not manage the secret.
    """
    _run(["secret-revoke", secret, "--relation", relation, *_option("unit", unit)])


def remove(secret: str, revision: Optional[int] = None) -> None:
    """Remove a secret, or one revision of it.

    Raises:
        HookToolError: there is no such secret or revision, or the unit does not manage it.
    """
    _run(["secret-remove", secret, *_option("revision", revision)])


def info(secret: Optional[str] = None, *, label: Optional[str] = None) -> Dict[str, Any]:
    """What is known of a secret that the unit manages: ``revision``, ``label``, ``owner``, ``rotation``, …

    Args:
        secret: its id, with or without ``secret:``.
        label: by which its owner knows it, in place of the id.

    Raises:
        HookToolError: the unit manages no such secret.
    """
    found = hook_tools.mapping(
        "secret-info-get", _asked(["secret-info-get", *_named(secret, label), "--format=json"])
    )
    (identity,) = found
    return {"id": identity, **found[identity]}


def ids() -> List[str]:
    """The ids of the secrets that the unit manages, sorted.

    Raises:
        HookToolError: this Juju has no secrets.
    """
    return sorted(_asked(["secret-ids", "--format=json"]) or ())


# -- the tools --------------------------------------------------------------------------------------
def _named(secret: Optional[str], label: Optional[str]) -> List[str]:
    if not secret and not label:
        raise ValueError("a secret is named by its id or its label")
    return [*([secret] if secret else []), *_option("label", label)]


def _about(
    label: Optional[str], description: Optional[str], rotate: Optional[str], expire: Optional[str]
) -> List[str]:
    options = {"label": label, "description": description, "rotate": rotate, "expire": expire}
    return [word for name, value in options.items() for word in _option(name, value)]


def _option(name: str, value: object) -> List[str]:
    return [] if value is None else ["--%s=%s" % (name, value)]


def _values(content: Mapping[str, Union[str, bytes]]) -> List[str]:
    """Content as arguments: in base64, which takes all bytes, and which no process list tells in clear."""
    words = []
    for key, value in content.items():
        data = value.encode("utf-8") if isinstance(value, str) else value
        if not data:
            raise ValueError("the value of %r is empty, which Juju does not take" % key)
        words.append("%s#base64=%s" % (key, base64.b64encode(data).decode("ascii")))
    return words


def _asked(command: List[str]) -> Any:
    try:
        return json.loads(_run(command).decode("utf-8"))
    except ValueError:
        raise HookToolError(command[0], "answered something that is not JSON") from None


def _run(command: List[str]) -> bytes:
    """What a hook tool prints. What it was told stays out of the error, for there are secrets."""
    timeout = hook_tools.tool_timeout()
    try:
        done = hook_tools.asking().run(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise HookToolError(
            command[0], "no answer after %g s; see whether the Juju agent lives" % timeout
        ) from None
    except OSError as error:
        raise HookToolError(command[0], "cannot be run: %s" % error.strerror) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        reason = said[len("ERROR ") :] if said.startswith("ERROR ") else said
        raise HookToolError(command[0], reason or "failed with exit status %d" % done.returncode)
    output: bytes = done.stdout
    return output
