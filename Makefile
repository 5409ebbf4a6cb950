# Thin targets; CI runs the same ones.
