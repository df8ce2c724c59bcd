"""Recordings of clients' traffic: made, imported, read, summed up."""
