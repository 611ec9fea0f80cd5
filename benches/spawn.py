"""Run a command and print what it cost as JSON: ``python spawn.py PROGRAM [ARGUMENT…]``.

A process of its own, and a small one: on Linux the peak memory of a child begins at the size of the
process that started it. The figures cover the command and the children it waited for.
"""

import json
import os
import sys
from time import perf_counter


def main() -> None:
    begin = perf_counter()
    process = os.posix_spawn(
        sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)]
    )
    _, status, usage = os.wait4(process, 0)
    seconds = perf_counter() - begin
    with open("/proc/self/status") as file:
        own = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
    json.dump(
        {
            "status": status,
            "wall": seconds,
            "user": usage.ru_utime,
            "system": usage.ru_stime,
            "cpu": usage.ru_utime + usage.ru_stime,
            "memory": usage.ru_maxrss * 1024,
            "own memory": own,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
