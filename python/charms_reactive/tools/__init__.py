"""Tools for people who maintain a reactive charm: they read it, and tell what is wrong or will be.

``charms.reactive lint``, ``charms.reactive graph`` and ``charms.reactive check-1.5`` are made of one reading
of the charm. No hook imports anything of this.
"""

from __future__ import annotations
