"""The price book compared with price lists, and rows that bring it up to date."""
