"""What ``relations`` and ``endpoints`` consist of, of either kind; imports events and what is below them."""
