"""Floor unit state: rows, transactions and undo, and who holds them; imports the engine and the errors."""
