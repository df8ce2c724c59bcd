"""Judges: they see what happened, never the objects that made it happen."""
