from charms_reactive.events import *
