"""Cursors: where a page of reviews ended, in a text that clients hand back as it is."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from serving.reviews.domain import problems
from serving.web.problems import ProblemError

Order = Literal["newest", "helpful"]


@dataclass(frozen=True)
class Cursor:
    """The last review of a page: its place in the order, and its id."""

    order: Order
    place: datetime | int
    review_id: int

    def text(self) -> str:
        """Return the cursor as clients see it."""
        place = self.place.isoformat() if isinstance(self.place, datetime) else self.place
        content = json.dumps([self.order, place, self.review_id], separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, order: Order) -> Cursor:
        """Return the cursor of a text. Raises the problem bad-cursor for any other text."""
        try:
            found, place, review_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if found != order or type(review_id) is not int or not 0 < review_id < 1 << 63:
                raise ValueError(found)
            if order == "newest":
                moment = datetime.fromisoformat(place)
                if moment.tzinfo is None:
                    raise ValueError(place)
                return cls(order, moment, review_id)
            if type(place) is not int or not 0 <= place < 1 << 31:
                raise ValueError(place)
            return cls(order, place, review_id)
        except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
            raise ProblemError(problems.BAD_CURSOR, problems.BAD_CURSOR.meaning) from None
