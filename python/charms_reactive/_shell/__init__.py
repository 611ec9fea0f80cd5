"""Handlers in bash: what their scripts declare, and running them; imports what runs any executable."""
