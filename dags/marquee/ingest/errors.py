"""Define the one error that ingest raises on purpose."""

from __future__ import annotations


class IngestError(Exception):
    """Refuse a source or a stored snapshot.

    The message says what is wrong, why, and what to do next. ``may_pass`` says that the same call may succeed later,
    as after a failed download. Characters that can't be printed are escaped: names of files and columns may have them.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        super().__init__("".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in message))
        self.may_pass = may_pass
