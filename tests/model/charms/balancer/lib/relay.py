"""Passes each connection on to the next server that takes it: relay.py PORT SETTINGS."""

import itertools
import json
import shutil
import socket
import socketserver
import sys
import threading

turns = itertools.count()


class Relay(socketserver.BaseRequestHandler):
    def handle(self):
        with open(sys.argv[2]) as file:
            servers = json.load(file)["servers"]
        first = next(turns)
        for index in range(len(servers)):
            host, port = servers[(first + index) % len(servers)]
            try:
                server = socket.create_connection((host, port), 5)
            except OSError:
                continue
            with server:
                there = threading.Thread(target=copy, args=(self.request, server), daemon=True)
                there.start()
                copy(server, self.request)
            return


def copy(source, target):
    try:
        with source.makefile("rb", 0) as read, target.makefile("wb", 0) as write:
            shutil.copyfileobj(read, write)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Relay).serve_forever()
