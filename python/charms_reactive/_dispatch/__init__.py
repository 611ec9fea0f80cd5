"""What a hook does and what handlers wait for, beside ``bus`` and ``handlers``; knows nothing of relations."""
