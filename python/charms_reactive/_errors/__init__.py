"""The errors, which any module may import: those that any hook may raise, and those of rarer features."""
