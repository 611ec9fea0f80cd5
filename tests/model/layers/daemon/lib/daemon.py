"""A program of the charm that runs in the background, and reads a file of settings again when it changes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from charmhelpers.core import hookenv, unitdata


class Daemon:
    def __init__(self, program):
        self.program = os.path.join(hookenv.charm_dir(), "lib", program)
        self.settings = os.path.join(hookenv.charm_dir(), program + ".json")
        self.kv = unitdata.kv()

    @property
    def port(self):
        """Where it listens: a port that was free once, and is kept."""
        port = self.kv.get("daemon.port")
        if port is None:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            self.kv.set("daemon.port", port)
        return port

    @property
    def running(self):
        pid = self.kv.get("daemon.pid")
        if pid is None:
            return False
        try:
            with open("/proc/%d/cmdline" % pid) as file:
                return self.program in file.read()
        except OSError:
            return False

    def ensure(self, settings):
        """Have it running with these settings."""
        with open(self.settings + ".new", "w") as file:
            json.dump(settings, file, sort_keys=True)
        os.rename(self.settings + ".new", self.settings)
        if self.running:
            return
        with open(self.program + ".log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, self.program, str(self.port), self.settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.kv.set("daemon.pid", process.pid)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("%s does not answer on port %d" % (self.program, self.port))

    def stop(self):
        if self.running:
            os.kill(self.kv.get("daemon.pid"), signal.SIGTERM)
            for _ in range(100):
                if not self.running:
                    break
                time.sleep(0.05)
        self.kv.unset("daemon.pid")
