from charms_reactive.bus import *
from charms_reactive.bus import State as State
from charms_reactive.bus import StateList as StateList
from charms_reactive.bus import get_state as get_state
from charms_reactive.bus import get_states as get_states
from charms_reactive.bus import remove_state as remove_state
from charms_reactive.bus import set_state as set_state
