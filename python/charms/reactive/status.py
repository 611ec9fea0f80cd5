from charms_reactive.status import *
