"""The versioned store of one node."""
