"""Ratings in parts that follow from the data, and what each part adds to a training."""
