"""``charms.reactive simulate``: what people type, and what they see."""
