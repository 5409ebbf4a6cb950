"""How fast the application answers, alone and to many, and whether it ever shows a foreign row."""

PART = "serving"
