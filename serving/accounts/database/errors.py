"""The error of the accounts service's programs."""


class AccountsError(Exception):
    """Tell why the service or one of its programs cannot do its work, and what the operator must do next."""
