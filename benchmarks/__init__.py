"""What `make bench` runs: how fast events land and how long builds take, on this machine."""
