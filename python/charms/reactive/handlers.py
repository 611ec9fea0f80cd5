from charms_reactive.handlers import *
