"""Figures about the warehouse for Prometheus."""
