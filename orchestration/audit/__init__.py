"""Who did what to the data, and who tried: a log that is only added to."""
