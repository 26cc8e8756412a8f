"""The publication store, its file format and its program; nothing of any service."""
