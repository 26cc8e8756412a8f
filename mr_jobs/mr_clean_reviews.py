"""Clean labelled reviews on YARN; tag each row clean or quarantined.

    python mr_jobs/mr_clean_reviews.py -r hadoop 'hdfs:///marquee/raw/reviews/B/*.jsonl' \
        --output-dir hdfs:///marquee/clean/reviews/B/reviews

The input is JSON Lines, as `python -m serving.reviews.corpora rows` writes it. Output columns: outcome, source_file,
byte_offset, corpus, corpus_file, corpus_line, label, language, changes, text, reason, raw_line. No row is superseded here: which
reviews repeat a test text is known after the split (`python -m serving.reviews.corpora split`).

The rules are those of serving/reviews/corpora/cleaning.py, which the job takes along to the cluster.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from pathlib import Path
from typing import ClassVar

from cleaning_job import KEY_SEPARATOR, NULL, CleaningJob
from field_rules import RejectedRowError

from serving.reviews.corpora.cleaning import clean_row
from serving.reviews.corpora.reviews import RawReview, Rejected

REPOSITORY = Path(__file__).resolve().parent.parent
# The modules that the rules are made of; none needs more than the standard library.
RULES = (
    *("serving/__init__.py", "serving/reviews/__init__.py"),
    *(f"serving/reviews/corpora/{name}.py" for name in ("__init__", "cleaning", "reviews")),
    *(f"serving/reviews/model/{name}.py" for name in ("__init__", "languages", "normalising")),
)
FIELDS = {"text": str, "label": str, "language": str, "corpus": str, "file": str, "line": int}
NOT_A_ROW, NULL_MARKER = "not_a_row", "null_marker"


class MRCleanReviews(CleaningJob):
    """Tag rows of reviews; key: corpus, file and line, which no two rows share."""

    columns = 7
    layouts: ClassVar[tuple[str, ...]] = ("json_lines",)

    def dirs(self) -> list[str]:
        """Return a folder of the rules' modules, which mrjob unpacks for each task."""
        if self.options.runner != "hadoop":
            return []
        folder = tempfile.mkdtemp(prefix="marquee-rules-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for name in RULES:
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, target)
        return [f"{folder}/serving#serving"]

    def parse(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return corpus, file and line; 0; and the rest, or raise RejectedRowError.

        The rest is label, language, changes, text.
        """
        review, changes = clean_row(_row_of(line))
        if isinstance(review, Rejected):
            raise RejectedRowError(review.reason)
        if review.text.encode() == NULL:
            raise RejectedRowError(NULL_MARKER)
        key = KEY_SEPARATOR.join((_word(review.corpus), _word(review.file), b"%d" % review.line))
        rest = [b"%d" % review.label, _word(review.language), "|".join(changes).encode(), review.text.encode()]
        return key, b"0", b"\t".join(rest)

    @staticmethod
    def join_columns(key: bytes, precedence: bytes, rest: bytes) -> bytes:
        """Return corpus, corpus_file, corpus_line, label, language, changes, text."""
        return b"%b\t%b" % (key.replace(KEY_SEPARATOR, b"\t"), rest)


def _row_of(line: bytes) -> RawReview:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise RejectedRowError(NOT_A_ROW) from None
    if not isinstance(row, dict) or any(not isinstance(row.get(name), kind) for name, kind in FIELDS.items()):
        raise RejectedRowError(NOT_A_ROW)
    return RawReview(**{name: row[name] for name in FIELDS})


def _word(name: str) -> bytes:
    """Return a name without characters that would end a column."""
    return "".join(letter if letter.isprintable() else "?" for letter in name).encode("utf-8", "replace")


if __name__ == "__main__":
    MRCleanReviews.run()
