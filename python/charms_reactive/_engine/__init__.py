"""Floor engine: flags, conditions, triggers and the dispatch as a state machine; imports the errors alone."""
