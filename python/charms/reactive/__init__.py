"""The name under which charms import ``charms_reactive``; see ``charms_reactive._alias``."""

import sys as _sys

if "charms_reactive.testing._own_copy" in _sys.modules:
    # Units on the desk came first, and a suite may have put mocks in the place of charmhelpers since.
    from charms_reactive.testing import _own_copy as _own_copy

    _own_copy.part()

import charms_reactive as charms_reactive

charms_reactive._alias.install()
