"""What customers see: REST and live pages over the marts, each request as its tenant.

Nothing here computes money: every figure comes out of a query in `queries`, which row-level
security keeps to the tenant of the request.
"""
