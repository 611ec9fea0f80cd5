"""Installs the distribution in all the ways that units and people do, and records what was seen.

``transcript``  what is written down of an installation, and the table made from that
``room``        where an installation happens: commands without network, without Rust, in a clean environment
``supplies``    what is fetched and built before: sdist, wheels, wheelhouses, pips, setuptools
``checks``      what has to hold after every installation
``ways``        the installations
``systems``     the same on other systems, which debootstrap makes
"""
