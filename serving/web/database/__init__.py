"""What every service with a database of its own needs."""
