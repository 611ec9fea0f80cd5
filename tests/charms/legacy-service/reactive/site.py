"""One site for every application that wants it."""

from telling import tell

from charms.reactive import endpoint_from_flag, endpoint_from_name, scopes, when


@when("website.available")
def configure(website):
    website.configure(8080)
    tell(sorted(conversation.scope for conversation in website.conversations()), scopes.SERVICE)


@when("website.path")
def path(website):
    same = endpoint_from_flag("website.path")
    tell("path", [each.scope for each in same.conversations()], type(endpoint_from_name("website")).__name__)
    conversation = same.conversation(same.conversations()[0].scope)
    tell(conversation.relation_name, conversation.relation_ids, conversation.namespace)
