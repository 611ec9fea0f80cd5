"""Run one workload in this process and print its times: ``python measure.py NAME '{"argument": 1}'``.

``run.py`` starts it with the interpreter of each environment that it compares.
"""

from __future__ import annotations

import json
import sys

from emitting import WORKLOADS as EMITTING
from keeping import WORKLOADS as KEEPING
from workloads import WORKLOADS


def main() -> None:
    name, arguments = sys.argv[1], json.loads(sys.argv[2])
    # One line, the first: CLIPS prints remarks of its own when the process ends.
    print(json.dumps({**WORKLOADS, **EMITTING, **KEEPING}[name](**arguments)), flush=True)


if __name__ == "__main__":
    main()
