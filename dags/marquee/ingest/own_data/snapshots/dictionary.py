"""Give each id of a data set a small integer, the same in every batch.

The dictionary of a data set is a folder in HDFS with numbered files. Each file adds ids and never changes. Its lines are
``kind TAB number TAB id``; the kind is user or item. A run that found new ids writes them under a name of its own and renames
that to the next number. HDFS renames a file to a name only if the name is free, so that no two runs give one number.

The items of each data set have a range of numbers of their own, above MovieLens's. A rating that somebody gave in the accounts
service, while another data set was live, therefore never counts for an item of this one.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from hdfs import HdfsError, InsecureClient

from marquee.ingest.errors import IngestError

IDS_ROOT = "/marquee/ids"
# A file per range, named by its number, that holds the data set's name.
RANGES = f"{IDS_ROOT}/_ranges"
USER, ITEM = "user", "item"
# Above it the accounts service numbers its own users and movies.
LARGEST_NUMBER = 999_999_999
ITEMS_OF_A_RANGE = 20_000_000
READ_ONLY = "444"
LINES_PER_CHUNK = 50_000

Array = np.ndarray[tuple[int], np.dtype[np.int64]]


class Numbers:
    """Hold the numbers of one kind of ids; new ids get the next ones."""

    def __init__(self, kind: str, before: int = 0, most: int = LARGEST_NUMBER) -> None:
        """Begin after the number `before`; there may be `most` ids."""
        self._kind = kind
        self._before = before
        self._most = most
        self._known: dict[str, int] = {}
        self._ids: list[str] = []
        self._stored = 0

    def __len__(self) -> int:
        """Return how many ids have a number."""
        return len(self._ids)

    def restore(self, number: int, own_id: str) -> bool:
        """Take over the next line of the stored dictionary; return whether it fits."""
        if number != self._before + len(self._ids) + 1 or own_id in self._known:
            return False
        self._known[own_id] = number
        self._ids.append(own_id)
        self._stored = len(self._ids)
        return True

    def of(self, ids: np.ndarray[tuple[int], np.dtype[np.object_]]) -> Array:
        """Return the number of each id, in the order in which they come."""
        encoded = pa.array(ids, pa.string()).dictionary_encode()
        numbers = np.array([self.number(one) for one in encoded.dictionary.to_pylist()], dtype=np.int64)
        chosen: Array = numbers[encoded.indices.to_numpy(zero_copy_only=False)]
        return chosen

    def number(self, own_id: str) -> int:
        """Return the number of an id."""
        number = self._known.get(own_id)
        if number is None:
            if len(self._ids) == self._most:
                raise IngestError(
                    f"The data set has over {self._most} different {self._kind}s, which is the limit. Give fewer."
                )
            number = self._before + len(self._ids) + 1
            self._known[own_id] = number
            self._ids.append(own_id)
        return number

    def known(self, own_id: str) -> int | None:
        """Return the number of an id, or None if it has none."""
        return self._known.get(own_id)

    def own_id(self, number: int) -> str:
        """Return the id of a number."""
        return self._ids[number - self._before - 1]

    def added_lines(self) -> Iterator[str]:
        """Yield a line for each id that the stored dictionary lacks."""
        for place in range(self._stored, len(self._ids)):
            yield f"{self._kind}\t{self._before + place + 1}\t{self._ids[place]}\n"

    @property
    def added(self) -> int:
        """Return how many ids the stored dictionary lacks."""
        return len(self._ids) - self._stored


class Dictionary:
    """Hold the numbers of a data set's users and items."""

    def __init__(self, client: InsecureClient, dataset: str) -> None:
        """Read what HDFS has."""
        self._client = client
        self.folder = f"{IDS_ROOT}/{dataset}"
        before = ITEMS_OF_A_RANGE * claim_range(client, dataset)
        self.users, self.items = Numbers(USER), Numbers(ITEM, before, ITEMS_OF_A_RANGE)
        stored = self._stored()
        for name in stored:
            self._read(f"{self.folder}/{name}")
        self._next = len(stored) + 1

    def _stored(self) -> list[str]:
        if self._client.status(self.folder, strict=False) is None:
            return []
        return sorted(name for name in self._client.list(self.folder) if not name.startswith((".", "_")))

    def _read(self, path: str) -> None:
        by_kind = {USER: self.users, ITEM: self.items}
        with self._client.read(path) as reader:
            lines = reader.read().decode("utf-8").split("\n")
        for number, line in enumerate(lines[:-1], 1):
            fields = line.split("\t")
            fits = len(fields) == 3 and fields[0] in by_kind and fields[1].isdecimal()
            if not fits or not by_kind[fields[0]].restore(int(fields[1]), fields[2]):
                raise IngestError(
                    f"{path}, line {number} is no line that the dictionary can have there. Restore the file from a backup."
                )

    def store(self) -> bool:
        """Add the new ids to HDFS; return False if another run added ids meanwhile."""
        if not self.users.added + self.items.added:
            return True
        self._client.makedirs(self.folder)
        fresh = f"{self.folder}/.{uuid.uuid4().hex}.partial"
        self._client.write(fresh, data=_chunks(self.users, self.items), permission=READ_ONLY)
        try:
            # The client's own rename would move the file into a folder of that name.
            self._client._rename(fresh, destination=f"{self.folder}/{self._next:08}.tsv", renameoptions="NONE")
        except HdfsError as error:
            with contextlib.suppress(HdfsError):
                self._client.delete(fresh)
            if len(self._stored()) < self._next:
                raise _refused(self.folder, error) from error
            return False
        return True


def claim_range(client: InsecureClient, dataset: str) -> int:
    """Return the number of the data set's range; claim the next free one first."""
    client.makedirs(RANGES)
    for number in range(1, LARGEST_NUMBER // ITEMS_OF_A_RANGE):
        path = f"{RANGES}/{number:03}"
        if client.status(path, strict=False) is None:
            fresh = f"{RANGES}/.{uuid.uuid4().hex}.partial"
            client.write(fresh, data=dataset.encode("utf-8"), permission=READ_ONLY)
            try:
                client._rename(fresh, destination=path, renameoptions="NONE")
            except HdfsError as error:
                with contextlib.suppress(HdfsError):
                    client.delete(fresh)
                if client.status(path, strict=False) is None:
                    raise _refused(RANGES, error) from error
        with client.read(path) as reader:
            if reader.read() == dataset.encode("utf-8"):
                return number
    raise IngestError(
        f"All ranges of numbers in {RANGES} belong to other data sets. Delete what you no longer need: a data set's folders "
        "and its range, after its last publication is gone."
    )


def _refused(folder: str, error: HdfsError) -> IngestError:
    return IngestError(
        f"HDFS refused to store the dictionary {folder}: {str(error).splitlines()[0]}. Run again.", may_pass=True
    )


def _chunks(*of_kinds: Numbers) -> Iterator[bytes]:
    lines: list[str] = []
    for numbers in of_kinds:
        for line in numbers.added_lines():
            lines.append(line)
            if len(lines) == LINES_PER_CHUNK:
                yield "".join(lines).encode("utf-8")
                lines = []
    yield "".join(lines).encode("utf-8")
