"""The Juju agent, asked over its socket: one connection for all hook tools that a hook calls.

The agent of a unit listens for as long as a hook or an action runs, and the executables that hooks know as
hook tools do nothing but ask it: Go's ``net/rpc``, one method, the command line as its argument (Juju's
``cmd/jujuc`` and ``worker/uniter/runner/jujuc``). This module asks in their place, which spares a process
for each call. What comes back is what the executable would have written, and its exit status.

A connection is tried out before it is used: the agent is asked for a command without a name, which it
refuses before it does anything. Whoever does not answer that as an agent does is not asked for anything
else, and :class:`NotUsableError` says that nothing has happened yet. After a command was sent, nothing is
sent twice: if no answer comes, :class:`LostError` says that it may have been run.
"""

from __future__ import annotations

# The module behind `socket`, which costs a hook a tenth of what that does.
import _socket
import os
from time import monotonic

from .gob import CALL, COMMAND, METHOD, Decoder, Encoder, GobError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

__all__ = ["Agent", "LostError", "NoAnswerError", "NotUsableError"]

#: The error that an agent answers to a tool that has to read from stdin, and was given none.
NO_STDIN = b"hook tool requires stdin, none supplied"

# What the agent says to a command without a name, be it of Juju 2.9 or 4.0.
_REFUSAL = b"bad request: command not specified"

# An agent answers that at once, whatever it is busy with.
_PATIENCE = 10.0

# Bytes that are read from the socket at once.
_CHUNK = 1 << 16


class NotUsableError(Exception):
    """There is no asking the agent over its socket; nothing was asked of it."""


class LostError(Exception):
    """The connection was lost after a command had been sent, which may have been run."""


class NoAnswerError(Exception):
    """No answer came in time to a command, which may have been run, or may still be."""


class Agent:
    """A connection to the agent, for one hook and one process.

    Args:
        environ: the hook's environment.
        patience: seconds to wait for the agent to be there.

    Raises:
        NotUsableError: there is no agent that can be asked in this way.
    """

    def __init__(self, environ: Mapping[str, str], patience: float = _PATIENCE) -> None:
        self.key = key(environ)
        self._fsencoded = [os.fsencode(part) for part in self.key]
        self.pid = os.getpid()
        self._sequence = 0
        self._received = b""
        self._encoder = Encoder()
        self._decoder = Decoder(self._take)
        self._deadline: Optional[float] = None
        self._timeout: Optional[float] = min(patience, _PATIENCE)
        self._connection: Optional[_socket.socket] = None
        network, address = self.key[:2]
        if network != "unix":
            raise NotUsableError("the agent listens on %s, not on a Unix socket" % (network or "no network"))
        if not address:
            raise NotUsableError("JUJU_AGENT_SOCKET_ADDRESS is not set")
        path = os.fsencode(address)
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            connection.settimeout(self._timeout)
            # As in Go, an @ stands for the NUL byte of an abstract address.
            connection.connect(b"\0" + path[1:] if path[:1] == b"@" else path)
            self._connection = connection
            self._deadline = monotonic() + min(patience, _PATIENCE)
            connection.sendall(self._message(b"", [], b"/", None))
            returned, _ = self._answer()
        except (OSError, GobError, _EndedError) as error:
            self.close()
            connection.close()
            reason = getattr(error, "strerror", None) or error
            raise NotUsableError("%s: %s" % (address, reason)) from None
        except BaseException:
            self.close()
            connection.close()
            raise
        if returned.get("Error") != _REFUSAL:
            self.close()
            said = returned.get("Error", b"").decode("utf-8", "replace") or "no error"
            raise NotUsableError("%s: to a command without a name, it answered: %s" % (address, said))

    def close(self) -> None:
        """Close the connection; nothing can be asked any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def usable(self, environ: Mapping[str, str]) -> bool:
        """Whether the connection is there, is this process's own, and is to the agent of this environment."""
        return self._connection is not None and self.pid == os.getpid() and self.key == key(environ)

    def ask(
        self,
        words: List[str],
        stdin: Optional[Callable[[], bytes]] = None,
        timeout: Optional[float] = None,
    ) -> Tuple[int, bytes, bytes]:
        """Call a hook tool.

        Args:
            words: its name, and its arguments.
            stdin: reads its stdin; called only if the tool asks for it.
            timeout: seconds to wait for the answer; ``None`` waits for ever, as processes do.

        Returns:
            Its exit status, and what it writes to stdout and to stderr.

        Raises:
            NotUsableError: the agent could not be told; nothing has been run.
            LostError: the agent was told, and went away.
            NoAnswerError: the agent was told, and does not answer in time.
        """
        if self._connection is None:
            raise NotUsableError("the connection is closed")
        try:
            directory = _directory()
        except OSError as error:
            raise NotUsableError("no current directory: %s" % error) from None
        tool, *arguments = [os.fsencode(word) for word in words]
        self._deadline = None if timeout is None else monotonic() + timeout
        try:
            returned, result = self._call(words[0], tool, arguments, directory, None)
            if returned.get("Error") == NO_STDIN:
                # As the executable does it: so the stdin of a tool that does not read is left alone.
                data = stdin() if stdin is not None else b""
                try:
                    returned, result = self._call(words[0], tool, arguments, directory, data)
                except NotUsableError as error:
                    raise LostError("%s: %s; it was not run" % (words[0], error)) from None
        except BaseException:
            self.close()  # an answer that nobody waits for must not be taken for that of the next call
            raise
        refusal = returned.get("Error")
        if refusal:
            return 1, b"", b"ERROR %s\n" % refusal
        # As a process has it: the lowest byte.
        return result.get("Code", 0) & 0xFF, result.get("Stdout", b""), result.get("Stderr", b"")

    def _call(
        self, name: str, tool: bytes, arguments: List[bytes], directory: bytes, stdin: Optional[bytes]
    ) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        connection = self._connection
        assert connection is not None
        message = self._message(tool, arguments, directory, stdin)
        self._wait(connection)
        try:
            sent = connection.send(message)
        except _TIMED_OUT:
            raise NoAnswerError from None
        except OSError as error:
            raise NotUsableError(
                "the agent has closed the connection: %s" % error
            ) from None  # nothing has left
        try:
            if sent < len(message):
                self._wait(connection)
                connection.sendall(memoryview(message)[sent:])
            return self._answer()
        except _TIMED_OUT:
            raise NoAnswerError from None
        except _EndedError:
            reason = "the Juju agent went away before it had answered"
        except OSError as error:
            reason = "the connection to the Juju agent broke: %s" % (error.strerror or error)
        except GobError as error:
            reason = "the Juju agent's answer cannot be read: %s" % error
        raise LostError("%s: %s; it may have been run, and is not run again" % (name, reason))

    def _message(
        self, tool: bytes, arguments: List[bytes], directory: bytes, stdin: Optional[bytes]
    ) -> bytes:
        self._sequence += 1
        _, _, context, token = self._fsencoded
        command = {
            "ContextId": context,
            "Dir": directory,
            "CommandName": tool,
            "Args": arguments,
            "StdinSet": stdin is not None,
            "Stdin": stdin,
            "Token": token,
        }
        encode = self._encoder.encode
        return encode(CALL, {"ServiceMethod": METHOD, "Seq": self._sequence}) + encode(COMMAND, command)

    def _answer(self) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        """What comes back of the call that was sent last: the header, and the result."""
        returned = self._decoder.decode()
        if returned.get("Seq", 0) != self._sequence:
            raise GobError("it answers call %s, not %d" % (returned.get("Seq", 0), self._sequence))
        return returned, self._decoder.decode()

    def _wait(self, connection: _socket.socket) -> None:
        """Let whatever is done next with the socket end in time."""
        left = None
        if self._deadline is not None:
            left = self._deadline - monotonic()
            if left <= 0:
                raise _socket.timeout("timed out")
        if left is not None or self._timeout is not None:
            connection.settimeout(left)
            self._timeout = left

    def _take(self, size: int) -> bytes:
        """So many bytes of what the agent has sent."""
        received = self._received
        if len(received) < size:
            parts = [received]
            missing = size - len(received)
            connection = self._connection
            assert connection is not None
            while missing > 0:
                self._wait(connection)
                part = connection.recv(_CHUNK)
                if not part:
                    raise _EndedError("the agent has closed the connection")
                parts.append(part)
                missing -= len(part)
            received = b"".join(parts)
        self._received = received[size:]
        return received[:size]


_TIMED_OUT = _socket.timeout


class _EndedError(Exception):
    """The other side has closed the connection."""


def key(environ: Mapping[str, str]) -> Tuple[str, str, str, str]:
    """What a connection is for: network, address, context and token."""
    get = environ.get
    return (
        get("JUJU_AGENT_SOCKET_NETWORK", ""),
        get("JUJU_AGENT_SOCKET_ADDRESS", ""),
        get("JUJU_CONTEXT_ID", ""),
        get("JUJU_AGENT_TOKEN", ""),
    )


def _directory() -> bytes:
    """The current directory as Go names it: by ``PWD``, if that is true, so as the user has got there."""
    named = os.environ.get("PWD", "")
    if named[:1] == "/":
        try:
            there, here = os.stat(named), os.stat(".")
        except OSError:
            pass
        else:
            if there.st_ino == here.st_ino and there.st_dev == here.st_dev:
                return os.fsencode(named)
    return os.getcwdb()
