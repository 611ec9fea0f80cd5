"""Stands in for what the base layer runs before everything else, if an operator has put it there."""

import os
import subprocess
import sys


def run_first():
    directory = os.path.join(os.environ["JUJU_CHARM_DIR"], "exec.d")
    if os.path.exists(directory):
        for name in sorted(os.listdir(directory)):
            command = os.path.join(directory, name, "charm-pre-install")
            if os.access(command, os.X_OK):
                subprocess.check_call([command], stderr=sys.stdout)
