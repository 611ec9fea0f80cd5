from charms_reactive.trace import *
