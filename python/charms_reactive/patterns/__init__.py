"""Patterns of interface layers."""
