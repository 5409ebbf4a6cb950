"""The design of the source documents on the executions of a long history."""
