from charms_reactive.discovery import *
