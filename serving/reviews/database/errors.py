"""The error of the reviews service's database."""


class DatabaseError(Exception):
    """The database cannot be used as it is set.

    The message says why, and what to do next.
    """
