#!/bin/sh
# One would guess: recv(n, MSG_DONTWAIT) never waits; that is what the flag is for, and the kernel obeys it.
# What happens: on a socket with a time-out Python waits for data by itself (poll), before it calls recv with the
#   flag. The call takes the whole time-out and ends with TimeoutError instead of BlockingIOError.
# Why it matters: a client of an agent's socket has a time-out for its answers; when it looks, "has the agent said
#   anything, has it gone?", before it sends, each look costs the time-out. A wait of select() for 0 s does it.
#
# Seen with CPython 3.11.7 (3.8.18 and 3.13.0 do the same):
#   time-out 0.5 s: TimeoutError after 0.5 s
#   no time-out: BlockingIOError after 0.0 s
#   select for 0 s: nothing to read after 0.0 s
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 - <<'EOF'
import platform
import select
import socket
import sys
import time


def look(timeout):
    """What a look into an empty socket with this time-out ends with, after how many seconds."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(timeout)
        start = time.monotonic()
        try:
            ours.recv(1, socket.MSG_DONTWAIT)
        except OSError as error:
            # Python before 3.10 has socket.timeout, which is no TimeoutError yet.
            name = "TimeoutError" if isinstance(error, socket.timeout) else type(error).__name__
            return name, time.monotonic() - start
    raise AssertionError("there was something to read")


print(platform.python_implementation(), platform.python_version())
ends = {}
for words, timeout in (("time-out 0.5 s", 0.5), ("no time-out", None)):
    ends[timeout] = look(timeout)
    print("{}: {} after {:.1f} s".format(words, *ends[timeout]))
ours, theirs = socket.socketpair()
with ours, theirs:
    start = time.monotonic()
    readable = select.select([ours], [], [], 0)[0]
    print(f"select for 0 s: {'data' if readable else 'nothing to read'} after {time.monotonic() - start:.1f} s")
if ends[0.5][0] != "TimeoutError" or ends[0.5][1] < 0.4 or ends[None][0] != "BlockingIOError":
    sys.exit("changed: MSG_DONTWAIT does not wait on a socket with a time-out")
EOF
