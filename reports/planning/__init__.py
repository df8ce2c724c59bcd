"""Capacity planning: what load a system bears."""
