"""Clients: when they send which script with which keys."""
