"""The corpora that the repository holds; their licences are in embedded/LICENSES.md."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from serving.reviews.corpora.files import read_corpus
from serving.reviews.corpora.reviews import CorpusError, RawReview

FOLDER = Path(__file__).parent / "embedded"
SHA256 = {
    "sentence_polarity": ("sentence_polarity.zip", "6e1ed4405b65c7eabf1d199a7f7c437091ac21da0ea7467b410a74062574566b"),
    "movie_reviews": ("movie_reviews.zip", "a41211ae685019137410268134db6a1a14428c89b671eb83056151a878539008"),
    "nsmc": ("nsmc_balanced_100k.tsv.xz", "bb68cceb2bd4174bda0bea792b9d32d5b1406b01a5819842feb87d6b53cc292b"),
}


def read_embedded(name: str, folder: Path = FOLDER) -> Iterator[RawReview]:
    """Yield the rows of an embedded corpus.

    Raises CorpusError for an unknown name and for a file with another content than the repository's.
    """
    if name not in SHA256:
        raise CorpusError(f"There is no embedded corpus {name}. Take one of {', '.join(SHA256)}.")
    file, sha256 = SHA256[name]
    path = folder / file
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise CorpusError(f"{file} is missing or is not the file of the repository. Restore it with git checkout.")
    if name == "nsmc":
        yield from read_corpus(path, language="ko", corpus=name)
    elif name == "sentence_polarity":
        yield from _sentences(path, name)
    else:
        yield from _reviews(path, name)


def _sentences(path: Path, corpus: str) -> Iterator[RawReview]:
    """Yield a row for each line of two files, one of each label."""
    with zipfile.ZipFile(path) as archive:
        for member, label in (("rt-polarity.neg", "0"), ("rt-polarity.pos", "1")):
            lines = archive.read(f"sentence_polarity/{member}").decode("utf-8").split("\n")
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield RawReview(line.strip(), label, "en", corpus, member, number)


def _reviews(path: Path, corpus: str) -> Iterator[RawReview]:
    """Yield a row for each file of two folders, one of each label."""
    with zipfile.ZipFile(path) as archive:
        for member in sorted(archive.namelist()):
            folder, _, file = member.removeprefix(f"{corpus}/").partition("/")
            if file and folder in ("neg", "pos"):
                text = archive.read(member).decode("utf-8")
                yield RawReview(text, "1" if folder == "pos" else "0", "en", corpus, f"{folder}/{file}", 1)
