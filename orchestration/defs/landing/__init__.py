"""What lands: the folder that is watched, and one asset per raw table."""
