"""Define the mapping file: what it may say, how it is read, how it is written."""
