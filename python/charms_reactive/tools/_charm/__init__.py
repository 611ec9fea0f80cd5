"""One reading of a charm, of which the tools are made: its handlers, its flags, and what it declares."""
