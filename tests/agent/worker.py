"""Answers for an agent in Go: the desk's hook tools, asked by a line of JSON each on stdin.

    worker.py DIRECTORY [VARIABLE=VALUE ...]

The directory is that of a ``FileSide``; the variables are of the hook's environment.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any, Dict

from charms_reactive.testing import hooktools
from charms_reactive.testing._running.agent_server import Answers


def main() -> None:
    directory, *variables = sys.argv[1:]
    environ = dict(variable.split("=", 1) for variable in variables)
    answers = Answers(hooktools.FileSide(directory), environ)
    for line in sys.stdin:
        asked = json.loads(line)
        command: Dict[str, Any] = {
            "ContextId": asked["Context"].encode(),
            "Dir": asked["Dir"].encode(),
            "CommandName": asked["Command"].encode(),
            "Args": [base64.b64decode(word) for word in asked["Args"] or []],
            "StdinSet": asked["StdinSet"],
            "Stdin": base64.b64decode(asked["Stdin"] or ""),
        }
        error, result = answers.answer(command)
        reply = {
            "Error": error.decode(),
            "Code": result.get("Code", 0),
            "Stdout": base64.b64encode(result.get("Stdout", b"")).decode(),
            "Stderr": base64.b64encode(result.get("Stderr", b"")).decode(),
        }
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
