"""Bring MovieLens's files: download an archive, read those of a Python package, join ratings of the accounts service."""
