from charms_reactive.records import *
