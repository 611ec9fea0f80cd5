"""``charms.reactive lint``: rules over a charm that was read, and how what they find is told."""
