"""Raft as pure objects: messages in, messages and entries out; no clock, no network."""
