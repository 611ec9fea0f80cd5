"""The agent of a simulated unit, as far as hook tools see it: it listens on a socket while a hook runs.

Juju's agent answers hook tools over a socket, with ``net/rpc`` and gob (see ``_juju/gob.py``), and the
framework and its program for bash handlers ask it there without starting a process. So does a hook of a
simulated unit: the answers are those of the executables, of one command at a time.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import struct
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Set, Tuple, Union

from charms_reactive._juju.agent import NO_STDIN
from charms_reactive._juju.gob import METHOD, NOTHING, RESULT, RETURNED, Decoder, Encoder, GobError
from charms_reactive.testing import hooktools
from charms_reactive.testing.hooktools.program import kill_hook
from charms_reactive.testing.hooktools.side import Side

if TYPE_CHECKING:
    from charms_reactive.testing.hooktools.side import Juju

__all__ = ["AgentServer", "Answers", "agent_address"]

#: The longest name that a socket can have, in bytes.
LONGEST_ADDRESS = 107


#: The last versions whose agents listened on an abstract address; later ones do on a file of their owner's.
_ABSTRACT_UNTIL = {(2, 9): 50, (3, 1): 9, (3, 2): 99, (3, 3): 6, (3, 4): 5, (3, 5): 3}


def agent_address(directory: Path, juju_version: str) -> str:
    """Where the agent of a unit listens, as Juju of some version has it."""
    numbers = [int(number) for number in re.findall(r"\d+", juju_version)[:3]] + [0, 0]
    major, minor, patch = numbers[:3]
    abstract = (major, minor) < (2, 9) or patch <= _ABSTRACT_UNTIL.get((major, minor), -1)
    return ("@" if abstract else "") + str(directory / "agent.socket")


class _NoStdinError(Exception):
    """A tool wants to read, and was given nothing to read from."""


class _Attempt(Side):
    """The Juju side while one command is tried: what it would record is kept until it is sure to be run."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self.lines: List[List[Any]] = []

    @property
    def context(self) -> Optional[str]:
        return self._side.context

    @context.setter
    def context(self, context: Optional[str]) -> None:
        self._side.context = context

    def read(self) -> Juju:
        return self._side.read()

    def change(self) -> Any:
        return self._side.change()

    def record(self, line: List[Any]) -> None:
        self.lines.append(line)


class Answers:
    """What an agent makes of commands, in the order in which Juju's checks them.

    Args:
        side: what hook tools ask.
        environ: of the hook that runs.
        token: what the field ``Token`` of a command has to say; Juju's is empty on a machine.
    """

    def __init__(self, side: Side, environ: Mapping[str, str], token: bytes = b"") -> None:
        self._side = side
        self._environ = dict(environ)
        self._token = token
        self._one_at_a_time = threading.Lock()

    def answer(self, command: Mapping[str, Any], caller: int = 0) -> Tuple[bytes, Dict[str, Any]]:
        """Run a command.

        Args:
            command: the fields of ``COMMAND``, without those that are zero.
            caller: the process that asks, as far as it is known.

        Returns:
            The error of the call, empty for none, and the fields of ``RESULT``.
        """
        if command.get("Token", b"") != self._token:
            return b"bad request: token does not match", {}
        if not command.get("CommandName"):
            return b"bad request: command not specified", {}
        directory = os.fsdecode(command.get("Dir", b""))
        if not os.path.isabs(directory):
            return b"bad request: Dir is not absolute", {}
        tool = os.fsdecode(command["CommandName"])
        words = [os.fsdecode(word) for word in command.get("Args", [])]
        environ = {**self._environ, "JUJU_CONTEXT_ID": os.fsdecode(command.get("ContextId", b""))}

        def stdin() -> bytes:
            if not command.get("StdinSet"):
                raise _NoStdinError
            data: bytes = command.get("Stdin", b"")
            return data

        with self._one_at_a_time:
            attempt = _Attempt(self._side)
            try:
                status, stdout, stderr = hooktools.call(attempt, tool, words, environ, stdin, directory)
            except _NoStdinError:
                return NO_STDIN, {}
            for line in attempt.lines:
                self._side.record(line)
            if tool == "juju-reboot" and status == 0 and self._side.read()["reboot"] == "now":
                kill_hook(environ["JUJU_CONTEXT_ID"], caller)
        if status == 1 and not stdout and stderr.startswith(b"ERROR bad request: "):
            # Of what the agent refuses itself there is no result; the client makes these bytes of the error.
            return stderr[len(b"ERROR ") :].rstrip(b"\n"), {}
        return b"", {"Code": status, "Stdout": stdout, "Stderr": stderr}


class AgentServer:
    """An agent that listens, as a context manager.

    Args:
        answers: what it answers.
        address: where; one that begins with ``@`` is abstract, as Juju's were until 2.9.50. A path that is
            too long for a socket is replaced by one in a temporary directory.

    Attributes:
        address: for ``JUJU_AGENT_SOCKET_ADDRESS``.
    """

    def __init__(self, answers: Answers, address: Union[str, os.PathLike[str]]) -> None:
        self._answers = answers
        self._own_directory: Optional[str] = None
        self.address = os.fspath(address)
        if len(os.fsencode(self.address)) > LONGEST_ADDRESS:
            self._own_directory = tempfile.mkdtemp(prefix="agent-")
            self.address = os.path.join(self._own_directory, "agent.socket")
        self._listener = socket.socket(socket.AF_UNIX)
        self._connections: Set[socket.socket] = set()
        self._threads: List[threading.Thread] = []
        self._closed = False

    def __enter__(self) -> AgentServer:
        path = self.address
        if path.startswith("@"):
            self._listener.bind("\0" + path[1:])
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            # Nobody else may connect, from the moment in which it is there: it is renamed into place.
            new = "%s.%d" % (path[: LONGEST_ADDRESS - 12], os.getpid())
            with contextlib.suppress(FileNotFoundError):
                os.unlink(new)
            self._listener.bind(new)
            os.chmod(new, 0o700)
            os.rename(new, path)
        self._listener.listen(64)
        self._start(self._accept)
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more, and end all connections."""
        self._closed = True
        for one in [self._listener, *self._connections]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._listener.close()
        if self._own_directory is not None:
            shutil.rmtree(self._own_directory, ignore_errors=True)
        elif not self.address.startswith("@"):
            with contextlib.suppress(FileNotFoundError):
                Path(self.address).unlink()

    # -- threads --------------------------------------------------------------------------------
    def _start(self, function: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.add(connection)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        """Answer one connection until the other side closes it, or says what cannot be read."""
        with connection, contextlib.suppress(OSError, GobError, EOFError), connection.makefile(
            "rb"
        ) as stream:

            def take(size: int) -> bytes:
                data = stream.read(size)
                if len(data) != size:
                    raise EOFError
                return data

            decoder, encoder = Decoder(take), Encoder()
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            caller = struct.unpack("3i", credentials)[0]
            while True:
                call = decoder.decode()
                command = decoder.decode()
                header = {"ServiceMethod": call.get("ServiceMethod"), "Seq": call.get("Seq")}
                if header["ServiceMethod"] != METHOD:
                    error = b"rpc: can't find service %s" % (header["ServiceMethod"] or b"")
                    result: Dict[str, Any] = {}
                else:
                    error, result = self._answers.answer(command, caller)
                reply = encoder.encode(RETURNED, {**header, "Error": error})
                reply += encoder.encode(NOTHING if error else RESULT, result)
                connection.sendall(reply)
        self._connections.discard(connection)
