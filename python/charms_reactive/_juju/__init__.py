"""Floor Juju: hookenv, hook tools, settings, log; imports nothing of ours but the errors."""
