"""Find the files of a MovieLens archive by the mapping that the product has for it.

They are stored byte for byte: GroupLens's checksums count, and the cleaning jobs read them by position. So the mapping, which
is in the manifest, names each column of a file in its order, and ingest holds the first line to it.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from marquee.ingest.errors import IngestError
from marquee.ingest.inspection import DOCUMENTATION, DataFile
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.mapping.reading import parse_mapping, read_text
from marquee.ingest.reading.mapping.schema import Mapping, Table
from marquee.ingest.reading.rows.reader import first_row, named_by

MAPPINGS = Path(__file__).parent / "mappings"
# What the cleaning jobs call a layout, by the delimiter of its ratings.
JOB_LAYOUTS = {",": "csv", "::": "double_colon", "\t": "tab"}
# The role in a snapshot of a mapping's table, where they differ.
SNAPSHOT_ROLES = {"items": "movies"}
DOCUMENTS = frozenset({"README", "README.TXT", "README.HTML"})
LONGEST_SHOWN = 80


def shipped_mapping(name: str) -> tuple[Mapping, str]:
    """Return a mapping that comes with the product, and its text."""
    path = MAPPINGS / f"{name}.toml"
    text = read_text(path)
    return parse_mapping(text, path.name), text


def movielens_files(members: list[Member], mapping: Mapping, dataset: str, origin: str) -> list[DataFile]:
    """Return the files of an archive that a snapshot stores.

    Raise IngestError with the name of a file that is missing, is there twice, or has another first line than the mapping
    says.
    """
    layout = JOB_LAYOUTS[mapping.ratings.delimiter]
    files = []
    found = {role: _member_of(table, members, dataset, origin) for role, table in mapping.tables.items()}
    for role, table in mapping.tables.items():
        member = found[role]
        if member is None:
            continue
        _check_first_line(member, table, dataset, origin)
        files.append(
            DataFile(
                member.base,
                SNAPSHOT_ROLES.get(role, role),
                member,
                layout,
                table.encoding,
                table.delimiter,
                table.header,
                table.required,
            )
        )
    folder = PurePosixPath(files[0].member.name).parent
    return files + [
        DataFile(member.base, DOCUMENTATION, member)
        for member in members
        if member.base.upper() in DOCUMENTS and PurePosixPath(member.name).parent == folder
    ]


def columns_of(table: Table) -> list[str | int]:
    """Return a table's columns, names or numbers, in the mapping's order."""
    return [*table.columns.values(), *(int(place) for place in table.genre_columns)]


def _member_of(table: Table, members: list[Member], dataset: str, origin: str) -> Member | None:
    found = named_by(table, members)
    if len(found) > 1:
        names = ", ".join(member.name for member in found[:6])
        raise IngestError(f"{origin} holds {len(found)} files named {table.files!r} ({names}). Remove all but one.")
    if not found and table.required:
        held = ", ".join(sorted(member.base for member in members)[:12])
        raise IngestError(f"{origin} has no {table.files} with content, which {dataset} must have. It holds: {held}.")
    return found[0] if found else None


def _check_first_line(member: Member, table: Table, dataset: str, origin: str) -> None:
    fields = first_row(member, table)
    begins = f"{member.base} in {origin} begins with {_shown(table.delimiter.join(fields))}"
    columns = columns_of(table)
    if table.header and fields != columns:
        header = table.delimiter.join(str(name) for name in columns)
        raise IngestError(
            f"{begins} where {dataset} has the header {header!r}. Give the archive that belongs to the data set."
        )
    if not table.header and len(fields) != table.width:
        raise IngestError(
            f"{begins}. It has not the {table.width} fields separated by {table.delimiter!r} that {dataset} has. "
            "Give the archive that belongs to the data set."
        )


def _shown(text: str) -> str:
    return repr(text[:LONGEST_SHOWN] + ("..." if len(text) > LONGEST_SHOWN else ""))
