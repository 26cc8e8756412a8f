"""Open archives, packed files and folders as named streams of bytes, without unpacking them to disk."""
