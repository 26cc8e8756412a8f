"""Accounts and ratings: a Flask application of its own, so that the recommendation API stays read-only."""
