from . import engine_name as _ours
from charms_reactive.secrets import *
