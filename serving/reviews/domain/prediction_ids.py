"""Ids of predictions: they hold what was predicted, signed, so that nothing is stored until somebody asks for it.

An id holds the publication, the probability, the language, the moment and a digest of the text. Feedback is believed only
for what this service predicted, and a text only where it is the one that was predicted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

# Publication (8 bytes), probability (8), language (8), milliseconds (8), digest of the text (12).
_LAYOUT: Final = struct.Struct(">Qd8sQ12s")
DIGEST_PLACE: Final = 32
DIGEST_SIZE: Final = 12
_SIGNATURE_BYTES: Final = 16
ID_PATTERN: Final = r"^[A-Za-z0-9_-]{80}$"


@dataclass(frozen=True)
class Predicted:
    """What an id says."""

    publication: str
    probability: float
    language: str
    text_digest: bytes

    @property
    def label(self) -> str:
        """Return the label that was predicted."""
        return "positive" if self.probability >= 0.5 else "negative"


def digest_of(text: str) -> bytes:
    """Return the digest by which an id knows its text."""
    return hashlib.sha256(text.encode()).digest()[:DIGEST_SIZE]


def digest_in(prediction: str) -> bytes:
    """Return the digest of the text of an id that this service has read before."""
    content = base64.urlsafe_b64decode(prediction + "=" * (-len(prediction) % 4))
    return bytes(_LAYOUT.unpack(content[:-_SIGNATURE_BYTES])[-1])


class PredictionIds:
    """Makes and reads ids with one secret."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"prediction ids", "sha256")

    def make(
        self, publication: str, probability: float, language: str, text: str, made_at: datetime | None = None
    ) -> str:
        """Return the id of a prediction that was made now, or at a moment.

        A review's has always the same id, so that an account has one opinion of it.
        """
        moment = int((time.time() if made_at is None else made_at.timestamp()) * 1000)
        number = int(publication.replace("T", ""))
        content = _LAYOUT.pack(number, probability, language.encode()[:8], moment, digest_of(text))
        return base64.urlsafe_b64encode(content + self._signature(content)).decode().rstrip("=")

    def read(self, prediction: str) -> Predicted | None:
        """Return what an id says, or None where it is not one of this service."""
        try:
            content = base64.urlsafe_b64decode(prediction + "=" * (-len(prediction) % 4))
        except (binascii.Error, ValueError):
            return None
        content, signature = content[:-_SIGNATURE_BYTES], content[-_SIGNATURE_BYTES:]
        if len(content) != _LAYOUT.size or not hmac.compare_digest(signature, self._signature(content)):
            return None
        number, probability, language, _, text_digest = _LAYOUT.unpack(content)
        stamp = f"{number:014d}"
        return Predicted(f"{stamp[:8]}T{stamp[8:]}", probability, language.rstrip(b"\0").decode(), text_digest)

    def _signature(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")[:_SIGNATURE_BYTES]
