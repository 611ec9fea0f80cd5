"""What hook tools answer that is no plain JSON: it is shown in a form of its own."""

from __future__ import annotations

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, Dict


class Plain(str):
    """Text that YAML shows without quotes though it could be something else, as Go shows a time."""


class Struct(Dict[str, Any] if TYPE_CHECKING else dict):  # type: ignore[misc]
    """A mapping that is printed in its own order, as Go prints a struct; any other is sorted."""
