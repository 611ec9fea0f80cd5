"""What a unit knows of itself, for people: its last hooks, why they did so, and itself as a state."""
