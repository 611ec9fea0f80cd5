"""The hook tools of the workload status, for the unit and for the application that it leads."""

from __future__ import annotations

import subprocess

from charms_reactive._errors import HookToolError

from . import environment, hook_tools, juju_log, settings
from .environment import hookenv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple

__all__ = ["intercepted", "is_leader", "send", "shown"]


def intercepted() -> bool:
    """Whether the charm has put something of its own between it and ``status-set``.

    layer:status does so, by replacing ``subprocess.call``, and charms' unit tests replace
    ``hookenv.status_set``. What Juju shows is then not what was sent.
    """
    return _replaced(subprocess, "call") or _replaced(hookenv, "status_set")


def _replaced(module: Any, name: str) -> bool:
    """Whether a function of a module is another than the module's own."""
    # By what it is defined in: a replacement may well wear the original's name and module.
    return getattr(getattr(module, name), "__globals__", None) is not vars(module)


def send(name: str, message: str, application: bool = False) -> None:
    """Set the status with ``status-set``, in a way that whoever intercepts it gets to see.

    A status that Juju does not take is told in the log, as charmhelpers does it: a hook that can go on
    should. In a restricted hook Juju takes none.

    Args:
        name: ``active``, ``blocked``, ``maintenance`` or ``waiting``.
        message: for people.
        application: the application's status and not the unit's. Nobody intercepts that: layer:status
            would choke on the additional argument.

    Raises:
        HookToolError: ``status-set`` does not come back, or fails in strict mode.
    """
    what = "%s: %s" % (name, message) if message else name
    if environment.hook_name() in environment.RESTRICTED_HOOKS:
        juju_log.log("Juju sets no status in a restricted hook; not set: %s" % what, juju_log.WARNING)
        return
    if _replaced(hookenv, "status_set"):
        juju_log.hand_over()
        if application:
            hookenv.status_set(name, message, application=True)
        else:
            hookenv.status_set(name, message)
        return
    message = message.replace("\0", "\\0")
    try:
        if intercepted() and not application:
            juju_log.hand_over()
            # Exactly the list that charmhelpers gives, because that is what layer:status takes apart.
            code = subprocess.call(["status-set", name, message])
        else:
            command = ["status-set"] + (["--application"] if application else [])
            # Else a message that begins with a dash is taken for an option.
            command += ["--"] if message.startswith("-") else []
            timeout = hook_tools.tool_timeout()
            code = hook_tools.asking().run(command + [name, message], timeout=timeout, check=False).returncode
    except FileNotFoundError:
        juju_log.log("there is no status-set; the status is %s" % what, juju_log.INFO)
        return
    except subprocess.TimeoutExpired:
        reason = "no answer after %g s; see whether the Juju agent lives" % timeout
        raise HookToolError("status-set", reason) from None
    except OSError as error:
        raise HookToolError("status-set", "cannot be run: %s" % error.strerror) from None
    if code:
        reason = "failed with exit status %d; it was to set %s" % (code, what)
        if settings.strict():
            raise HookToolError("status-set", reason)
        juju_log.log("status-set %s" % reason, juju_log.WARNING)


def shown(application: bool = False) -> Optional[Tuple[str, str]]:
    """Name and message of the status as Juju has it now; ``None`` if Juju does not tell."""
    if environment.hook_name() in environment.RESTRICTED_HOOKS:
        return None
    command = ["status-get", "--include-data", "--format=json"] + (["--application"] if application else [])
    try:
        answer = hook_tools.ask_json(command)
    except HookToolError:
        return None
    if application:
        answer = answer.get("application-status", {})
    name, message = answer.get("status"), answer.get("message")
    return (name, message) if isinstance(name, str) and isinstance(message, str) else None


def is_leader() -> bool:
    """Whether this unit leads its application; Juju is asked once in a hook.

    Raises:
        HookToolError: ``is-leader`` is missing or fails.
    """
    try:
        return bool(hookenv.is_leader())
    except NotImplementedError:
        raise HookToolError("is-leader", "cannot be run; there is no telling the leader") from None
    except (subprocess.CalledProcessError, ValueError) as error:
        raise HookToolError("is-leader", error) from None
