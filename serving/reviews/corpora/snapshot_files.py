"""Files of a batch: rows as JSON Lines for the snapshot, and tagged rows as the cleaning job writes them.

A row of the snapshot has text, label, language, corpus, file and line. The cleaning job (mr_jobs/mr_clean_reviews.py) adds
its outcome and where the row stands in the snapshot. hql/create_staging_reviews.hql has the columns of its output.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from serving.reviews.corpora.reviews import CorpusError, RawReview, Review
from serving.reviews.corpora.splitting import CALIBRATION, TEST, TRAINING, VALIDATION, Split, split

# A corpus is a file of the snapshot.
_CORPUS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# The reviews of the service come from its own export.
RESERVED = "feedback-reviews"
TAGGED_COLUMNS = (
    *("outcome", "source_file", "byte_offset", "corpus", "corpus_file", "corpus_line"),
    *("label", "language", "changes", "text", "reason", "raw_line"),
)
_NULL = "\\N"
CLEAN, QUARANTINED, SUPERSEDED = "clean", "quarantined", "superseded"


def write_rows(rows: Iterable[RawReview], folder: Path) -> dict[str, Any]:
    """Write a file of JSON Lines for each corpus; return what was written.

    That is name, rows, bytes and SHA-256 of each file. Raises CorpusError for a corpus whose name no file of a snapshot
    can have, and for two rows of one place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, IO[bytes]] = {}
    counts: Counter[str] = Counter()
    seen: set[tuple[str, str, int]] = set()
    with ExitStack() as stack:
        for row in rows:
            if row.corpus not in files:
                _check_name(row.corpus)
                files[row.corpus] = stack.enter_context((folder / f"{row.corpus}.jsonl").open("wb"))
            place = (row.corpus, row.file, row.line)
            if place in seen:
                raise CorpusError(
                    f"Two rows are line {row.line} of {row.file} in the corpus {row.corpus}. Rename one of the files."
                )
            seen.add(place)
            counts[row.corpus] += 1
            # A lone surrogate, which stands for a byte that is no UTF-8, is escaped.
            files[row.corpus].write(json.dumps(_as_object(row)).encode("ascii") + b"\n")
    written = []
    for corpus in sorted(files):
        path = folder / f"{corpus}.jsonl"
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        written.append({"name": path.name, "rows": counts[corpus], "bytes": path.stat().st_size, "sha256": sha256})
    return {"files": written}


def _check_name(corpus: str) -> None:
    if not _CORPUS.fullmatch(corpus) or corpus == RESERVED:
        raise CorpusError(
            f"{corpus!r} can't name a corpus. Rename the file: its name up to the first point has letters, digits, _, "
            f"- alone, 64 at most, and is not {RESERVED}."
        )


def _as_object(row: RawReview) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("text", "label", "language", "corpus", "file", "line")}


@dataclass(frozen=True)
class Tagged:
    """The rows of a batch after cleaning.

    `places` says where each clean review stands in the snapshot, by its corpus, file and line.
    """

    reviews: list[Review]
    places: dict[tuple[str, str, int], tuple[str, int]]
    reasons: Counter[str]


def read_tagged(folder: Path) -> Tagged:
    """Return the rows that the cleaning job wrote to a folder. Raises CorpusError."""
    reviews: list[Review] = []
    places: dict[tuple[str, str, int], tuple[str, int]] = {}
    reasons: Counter[str] = Counter()
    for row in _tagged_rows(folder):
        if row["outcome"] != CLEAN:
            reasons[row["reason"]] += 1
            continue
        place = (row["corpus"], row["corpus_file"], int(row["corpus_line"]))
        reviews.append(Review(row["text"], int(row["label"]), row["language"], *place))
        places[place] = (row["source_file"], int(row["byte_offset"]))
    if not reviews:
        raise CorpusError(f"{folder.name} holds no clean review. Look at the reasons in the quarantine.")
    return Tagged(reviews, places, reasons)


def _tagged_rows(folder: Path) -> Iterator[dict[str, str]]:
    for path in sorted(folder.glob("part-*")):
        # splitlines would also split at characters that a text may have.
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            columns = line.split("\t")
            if line and len(columns) != len(TAGGED_COLUMNS):
                raise CorpusError(
                    f"Line {number} of {path.name} has {len(columns)} columns, not {len(TAGGED_COLUMNS)}. Clean the batch again."
                )
            if line:
                yield dict(zip(TAGGED_COLUMNS, columns, strict=True))


def write_parts(tagged: Tagged, seed: int, folder: Path) -> dict[str, Any]:
    """Write the part of each clean row, or why a test text supersedes it.

    Returns the row accounting, the reasons and the sizes of the parts. rows = clean + quarantined + superseded.
    """
    parts = split(tagged.reviews, seed)
    rows = [(*tagged.places[place], part, _NULL) for part, place in _places(parts)]
    reasons = tagged.reasons.copy()
    for item in parts.superseded:
        rows.append((*tagged.places[item.row.corpus, item.row.file, item.row.line], _NULL, item.reason))
        reasons[item.reason] += 1
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join("\t".join(map(str, row)) + "\n" for row in sorted(rows))
    (folder / "part-00000").write_text(text, encoding="utf-8")
    clean, quarantined = sum(parts.sizes().values()), sum(tagged.reasons.values())
    return {
        "rows": len(tagged.reviews) + quarantined,
        CLEAN: clean,
        QUARANTINED: quarantined,
        SUPERSEDED: len(parts.superseded),
        "reasons": dict(sorted(reasons.items())),
        "parts": parts.sizes(),
    }


def _places(parts: Split) -> Iterator[tuple[str, tuple[str, str, int]]]:
    named = {TRAINING: parts.training, CALIBRATION: parts.calibration, VALIDATION: parts.validation, TEST: parts.test}
    for name, reviews in named.items():
        for review in reviews:
            yield name, (review.corpus, review.file, review.line)
