from charms_reactive.decorators import *
