"""Serving a simulated cluster to real clients: sockets, the machine's clock, recordings of both."""
