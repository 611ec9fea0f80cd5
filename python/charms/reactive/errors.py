from charms_reactive.errors import *
