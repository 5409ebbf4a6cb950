"""How fast executions are priced, and what correcting a price costs."""
