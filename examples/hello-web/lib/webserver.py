"""The web server of one unit: start it, stop it, ask whether it runs.

The server holds a lock on its pid file as long as it lives, so a pid that is read while the lock is
held is the server's, never that of a stranger who was given the same number.
"""

from __future__ import annotations

import fcntl
import functools
import http.server
import json
import os
import signal
import subprocess
import sys
import time
from typing import NamedTuple

PID_FILE = "server.pid"
LOG_FILE = "server.log"


class Server(NamedTuple):
    """A server that runs: its process and where it listens."""

    pid: int
    address: str
    port: int


def running(directory: str) -> Server | None:
    """The server that keeps its pid file in this directory, if one runs."""
    try:
        with open(os.path.join(directory, PID_FILE)) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return Server(*json.loads(file.read()))
    except (FileNotFoundError, ValueError):
        pass  # Never started, or not yet listening.
    return None


def start(directory: str, root: str, address: str, port: int, patience: float = 10.0) -> Server:
    """Start a server for the files below ``root`` and wait until it listens.

    Args:
        directory: for its pid file and its log.
        root: what it serves.
        address: to listen on.
        port: to listen on; with 0, and if it is taken, any free port.
        patience: seconds to wait for it.

    Raises:
        RuntimeError: it did not come up; the message has the end of its log.
    """
    log_path = os.path.join(directory, LOG_FILE)
    with open(log_path, "ab") as log:
        process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), directory, root, address, str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # A hook's process group may be killed; the server stays.
        )
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        server = running(directory)
        if server is not None and server.pid == process.pid:
            return server
        time.sleep(0.01)
    if process.poll() is None:
        process.kill()
        process.wait()
    with open(log_path, errors="replace") as written:
        last = written.read().strip().splitlines()[-1:]
    raise RuntimeError("the web server did not start: %s" % " ".join(last or ["it logged nothing"]))


def stop(directory: str, patience: float = 5.0) -> bool:
    """Stop the server, if one runs, and wait until it is gone; whether there was one."""
    server = running(directory)
    if server is None:
        return False
    deadline = time.monotonic() + patience
    os.kill(server.pid, signal.SIGTERM)
    while running(directory) == server:
        if time.monotonic() > deadline:
            os.kill(server.pid, signal.SIGKILL)
        time.sleep(0.01)
    return True


def serve(directory: str, root: str, address: str, port: int) -> None:
    """Be the server, until SIGTERM."""
    file = open(os.path.join(directory, PID_FILE), "a+")  # noqa: SIM115 - open, so locked, for life
    # The predecessor may hold the lock for the moment that it takes to end.
    fcntl.flock(file, fcntl.LOCK_EX)
    file.truncate(0)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)
    try:
        server = http.server.ThreadingHTTPServer((address, port), handler)
    except OSError as error:
        if port == 0:
            raise
        print("port %d: %s; taking any free one" % (port, error), file=sys.stderr, flush=True)
        server = http.server.ThreadingHTTPServer((address, 0), handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    file.write(json.dumps([os.getpid(), address, server.server_port]))
    file.flush()
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
