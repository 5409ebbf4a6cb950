"""How long everything stays: months are sealed, details leave, landed events go to an archive."""
