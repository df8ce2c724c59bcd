"""Benchmarks of the simulator itself."""
