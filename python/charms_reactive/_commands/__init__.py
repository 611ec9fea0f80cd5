"""Commands that are over before the framework would be imported; they import rows, processes and the engine.

``quick`` does in Python what the program ``crates/reactive-command`` does;
``tests/commands/test_property.py`` runs random commands on both and on the framework, and compares all rows
after each. What neither does is in ``cli``.
"""
