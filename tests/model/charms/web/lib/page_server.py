"""Serves one page, read from PostgreSQL for every request: page_server.py PORT SETTINGS."""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        with open(sys.argv[2]) as file:
            settings = json.load(file)
        access = settings["access"]
        command = ["psql", "-X", "-A", "-t", "-h", access["host"], "-p", str(access["port"])]
        command += ["-U", access["user"], "-d", access["database"], "-c", "SELECT text FROM page"]
        environment = dict(os.environ, PGPASSWORD=access["password"], PGCONNECT_TIMEOUT="5")
        found = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.send_response(500 if found.returncode else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        text = found.stdout.decode().strip()
        self.wfile.write(("%s\n%s\n-- %s\n" % (settings["title"], text, settings["unit"])).encode())


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
