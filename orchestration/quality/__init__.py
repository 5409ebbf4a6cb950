"""Great Expectations over the warehouse: rules, how they run, and what they found."""
