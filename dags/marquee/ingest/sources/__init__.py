"""Read a data set from where it is kept: an archive, a folder, an address, a package.

Each module gives a ``Source`` (source.py). A reader of another format is one more module here.
"""
