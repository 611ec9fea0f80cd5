"""``charms_reactive`` for type checkers, which do not see that the two names are one package at run time.

Each file beside this one is a module of ``charms_reactive`` under its other name, and is never imported. They
are no stubs, since pyright warns of a stub for which it finds no source.

One thing can import them: 1.5.3, where pip has put it over this package and removed nothing, as it does for
layer:basic without an environment. So those that 1.5.3 has not begin with a name that it lacks, and whoever
tries to import them there sees an ImportError; ``patterns`` is what it is in both.
"""

from charms_reactive import *
from charms_reactive import __version__ as __version__

from . import bus as bus
from . import decorators as decorators
from . import endpoints as endpoints
from . import errors as errors
from . import events as events
from . import flags as flags
from . import handlers as handlers
from . import helpers as helpers
from . import patterns as patterns
from . import records as records
from . import relations as relations
from . import secrets as secrets
from . import status as status
from . import trace as trace
