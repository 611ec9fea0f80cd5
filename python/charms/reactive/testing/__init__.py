from charms_reactive.testing import *
