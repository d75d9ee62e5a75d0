"""A part of anything array-like becomes NumPy, within bounds of memory and time."""
