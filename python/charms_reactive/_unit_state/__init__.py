"""The one place that knows ``unitdata.kv()``: rows, freshness, transactions, undo; imports the engine.

``rows`` lists every row that the framework keeps.
"""
