"""Name every shape of the table in docs/own-data.md."""

from collections.abc import Callable
from pathlib import Path

from tests.shapes import events, scales
from tests.shapes.tastes import OwnData

SHAPES: dict[str, Callable[[Path], OwnData]] = {
    "movielens-spreadsheet": scales.spreadsheet,
    "book-crossing": scales.book_crossing,
    "goodbooks": scales.goodbooks,
    "jester": scales.jester,
    "amazon": scales.amazon,
    "yelp": scales.yelp,
    "steam": events.steam,
    "lastfm": events.lastfm,
    "netflix": scales.netflix,
    "retailrocket": events.retailrocket,
    "kuairec": events.kuairec,
    "anime": scales.anime,
    "recbole": scales.recbole,
    "parquet": scales.parquet,
}
