"""The read-only recommendation API and its pages."""
