from charms_reactive._relations.conversations import ALL as ALL
from charms_reactive._relations.conversations import TOGGLE as TOGGLE
from charms_reactive._relations.conversations import Conversation as Conversation
from charms_reactive.relations import *
from charms_reactive.relations import AutoAccessors as AutoAccessors
from charms_reactive.relations import RelationFactory as RelationFactory
from charms_reactive.relations import relation_call as relation_call
from charms_reactive.relations import relation_factory as relation_factory
from charms_reactive.relations import relation_from_name as relation_from_name
