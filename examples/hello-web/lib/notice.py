"""The notices on the page, which stay from hook to hook until an action takes them away."""

from __future__ import annotations

from charms.reactive.records import Record


class Notice(Record):
    """A notice on the page."""

    text: str
