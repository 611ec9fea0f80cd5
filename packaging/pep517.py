"""What pip imports to build the package: ``build_backend``, where Python is new enough to read it.

The sdist goes to units with Pythons of years ago, in wheelhouses where nothing else keeps it from them. They
get a sentence instead of a syntax error: this file is to stay within what Python 3.3 can read.
"""

import sys

if sys.version_info < (3, 8):  # noqa: UP036 -- as above
    raise SystemExit(
        "charms.reactive 1.6 needs Python 3.8 or later, and this is %d.%d: put charms.reactive<1.6 into the "
        "wheelhouse of a charm that supports this system" % (sys.version_info[0], sys.version_info[1])
    )

from build_backend import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]
