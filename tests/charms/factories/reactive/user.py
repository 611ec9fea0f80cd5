"""Uses both."""

from telling import tell

from charms.reactive import endpoint_from_flag, endpoint_from_name, set_flag, when, when_not
from charms.reactive.relations import relation_factory, relation_from_name


@when("api.ready")
def ready(api):
    tell("ready", type(api).__name__, api.ids())


@when("api.triggered")
def triggered():
    tell("triggered", type(endpoint_from_flag("api.triggered")).__name__)


@when_not("website.acted")
def act():
    endpoint_from_name("website").act()
    tell(relation_factory("website").__name__, relation_from_name("website").__class__.__name__)


@when("website.acted")
def acted(*relations):
    tell("acted", [type(each).__name__ for each in relations])
    set_flag("done")
