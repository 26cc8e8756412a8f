"""Staging and production: two instances of the platform, each with a version, a state and a ledger of its own."""
