"""A charm whose suite is run as its maintainer runs it."""

from charm_suite import suite
from framework.conftest import engine_name

__all__ = ["engine_name", "suite"]
