"""Labelled reviews: readers, cleaning rules and the split; standard library and NumPy alone."""
