"""One PostgreSQL server, in a directory of its own, on a free port of this machine."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

from charmhelpers.core import hookenv, unitdata

HOST = "127.0.0.1"
SETTINGS = """
listen_addresses = '127.0.0.1'
port = %(port)d
unix_socket_directories = '%(sockets)s'
shared_buffers = '16MB'
max_connections = 30
max_wal_senders = 6
fsync = off  # What this machine forgets in a power cut is no more than a test.
"""


def programs():
    """Where Debian keeps the programs of the newest PostgreSQL."""
    found = glob.glob("/usr/lib/postgresql/*/bin")
    return max(found, key=lambda path: int(path.split("/")[4])) if found else None


class Server:
    def __init__(self):
        self.kv = unitdata.kv()
        self.directory = Path(hookenv.charm_dir()).parent / "postgresql"
        self.data = self.directory / "data"

    @property
    def port(self):
        port = self.kv.get("postgresql.port")
        if port is None:
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                port = probe.getsockname()[1]
            self.kv.set("postgresql.port", port)
        return port

    @property
    def running(self):
        return self.ready(HOST, self.port)

    def ready(self, host, port):
        """Whether a server answers there."""
        command = [programs() + "/pg_isready", "-q", "-t", "3", "-h", host, "-p", str(port)]
        return subprocess.call(command) == 0

    def create(self, password):
        """Begin anew, with an empty database cluster."""
        self._clear()
        secret = self.directory / "password"
        secret.write_text(password)
        self._own(secret)
        options = ["--auth=scram-sha-256", "--username=admin", "--pwfile=%s" % secret]
        self._run("initdb", "-D", self.data, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", *options)
        secret.unlink()
        self._configure()
        with open(str(self.data / "pg_hba.conf"), "a") as rules:
            rules.write("host replication admin 127.0.0.1/32 scram-sha-256\n")
        self.start()

    def clone(self, host, port, password):
        """Become a standby of another server, whatever was here before."""
        self._clear()
        source = ["-h", host, "-p", str(port), "-U", "admin"]
        options = ["-X", "stream", "-c", "fast", "-N", *source]
        self._run("pg_basebackup", "-D", self.data, *options, PGPASSWORD=password)
        signal = self.data / "standby.signal"
        signal.touch()
        self._own(signal)
        self._configure("host=%s port=%s user=admin password=%s" % (host, port, password))
        self.start()

    def promote(self):
        self._run("pg_ctl", "promote", "-w", "-D", self.data)

    def start(self):
        self._run("pg_ctl", "start", "-w", "-D", self.data, "-l", self.directory / "log")

    def stop(self):
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", self.data)

    def query(self, password, statement, database="postgres"):
        """Run SQL in the server; what it answers."""
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", HOST, "-p", str(self.port)]
        command += ["-U", "admin", "-d", database, "-c", statement]
        return subprocess.check_output(command, env=dict(os.environ, PGPASSWORD=password)).decode().strip()

    def _configure(self, primary=""):
        with open(str(self.data / "postgresql.conf"), "a") as file:
            file.write(SETTINGS % {"port": self.port, "sockets": self.directory})
            file.write("primary_conninfo = '%s'\n" % primary)

    def _clear(self):
        self.stop()
        if self.directory.exists():
            shutil.rmtree(str(self.directory))
        self.directory.mkdir()
        self._own(self.directory)

    def _run(self, program, *arguments, **environment):
        """Run one of PostgreSQL's programs; as somebody else than root, whom the server refuses."""
        command = [programs() + "/" + program] + [str(argument) for argument in arguments]
        user = self._user()
        if user is not None:
            command = ["runuser", "-u", user.pw_name, "--"] + command
        # Not a pipe, which the server would keep open.
        with open(str(self.directory) + ".log", "a+b") as log:
            environment = dict(os.environ, **environment)
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            subprocess.check_call(command, env=environment, cwd="/", **streams)

    def _own(self, path):
        user = self._user()
        if user is not None:
            os.chown(str(path), user.pw_uid, user.pw_gid)

    @staticmethod
    def _user():
        if os.getuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                pass
        raise RuntimeError("PostgreSQL does not run as root, and this machine has no user postgres or nobody")
