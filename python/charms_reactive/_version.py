"""The version, in the one place that the build and the engines read it from, and what was built."""

__version__ = "1.6.0"

#: Whether the native engine may be part of this installation. The build of a pure wheel writes False: a
#: native engine beside it is one that an older release has left, as `pip install --ignore-installed` does.
NATIVE = True
