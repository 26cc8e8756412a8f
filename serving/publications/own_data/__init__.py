"""The ids of own data in a publication."""
