"""Read data sets from archives, folders, GroupLens's address or a Python package.

A module here ends in a ``Source`` (source.py). A reader of another format is one more module.
"""
