from charms_reactive.patterns.request_response import *
