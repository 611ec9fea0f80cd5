"""A simulated unit: its charm, its states as values, and the hooks that it runs."""
