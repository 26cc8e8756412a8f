"""The error of a value that a person gave."""


class SettingsError(Exception):
    """A setting is unknown or can't be used.

    The message names it and what it should be.
    """
