"""The REST documents by GraphQL: a client picks the parts that it wants."""
