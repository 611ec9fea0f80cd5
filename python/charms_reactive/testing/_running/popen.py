"""``subprocess.Popen`` for the time of a hook that runs in this interpreter: hook tools need no process.

:func:`answering` replaces methods of the class itself, so whoever holds it, or a subclass of it, and
whatever is built on it (``run``, ``call``, ``check_output``, ``os.popen`` …) is answered. A command whose
program is a hook tool becomes an object that has all that a finished process has. Any other is really
started, after the one that runs the hook was told.
"""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import os
import shlex
import subprocess
import sys
import tempfile
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

__all__ = ["Host", "answering", "simple_command"]

# Of no process: beyond what the kernel hands out.
_pids = itertools.count(1 << 23)


class Host:
    """What :func:`answering` needs of the hook that runs; see ``inprocess``."""

    #: The output of the hook, by file descriptor: 1 and 2.
    outputs: Mapping[int, Any]

    def is_tool(self, program: str, environ: Mapping[str, str], directory: str) -> Optional[str]:
        """The hook tool that a program is, or ``None``.

        Raises:
            FileNotFoundError: it would be one, and this Juju has not got it.
        """
        raise NotImplementedError

    def call(
        self,
        tool: str,
        words: Sequence[str],
        environ: Mapping[str, str],
        stdin: Callable[[], bytes],
        directory: str,
    ) -> Tuple[int, bytes, bytes]:
        """Exit status, stdout and stderr of a hook tool."""
        raise NotImplementedError

    def before_process(self) -> None:
        """A process is about to be started that may call hook tools itself."""
        raise NotImplementedError


_META = frozenset("|&;<>()$`\\\"'*?[]#~=%!{}\n")


def simple_command(text: str) -> Optional[List[str]]:
    """The words of a shell command that is nothing but words, or ``None``."""
    if not _META.isdisjoint(text):
        # Quotes are simple enough if nothing inside or outside of them is of interest to a shell.
        try:
            words = shlex.split(text)
        except ValueError:
            return None
        if not _SPECIAL.isdisjoint(text):
            return None
        return words
    return text.split()


_SPECIAL = frozenset("|&;<>()$`\\*?[]#~!{}\n")


def _words(args: Any, shell: bool) -> Optional[List[str]]:
    """A command as words, or ``None`` if only a shell or the system can say what it means."""
    try:
        if isinstance(args, (str, bytes, os.PathLike)):
            text = os.fsdecode(args)
            if not shell:
                return [text]
            words = simple_command(text)
            # VAR=value COMMAND is for a shell.
            return words if words and "=" not in words[0] else None
        listed = list(args)
        if shell:
            return simple_command(os.fsdecode(listed[0])) if len(listed) == 1 else None
        return [os.fsdecode(word) for word in listed] or None
    except (TypeError, ValueError):
        return None  # the real one says what is wrong


class _Answer(io.RawIOBase):
    """Reads what a hook tool has written; gets a file descriptor when somebody asks for one."""

    def __init__(self, process: _Process) -> None:
        self._process = process
        self._data: Optional[io.BytesIO] = None
        self._file: Any = None
        self.content = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._file is not None:
            return int(self._file.readinto(buffer))
        if self._data is None:
            self._process.finish()
            self._data = io.BytesIO(self.content)
        return self._data.readinto(buffer)

    def fileno(self) -> int:
        if self._file is None:
            self._process.finish()
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 -- close() closes it
            self._file.write(self.content)
            self._file.seek(self._data.tell() if self._data is not None else 0)
        return int(self._file.fileno())

    def close(self) -> None:
        if not self.closed and self._file is not None:
            self._file.close()
        super().close()


class _Input(io.RawIOBase):
    """Takes what a hook tool reads; the tool runs when it is closed."""

    def __init__(self, process: _Process) -> None:
        self._process: Optional[_Process] = process
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self._process is None or self._process.status is not None:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        self.written += bytes(data)
        return len(memoryview(data).cast("B")) if not isinstance(data, bytes) else len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            process, self._process = self._process, None
            if process is not None:
                process.finish()


class _Process:
    """One call of a hook tool that was made as a process is started."""

    def __init__(
        self,
        host: Host,
        tool: str,
        words: List[str],
        environ: Mapping[str, str],
        directory: str,
        streams: Tuple[Any, Any, Any],
    ) -> None:
        self._host = host
        self._call = (tool, words, environ)
        self._directory = directory
        self.status: Optional[int] = None
        self._running = False
        stdin, stdout, stderr = streams
        self.input = _Input(self) if stdin == PIPE else None
        self.answers = {
            1: _Answer(self) if stdout == PIPE else None,
            2: _Answer(self) if stderr == PIPE else None,
        }
        self._stdin = _descriptor(stdin) if stdin not in (None, PIPE, DEVNULL) else None
        self._to = {1: self._destination(1, stdout), 2: self._destination(2, stderr)}
        if stderr == STDOUT:
            self._to[2] = self._to[1]
        if self.input is None:
            self.finish()

    def _destination(self, number: int, stream: Any) -> Optional[Callable[[bytes], Any]]:
        """What takes the bytes of an output."""
        if stream is None:
            return self._inherited(number)
        if stream in (DEVNULL, STDOUT):
            return None
        if stream == PIPE:
            answer = self.answers[number]
            assert answer is not None

            def keep(data: bytes) -> None:
                answer.content += data

            return keep
        descriptor = _descriptor(stream)
        if descriptor in (1, 2):
            return self._inherited(descriptor)

        def write(data: bytes) -> None:
            while data:
                data = data[os.write(descriptor, data) :]

        return write

    def _inherited(self, number: int) -> Callable[[bytes], Any]:
        write: Callable[[bytes], Any] = self._host.outputs[number].write
        return write

    def _read(self) -> bytes:
        if self.input is not None:
            return bytes(self.input.written)
        if self._stdin is None:
            return b""
        parts: List[bytes] = []
        while True:
            part = os.read(self._stdin, 1 << 16)
            if not part:
                return b"".join(parts)
            parts.append(part)

    def finish(self) -> int:
        """Let the tool run, if it has not yet; its exit status."""
        if self.status is None and not self._running:
            self._running = True
            tool, words, environ = self._call
            status, stdout, stderr = self._host.call(tool, words, environ, self._read, self._directory)
            for number, data in ((1, stdout), (2, stderr)):
                write = self._to[number]
                if data and write is not None:
                    write(data)
            self.status = status
        return self.status or 0

    def kill(self, number: int) -> None:
        """A signal comes before the tool has run."""
        if self.status is None:
            self.status = -number


def _descriptor(stream: Any) -> int:
    return stream if isinstance(stream, int) else int(stream.fileno())


def _is_asyncio() -> bool:
    """Whether the event loop starts it, which waits for processes by itself."""
    return str(sys._getframe(2).f_globals.get("__name__", "")).startswith("asyncio.")


# The parameters of Popen that may be given by position, behind ``args``.
_NAMES = (
    "bufsize",
    "executable",
    "stdin",
    "stdout",
    "stderr",
    "preexec_fn",
    "close_fds",
    "shell",
    "cwd",
    "env",
    "universal_newlines",
    "startupinfo",
    "creationflags",
    "restore_signals",
    "start_new_session",
    "pass_fds",
)
_ENV = _NAMES.index("env")

# The hook that runs; there is never more than one.
_hosts: List[Host] = []


@contextlib.contextmanager
def answering(host: Host) -> Iterator[None]:
    """Answer hook tools that ``subprocess`` is asked for, until the end of the block."""
    _hosts.append(host)
    for name, function in _REPLACEMENTS.items():
        setattr(subprocess.Popen, name, function)
    try:
        yield
    finally:
        for name in _REPLACEMENTS:
            setattr(subprocess.Popen, name, _REAL[name])
        _hosts.remove(host)


# -- methods of Popen ---------------------------------------------------------------------------------
def _initialise(self: Any, args: Any, *positional: Any, **keywords: Any) -> None:
    host = _hosts[-1]
    options: Dict[str, Any] = dict(zip(_NAMES, positional), **keywords) if positional else keywords
    words = None
    if options.get("executable") is None and not (options.get("bufsize") == 0 and _is_asyncio()):
        words = _words(args, bool(options.get("shell")))
    if words:
        given = options.get("env")
        environ = os.environ if given is None else _decoded(given)
        directory = os.fsdecode(options.get("cwd") or "")
        tool = host.is_tool(words[0], environ, directory)
        if tool is not None:
            _be_tool(self, host, tool, words, environ, directory, args, options)
            return
    host.before_process()
    if options.get("env") is None:
        # What C libraries have put into the test's own environment (readline does) is none of the hook's.
        variables = dict(os.environ)
        if len(positional) > _ENV:
            positional = (*positional[:_ENV], variables, *positional[_ENV + 1 :])
        else:
            keywords["env"] = variables
    _REAL["__init__"](self, args, *positional, **keywords)


def _communicate(self: Any, input: Any = None, timeout: Any = None) -> Tuple[Any, Any]:  # noqa: A002
    if "_hook_tool" not in self.__dict__:
        answer: Tuple[Any, Any] = _REAL["communicate"](self, input, timeout)
        return answer
    if self._communication_started and input:
        raise ValueError("Cannot send input after starting communication")
    # With one pipe only, Popen does not note that it has started.
    self._communication_started |= (
        timeout is not None or [self.stdin, self.stdout, self.stderr].count(None) < 2
    )
    if self.stdin is not None:
        if input:
            with contextlib.suppress(BrokenPipeError):  # the tool may have ended without reading
                self.stdin.write(input)
        self.stdin.close()
    answers = []
    for stream in (self.stdout, self.stderr):
        answers.append(None if stream is None else stream.read())
        if stream is not None:
            stream.close()
    self.wait()
    return answers[0], answers[1]


def _poll(self: Any) -> Optional[int]:
    if "_hook_tool" not in self.__dict__:
        found: Optional[int] = _REAL["poll"](self)
        return found
    self.returncode = status = self._hook_tool.status
    return status  # type: ignore[no-any-return]


def _wait(self: Any, timeout: Any = None) -> int:
    if "_hook_tool" not in self.__dict__:
        status: int = _REAL["wait"](self, timeout)
        return status
    tool = self._hook_tool
    if tool.status is None and timeout is not None:
        raise subprocess.TimeoutExpired(self.args, timeout)  # nobody closes its stdin meanwhile
    self.returncode = tool.finish()
    return self.returncode  # type: ignore[no-any-return]


def _send_signal(self: Any, sig: int) -> None:
    if "_hook_tool" not in self.__dict__:
        _REAL["send_signal"](self, sig)
    elif sig:
        self._hook_tool.kill(int(sig))


_REPLACEMENTS: Dict[str, Any] = {
    "__init__": _initialise,
    "communicate": _communicate,
    "poll": _poll,
    "wait": _wait,
    "send_signal": _send_signal,
}
_REAL = {name: getattr(subprocess.Popen, name) for name in _REPLACEMENTS}


def _decoded(environment: Mapping[Any, Any]) -> Dict[str, str]:
    return {os.fsdecode(key): os.fsdecode(value) for key, value in environment.items()}


def _be_tool(
    popen: Any,
    host: Host,
    tool: str,
    words: List[str],
    environ: Mapping[str, str],
    directory: str,
    args: Any,
    options: Dict[str, Any],
) -> None:
    """Give a ``Popen`` object what its own initialiser would have given it."""
    for word in words:
        if "\0" in word:
            raise ValueError("embedded null byte")
    text = options.get("text")
    universal = options.get("universal_newlines")
    if text is not None and universal is not None and bool(text) != bool(universal):
        raise subprocess.SubprocessError(
            "Cannot disambiguate when both text and universal_newlines are supplied but different. "
            "Pass one or the other."
        )
    if directory and not os.path.isdir(directory):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory)
    encoding, errors = options.get("encoding"), options.get("errors")
    popen.args = args
    popen.pid = next(_pids)
    popen.returncode = None
    popen.encoding, popen.errors = encoding, errors
    popen.text_mode = encoding or errors or text or universal
    popen.pipesize = options.get("pipesize", -1)
    popen._input = None
    popen._communication_started = False
    popen._child_created = False
    popen._sigint_wait_secs = 0.25
    popen.stdin = popen.stdout = popen.stderr = None
    streams = options.get("stdin"), options.get("stdout"), options.get("stderr")
    process = popen._hook_tool = _Process(host, tool, words[1:], environ, directory, streams)
    popen.stdin = _opened(process.input, io.BufferedWriter, options)
    popen.stdout = _opened(process.answers[1], io.BufferedReader, options)
    popen.stderr = _opened(process.answers[2], io.BufferedReader, options)


def _opened(raw: Optional[io.RawIOBase], kind: Any, options: Dict[str, Any]) -> Any:
    """A pipe as Popen hands it out: buffered, and of text if that was asked for."""
    if raw is None:
        return None
    text = any(options.get(name) for name in ("encoding", "errors", "text", "universal_newlines"))
    stream = raw if options.get("bufsize") == 0 and not text else kind(raw)
    if not text:
        return stream
    more: Dict[str, Any] = {}
    if kind is io.BufferedWriter:
        more = {"write_through": True, "line_buffering": options.get("bufsize") == 1}
    return io.TextIOWrapper(stream, encoding=options.get("encoding"), errors=options.get("errors"), **more)
