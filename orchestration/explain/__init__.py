"""One execution, explained: where each of its figures comes from, and whether it holds."""
