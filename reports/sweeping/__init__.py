"""Sweeps told: the table, which setting matters, and words for it."""
