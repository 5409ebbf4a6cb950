"""What leaves the warehouse: sealed history, the archive of events, documentation, metrics."""
