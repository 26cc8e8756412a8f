"""Build a publication from exported tables: read, check, write and build again."""
