from charms_reactive.flags import *
from charms_reactive.flags import State as State
from charms_reactive.flags import StateList as StateList
from charms_reactive.flags import get_state as get_state
