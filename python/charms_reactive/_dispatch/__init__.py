"""Floor dispatch: what handlers wait for and what a hook does, beside ``handlers`` and ``bus``; knows no relations."""
