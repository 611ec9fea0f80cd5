"""Hook tools: asked as processes, and not waited for without end."""

from __future__ import annotations

import os
import subprocess

from charms_reactive._errors import HookToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

__all__ = ["ask_json", "tool_timeout"]


def tool_timeout() -> float:
    """Seconds to wait for a hook tool: ``CHARMS_REACTIVE_TOOL_TIMEOUT``, default 300."""
    try:
        return float(os.environ.get("CHARMS_REACTIVE_TOOL_TIMEOUT", ""))
    except ValueError:
        return 300.0


def ask_json(command: List[str]) -> Dict[str, Any]:
    """What a hook tool answers, as a mapping.

    Raises:
        HookToolError: it is missing, fails, does not come back, or says something else.
    """
    import json

    timeout = tool_timeout()
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, timeout=timeout, check=True).stdout
        parsed = json.loads(answer.decode("utf-8"))
    except subprocess.TimeoutExpired:
        raise HookToolError(
            command[0], "no answer after %g s; see whether the Juju agent lives" % timeout
        ) from None
    except subprocess.CalledProcessError as error:
        raise HookToolError(command[0], "failed with exit status %d" % error.returncode) from None
    except OSError as error:
        raise HookToolError(command[0], "cannot be run: %s" % error.strerror) from None
    except ValueError:
        raise HookToolError(command[0], "answered %r, which is not JSON" % answer[:200]) from None
    if not isinstance(parsed, dict):
        raise HookToolError(command[0], "answered %r in place of a mapping" % answer[:200])
    return parsed
