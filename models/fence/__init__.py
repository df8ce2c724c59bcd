"""The read fences that are compared."""
