from charms_reactive.external import *
