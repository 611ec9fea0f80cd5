"""Flags, conditions, triggers, and the dispatch as a state machine; of ours it imports the errors alone.

There are two engines and one interface, ``_native.pyi``. The one in Rust is held to it by
``mypy.stubtest``, the one in Python, ``pure``, which is the reference, by
``tests/engine/test_interface.py``. Random programs run on both and on a third, naive model, written from
the documents; every result, exception and observable state is compared after each call
(``tests/engine/test_property.py``), and engines with one rule wrong each have to be found out
(``mutants.py``). ``choice`` takes one when the package is imported; one that is broken or stale is an
error, never a reason for the other.
"""
