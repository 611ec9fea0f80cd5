"""Hook tools: asked, and not waited for without end."""

from __future__ import annotations

import os
import subprocess

from charms_reactive._errors import HookToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Tuple

__all__ = [
    "agent_usable",
    "ask_json",
    "asking",
    "choose",
    "end_hook",
    "mapping",
    "names",
    "odd_tool_timeout",
    "remarks",
    "start_hook",
    "tell",
    "tool_timeout",
]


#: The environment variable that tells how long to wait for a hook tool.
TOOL_VARIABLE = "CHARMS_REACTIVE_TOOL_TIMEOUT"

_LONGEST_TOOL_TIMEOUT = 86400.0

# Where Juju's agent listens while a hook runs.
_ADDRESS = "JUJU_AGENT_SOCKET_ADDRESS"

# Hook tools must not be processes, by the environment or by the charm's option.
_only_agent = False


def asking() -> Any:
    """What hook tools are called with: ``subprocess``, or in a hook whose agent has a socket ``calls``."""
    if _ADDRESS in os.environ or _only_agent:
        from . import calls  # of no use anywhere else

        return calls
    return subprocess


def agent_usable() -> bool:
    """Whether hook tools need no processes; the agent is connected to by that."""
    return _ADDRESS in os.environ and bool(asking().usable())


def start_hook() -> None:
    """Forget what an earlier hook in this process has found out."""
    global _only_agent
    _only_agent = _is_agent(os.environ.get("CHARMS_REACTIVE_TOOLS"))
    if asking() is not subprocess:
        asking().start_hook()


def choose(option: object) -> None:
    """Take what the charm option ``reactive-tools`` says, where the environment says nothing."""
    global _only_agent
    _only_agent = _is_agent(option)
    if asking() is not subprocess:
        asking().choose(option)


def _is_agent(word: object) -> bool:
    return str(word or "").strip().lower() == "agent"


def end_hook() -> None:
    """Close the connection to the agent, if there is one."""
    if asking() is not subprocess:
        asking().disconnect()


def tell(notes: Any) -> None:
    """Tell the notes of a hook of each hook tool, where the agent can be asked; ``None`` ends it."""
    if asking() is not subprocess:
        asking().notes = notes


def remarks() -> List[Tuple[str, str]]:
    """What the log is to be told about hook tools, each a level and a line; only once."""
    tools = asking()
    found: List[Tuple[str, str]] = [] if tools is subprocess else tools.remarks()
    return found


def tool_timeout() -> float:
    """Seconds to wait for a hook tool: ``CHARMS_REACTIVE_TOOL_TIMEOUT``, default 300."""
    given = os.environ.get(TOOL_VARIABLE)
    return 300.0 if not given or odd_tool_timeout() else float(given)


def odd_tool_timeout() -> str:
    """What is wrong with the value of ``CHARMS_REACTIVE_TOOL_TIMEOUT``, in words; empty for nothing."""
    given = os.environ.get(TOOL_VARIABLE)
    if not given:
        return ""
    try:
        if 0 < float(given) <= _LONGEST_TOOL_TIMEOUT:
            return ""
    except ValueError:
        pass
    return "%s must be a number of seconds above 0 and up to %g, not %r; using 300" % (
        TOOL_VARIABLE,
        _LONGEST_TOOL_TIMEOUT,
        given,
    )


def names(tool: str, function: Callable[..., Any], *arguments: object) -> List[str]:
    """The names that a hook tool has told a function of hookenv, sorted.

    Args:
        tool: for errors, such as ``relation-ids``.
        function: of hookenv, which asks it.
        arguments: of that function.

    Raises:
        HookToolError: it has answered something else.
    """
    try:
        answer = function(*arguments)
    except ValueError:  # JSON's
        raise HookToolError(tool, "answered something that is not JSON") from None
    # Whatever can be gone through will do: tests of charms have mocks there.
    found = None if isinstance(answer, (str, bytes)) or (isinstance(answer, dict) and answer) else answer
    try:
        listed: List[str] = sorted(found)  # type: ignore[arg-type]
    except TypeError:
        listed = [found]  # type: ignore[list-item]
    if not all(isinstance(name, str) for name in listed):
        raise HookToolError(tool, "answered %s in place of a list of names" % _kind(answer))
    return listed


def mapping(tool: str, answer: Any) -> Any:
    """What a hook tool has answered, if that is a mapping.

    Raises:
        HookToolError: it is something else.
    """
    if not hasattr(answer, "keys"):
        raise HookToolError(tool, "answered %s in place of a mapping" % _kind(answer))
    return answer


def _kind(answer: object) -> str:
    """What an answer is; never the answer itself, in which there may be a password."""
    if isinstance(answer, list):
        of = {type(item) for item in answer}
        return "a list of other things" if answer and of != {str} else "a list"
    kinds = {dict: "a mapping", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(answer), "nothing" if answer is None else type(answer).__name__)


def ask_json(command: List[str]) -> Dict[str, Any]:
    """What a hook tool answers, as a mapping.

    Raises:
        HookToolError: it is missing, fails, does not come back, or says something else.
    """
    import json

    timeout = tool_timeout()
    try:
        answer = asking().run(command, stdout=subprocess.PIPE, timeout=timeout, check=True).stdout
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
        raise HookToolError(command[0], "answered something that is not JSON") from None
    found: Dict[str, Any] = mapping(command[0], parsed)
    return found


if _ADDRESS in os.environ and os.environ.get("JUJU_CONTEXT_ID"):
    asking().take_over()  # layer:basic asks for the configuration before it calls main()
