"""The customers' page: HTML that is complete without JavaScript."""
