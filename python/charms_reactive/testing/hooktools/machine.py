"""``juju-reboot``: restart the machine, after this hook or in the middle of it."""

from __future__ import annotations

from .command import RefusedError, Request


def juju_reboot(request: Request) -> None:
    """Ask for a reboot; the key ``reboot`` of the Juju side tells what was asked.

    Nothing is rebooted here. After ``--now``, whoever runs the hook has to end it: ``main`` kills the hook of
    an executable as Juju does, and the caller of ``call`` looks at the key.
    """
    request.done()
    with request.change() as juju:
        if juju["action"] is not None:
            raise RefusedError("juju-reboot is not supported when running an action.")
        juju["reboot"] = "now" if request.flag("now") else "later"
