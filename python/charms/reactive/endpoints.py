from charms_reactive.endpoints import *
from charms_reactive.endpoints import CachedKeyList as CachedKeyList
from charms_reactive.endpoints import CombinedUnitsView as CombinedUnitsView
from charms_reactive.endpoints import JSONUnitDataView as JSONUnitDataView
from charms_reactive.endpoints import KeyList as KeyList
from charms_reactive.endpoints import RelatedUnit as RelatedUnit
from charms_reactive.endpoints import Relation as Relation
from charms_reactive.endpoints import UnitDataView as UnitDataView
