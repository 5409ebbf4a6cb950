"""Adapters that turn the logs of real tools into the warehouse's events, one module a tool."""
