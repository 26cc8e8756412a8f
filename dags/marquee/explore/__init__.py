"""Describe a MovieLens data set on one HTML page.

Run `make explore`, or `python -m marquee.explore` by hand.
"""
