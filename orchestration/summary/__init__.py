"""The warehouse in one screen: what landed, what it cost, what it would have cost otherwise."""
