"""`warehouse explain` of a total: what it consists of, and the query of every part."""

from orchestration.explain.totals.gather import Question, explain

__all__ = ["Question", "explain"]
