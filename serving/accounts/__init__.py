"""The accounts service: users, their ratings, and the export for the nightly run.

It is a Flask application of its own, so that the recommendation API stays read-only.
"""
