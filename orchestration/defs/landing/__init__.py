"""One asset per raw table, with what has landed in it."""
