"""Rules for passwords (OWASP ASVS 5.0, V6.2), and their hashes (Argon2id).

A password has at least 8 characters, of any kind, and is neither common nor easily guessed (6.2.1, 6.2.4, 6.2.5,
6.2.11). At least 64 characters are possible (6.2.9). The service takes passwords as they come, without trimming or
change of case (6.2.8).
"""

from __future__ import annotations

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from serving.accounts.domain import problems
from serving.web.problems import ProblemError

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 200
# On zxcvbn's scale of 0 to 4: more than 10^8 guesses. Each password of its list of common ones has 0 or 1.
_MIN_SCORE: Final = 3
# The beginning of a longer password is enough to judge it. Judging takes time that grows with the square of the length.
_JUDGED: Final = 72
_OWN_WORDS: Final = ("marquee", "movielens", "movie", "recommendations")

# OWASP's first choice for Argon2id: 19 MiB, two passes, one lane; some 20 ms.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verified where there is no account, so that both answers take the same time.
_NOBODY: Final = _hasher.hash("a password that nobody has")


def check_allowed(password: str, name: str) -> None:
    """Raise a problem unless a password may be chosen for an account of this name."""
    if len(password) < MIN_LENGTH:
        raise ProblemError(
            problems.WEAK_PASSWORD,
            f"The password has {len(password)} characters; give at least {MIN_LENGTH}.",
            {"suggestions": []},
        )
    judged = zxcvbn(password[:_JUDGED], user_inputs=[name, *_OWN_WORDS])
    if judged["score"] < _MIN_SCORE:
        feedback = judged["feedback"]
        reason = feedback["warning"] or "This password is easily guessed."
        raise ProblemError(problems.WEAK_PASSWORD, reason, {"suggestions": feedback["suggestions"]})


def hash_password(password: str) -> str:
    """Return the Argon2id hash, with its salt and parameters."""
    return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Return whether a password is that of a hash.

    None, for no account, takes as long and gives False.
    """
    try:
        _hasher.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Return whether a hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)
