"""Tables, transactions and migrations of the reviews service."""
