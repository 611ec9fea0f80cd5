from charms_reactive.patterns import *
