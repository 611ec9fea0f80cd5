"""``charms.reactive graph``: handlers, flags, triggers and relations of a charm, as a picture or a page."""
