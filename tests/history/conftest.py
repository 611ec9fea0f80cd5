"""Units whose hooks are processes, and the desk."""

from __future__ import annotations

from framework.conftest import engine_name, framework, fresh, one_unit, unit

__all__ = ["engine_name", "framework", "fresh", "one_unit", "unit"]
