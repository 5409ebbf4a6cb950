"""Long histories: builds, checks and queries in them, beside other ways to the same rows."""
