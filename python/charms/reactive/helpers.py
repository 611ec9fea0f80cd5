from charms_reactive.helpers import *
