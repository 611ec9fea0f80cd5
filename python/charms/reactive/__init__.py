"""The name under which charms import ``charms_reactive``; see ``charms_reactive._alias``."""

import charms_reactive as charms_reactive
