"""The engine, tested on each of its implementations and against a model of it."""
