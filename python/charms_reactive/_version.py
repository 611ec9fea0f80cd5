"""The version, in the one place that the build and the engines read it from."""

__version__ = "1.6.0"
