from charms_reactive.cli import *
