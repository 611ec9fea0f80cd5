"""``charms_reactive`` for type checkers, which do not see that the two names are one package at run time.

Each file beside this one is a module of ``charms_reactive`` under its other name; they are never imported.
"""

from charms_reactive import *
from charms_reactive import __version__ as __version__
