"""What a hook does and what handlers wait for, beside ``bus`` and ``handlers``; knows no relations."""
