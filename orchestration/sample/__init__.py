"""Believable events for demos, tests and benchmarks."""
