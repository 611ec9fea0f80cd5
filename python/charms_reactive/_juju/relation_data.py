"""Relation data as hook tools give and take it: a bag at a time, and only what differs.

A *bag* is what one unit or application has published in one relation.
"""

from __future__ import annotations

import json
import os
import re
import subprocess

from charms_reactive._errors import HookToolError
from charms_reactive._errors.rare import RelationDataError, RelationToolError

from . import environment, hook_tools
from .environment import hookenv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional

__all__ = ["decode", "publish", "read", "remote_application"]

# What YAML does not take as it stands, or folds. JSON has escaped the rest. Compiled by hooks that publish.
_TO_ESCAPE = "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"

# YAML ends a key on one line after 1,024 characters; longer ones are marked as keys.
_LONG_KEY = 128


def read(relation_id: str, unit: Optional[str] = None, app: Optional[str] = None) -> Dict[str, str]:
    """The bag of a unit or application; the very mapping that charmhelpers keeps for this hook.

    Raises:
        RelationToolError: Juju does not let us read it.
    """
    try:
        if app is None:
            bag: Optional[Dict[str, str]] = hookenv.relation_get(unit=unit, rid=relation_id)
        else:
            bag = hookenv.relation_get(app=app, rid=relation_id)
    except subprocess.CalledProcessError as error:
        reason = "the data of %s cannot be read (exit status %d)" % (app or unit, error.returncode)
        if app is not None and app == hookenv.application_name():
            reason += "; only the leader may read what its application has published"
        raise RelationToolError(relation_id, error.returncode, list(error.cmd), reason) from None
    found: Dict[str, str] = {} if bag is None else hook_tools.mapping("relation-get", bag)
    return found


def decode(text: Any) -> Any:
    """The value that a text of a bag stands for as JSON; text that is not JSON stands for itself."""
    if not text:
        return text
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text


def publish(relation_id: str, changes: Mapping[str, str], app: bool = False) -> None:
    """Publish changes, in one process.

    Args:
        relation_id: for example ``db:3``.
        changes: new values by key; an empty one takes the key away.
        app: whether it is the application's data, in place of this unit's.

    Raises:
        RelationDataError: a key or value is no text that can be encoded.
        RelationToolError: Juju refuses.
        HookToolError: ``relation-set`` does not come back.
    """
    if getattr(hookenv.relation_set, "__module__", "") != hookenv.__name__:
        # A charm or a test has put its own there.
        settings = {key: value or None for key, value in changes.items()}
        hookenv.relation_set(relation_id, settings, **({"app": True} if app else {}))
        return
    # charmhelpers would first ask `relation-set --help` whether there is a --file. There is, since
    # Juju 1.24, and it reads the standard input, which has no limit of length.
    owner = hookenv.application_name() if app else hookenv.local_unit()
    command = ["relation-set"] + (["--app"] if app else []) + ["-r", relation_id, "--file", "-"]
    text = "".join(_as_yaml(relation_id, owner, key, value) for key, value in changes.items())
    timeout = hook_tools.tool_timeout()
    try:
        hook_tools.asking().run(command, input=text.encode("utf-8"), timeout=timeout, check=True)
    except subprocess.CalledProcessError as error:
        reason = "the data of %s cannot be published (exit status %d)" % (owner, error.returncode)
        if app:
            reason += "; only the leader may publish for its application"
        raise RelationToolError(relation_id, error.returncode, command, reason) from None
    except subprocess.TimeoutExpired:
        raise HookToolError("relation-set", "no answer after %g s for %s" % (timeout, relation_id)) from None
    except OSError as error:
        raise HookToolError("relation-set", "cannot be run: %s" % error.strerror) from None
    hookenv.flush('"app": %s' % json.dumps(owner) if app else owner)


def _as_yaml(relation_id: str, owner: str, key: object, value: str) -> str:
    """One setting, for every YAML parser that Juju has ever had."""
    name = str(key)
    try:
        for text in (name, value):
            text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RelationDataError(relation_id, owner, ascii(name), "it is no text: %s" % error) from None
    form = '? "%s"\n: "%s"\n' if len(name) > _LONG_KEY else '"%s": "%s"\n'
    return form % (_escape(name), _escape(value))


def _escape(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    if quoted.isascii() and "\x7f" not in quoted:
        return quoted
    return re.sub(_TO_ESCAPE, lambda found: "\\u%04x" % ord(found.group()), quoted)


def remote_application(relation_id: str) -> Optional[str]:
    """The application on the other side of a relation that may have no units there; ``None`` if unknown."""
    endpoint_name = relation_id.partition(":")[0]
    if hookenv.relation_id() == relation_id:
        name = os.environ.get("JUJU_REMOTE_APP") or (hookenv.remote_unit() or "").partition("/")[0]
        if name:
            return name
    if environment.asked(hookenv.relation_to_role_and_interface, endpoint_name)[0] == "peers":
        own: str = hookenv.application_name()
        return own
    command: List[str] = ["relation-list", "--app", "-r", relation_id, "--format=json"]
    try:
        answer = (
            hook_tools.asking()
            .run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=hook_tools.tool_timeout(),
                check=True,
            )
            .stdout
        )
        asked = json.loads(answer.decode("utf-8"))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None  # Juju before 2.8 does not tell
    return asked if isinstance(asked, str) and asked else None
