"""A charm whose suite is run as its maintainer runs it."""

from charm_suite import suite as suite
