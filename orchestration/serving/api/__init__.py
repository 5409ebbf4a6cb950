"""REST under `/api/v1`: paths, parameters and documents; every figure is a query's."""
