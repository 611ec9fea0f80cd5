"""Floor dispatch: what handlers wait for and what a hook does, beside ``bus``; knows no relations."""
