"""A simulated model: applications, units and relations, and the order of their hooks."""
