"""The error of the accounts service's programs."""


class AccountsError(Exception):
    """The service or one of its programs cannot do its work.

    The message says why, and what to do next.
    """
