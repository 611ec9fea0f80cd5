"""How times and ways are told to people, in the commands about a unit's memory."""

from __future__ import annotations

import re
import time
from typing import Optional

from .past import HistoryError

__all__ = ["ago", "duration", "plural", "since"]

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def ago(seconds: float) -> str:
    """How long ago something was: ``just now``, ``12 s ago``, ``3 min ago``, ``2 h ago``, ``5 d ago``."""
    if seconds < 1:
        return "just now"
    for unit, size in _UNITS:
        if seconds >= size:
            return "%d %s ago" % (seconds // size, unit)
    raise AssertionError(seconds)


def duration(milliseconds: Optional[float]) -> str:
    """A duration: ``0.4 ms``, ``214 ms``, ``1.2 s`` or ``3 min``; a dash for one that is not known."""
    if milliseconds is None:
        return "-"
    if milliseconds < 9.95:
        return "%.1f ms" % milliseconds
    if milliseconds < 999.5:
        return "%.0f ms" % milliseconds
    return "%.1f s" % (milliseconds / 1000) if milliseconds < 600_000 else "%.0f min" % (milliseconds / 60000)


def plural(number: int, what: str) -> str:
    """``1 handler``, ``2 handlers``."""
    return "%d %s%s" % (number, what, "" if number == 1 else "s")


def since(text: str, now: float) -> float:
    """The moment that a text means, in seconds since 1970.

    Args:
        text: how long ago (``90s``, ``30min``, ``2h``, ``1d``), a time of today or yesterday (``03:10``), or
            a date with or without one (``2026-11-29T03:10``), in the unit's own time zone.

    Raises:
        HistoryError: it means none.
    """
    word = text.strip().lower()
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|sec|m|min|h|d)", word)
    if found:
        sizes = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
        return now - float(found.group(1)) * sizes[found.group(2)]
    today = time.strftime("%Y-%m-%d ", time.localtime(now))
    for shape, given in (
        ("%Y-%m-%d %H:%M:%S", word.replace("t", " ")),
        ("%Y-%m-%d %H:%M", word.replace("t", " ")),
        ("%Y-%m-%d", word),
        ("%Y-%m-%d %H:%M:%S", today + word),
        ("%Y-%m-%d %H:%M", today + word),
    ):
        try:
            moment = time.mktime(time.strptime(given, shape))
        except (ValueError, OverflowError):
            continue
        return moment - 86400 if given.startswith(today) and moment > now and ":" in word[:3] else moment
    raise HistoryError(
        "--since %s: write how long ago, as in 90s, 30min, 2h or 1d, or when, as in 03:10" % text
    )
