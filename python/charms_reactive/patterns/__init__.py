"""Patterns of interface layers."""

from __future__ import annotations

from . import request_response as request_response
