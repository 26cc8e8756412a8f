"""Say in lines of text what an archive holds and how it would be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from marquee.ingest.own_data.inspection.propose import Proposal
from marquee.ingest.own_data.inspection.tables import FoundTable
from marquee.ingest.own_data.inspection.tried import Tried
from marquee.ingest.reading.columns.profiles import Column
from marquee.ingest.reading.columns.roles import Role
from marquee.ingest.reading.columns.times import OTHER_ORDERS
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.mapping.schema import Mapping
from marquee.ingest.reading.rows.advice import advice_for

NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "::": "two colons", " ": "blank", "\x01": "control-A"}
MOST_CELL = 24
MOST_FILES = 12
REASONS_SHOWN = 3


def shown(text: str, most: int = MOST_CELL) -> str:
    """Return a text for a terminal: no control characters, and cut."""
    safe = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    return safe if len(safe) <= most else safe[: most - 3] + "..."


def files_part(members: list[Member]) -> Iterator[str]:
    """Yield a line for each file: name, size, packing."""
    yield "Files"
    for member in members[:MOST_FILES]:
        size = f"{member.size:,} bytes" if member.size is not None else f"{member.packed_size or 0:,} bytes packed"
        yield f"  {shown(member.name, 60):<40} {size:>22}  {member.packing or 'not packed'}"
    if len(members) > MOST_FILES:
        yield f"  and {len(members) - MOST_FILES} more"


def table_part(role: str, found: FoundTable, roles: dict[str, Role], mapping: Mapping) -> Iterator[str]:
    """Yield what a table is: shape, encoding, delimiter, header, columns with roles."""
    table = mapping.tables[role]
    rows = found.about_rows
    about = "" if found.rows is not None or found.sample.is_whole_file else "about "
    yield f"{'Ratings or events' if role == 'ratings' else 'Items'}: {table.files}"
    yield f"  shape      {found.shape}" + (f", {about}{rows:,} lines" if rows is not None else "")
    if not found.sample.reached_end:
        yield "  sample     from the start and the middle: unpacking up to the end would take too long"
    if found.shape != "parquet":
        yield f"  encoding   {found.encoding.name} ({_sureness(found.encoding.sure)})"
        if not found.encoding.sure and found.encoding.example:
            yield f"             reads: {shown(found.encoding.example, 70)}"
            if found.encoding.others:
                yield f"             {', '.join(found.encoding.others)} would read it too; `encoding` in the mapping decides"
    if found.shape in ("delimited", "matrix", "item-blocks"):
        dialect = found.dialect.dialect
        quote = f", quote {dialect.quote} ({dialect.escape})" if dialect.quote else ", no quotes"
        yield (
            f"  delimiter  {NAMES.get(dialect.delimiter, dialect.delimiter)}{quote}, {found.dialect.fields} columns "
            f"({_sureness(found.dialect.sure)})"
        )
        if found.shape != "item-blocks":
            yield f"  header     {'yes' if found.header else 'none'} ({_sureness(found.header_sure)})"
    if found.repeated_names:
        yield f"  columns    the name {found.repeated_names[0]!r} repeats, so the mapping has numbers"
    yield from _columns(found, roles, table.first_item)


def _columns(found: FoundTable, roles: dict[str, Role], first_item: int) -> Iterator[str]:
    if found.shape == "matrix":
        yield f"  columns    {len(found.columns)}, of which each from the {first_item}. on is an item"
        return
    by_place = {given.column.place: (role, given) for role, given in roles.items()}
    for column in found.columns[:40]:
        example = shown(next(iter(column.present), ""), 30)
        if column.place in by_place:
            role, given = by_place[column.place]
            sure = "sure" if given.sure else f"guessed: {given.why}"
            if role == "time" and given.sure and column.unit and not column.unit[1]:
                sure = f"guessed: {OTHER_ORDERS}"
            yield f"  {shown(column.name):<24} {role:<7} {_about(role, given):<34} e.g. {example}  ({sure})"
        else:
            yield f"  {shown(column.name):<24} other   {_why_not_used(column, roles):<34} e.g. {example}"
    if len(found.columns) > 40:
        yield f"  and {len(found.columns) - 40} more columns"


def _why_not_used(column: Column, roles: dict[str, Role]) -> str:
    """Return why a column has no role: a rating or time has a reason of its own."""
    if column.is_index:
        return "numbers the rows"
    if not column.present:
        return "empty"
    named = column.known_as[0] if column.known_as else ""
    if named == "value" and named not in roles:
        return "not used: few of it are numbers"
    if named == "time" and named not in roles:
        return "not used: no form of time known"
    if column.unit is not None and "time" not in roles and not column.unit[0].startswith("%Y%m%d"):
        return "not used, but reads as times"
    return "not used"


def _about(role: str, given: Role) -> str:
    column = given.column
    gaps = f", {column.share_missing:.0%} empty" if column.share_missing > 0 else ""
    if role in ("user", "item"):
        return f"ids: {column.id_kind}{gaps}"
    if role == "time" and column.unit:
        return f"unit: {column.unit[0]}{gaps}"
    if role == "event":
        return f"{column.distinct} names{gaps}"
    return gaps.removeprefix(", ")


def _sureness(sure: bool) -> str:
    return "sure" if sure else "guessed"


def values_part(mapping: Mapping, tried: Tried) -> Iterator[str]:
    """Yield scale, events and span."""
    values = mapping.values
    if values.has_scale:
        seen = f"; {', '.join(f'{mark:g}' for mark in values.seen)} means seen, not rated" if values.seen else ""
        step = f" in steps of {values.step:g}" if values.step else ""
        yield f"Scale: ratings from {values.lowest:g} to {values.highest:g}{step}{seen}"
    elif "value" in mapping.ratings.columns or mapping.ratings.shape == "matrix":
        yield "Scale: strengths of zero and more, without an upper end"
    if mapping.events:
        yield "Events: " + ", ".join(f"{shown(name)} {weight:g}" for name, weight in mapping.events.items())
    if "time" in mapping.ratings.columns:
        yield f"Span of the sample: {tried.span or 'no time could be read'} (unit: {mapping.time})"
    else:
        yield "No times: nothing decays, and a test cannot hide the future"


def rows_part(tried: Tried) -> Iterator[str]:
    """Yield ten rows as they read, and what became of the sample."""
    yield "The first rows as they would be read"
    head = ("user", "item", "value", "time", "event")
    cells = [head, *((*map(shown, row),) for row in tried.first_rows)]
    used = [place for place in range(len(head)) if place < 2 or any(row[place] for row in cells[1:])]
    widths = {place: max(len(row[place]) for row in cells) for place in used}
    for row in cells:
        yield "  " + "  ".join(f"{row[place]:<{widths[place]}}" for place in used).rstrip()
    seen = f", {tried.seen:,} of them seen without a value" if tried.seen else ""
    yield (
        f"Of {tried.total:,} rows in the sample, {tried.kept:,} would be kept{seen} and {tried.rejected:,} quarantined "
        f"({tried.share_rejected:.1%})"
    )
    yield from reasons_part(tried)


def reasons_part(tried: Tried) -> Iterator[str]:
    """Yield the three commonest reasons, each with a row and what would help."""
    for reason, count in tried.reasons.most_common(REASONS_SHOWN):
        example = tried.examples[reason]
        yield f"  {count:,} {reason}: {shown(example.text, 80)}"
        yield f"    {advice_for(reason)}"


def report(members: list[Member], proposal: Proposal, tried: Tried) -> Iterable[str]:
    """Yield all lines of the report of a proposal."""
    yield from files_part(members)
    yield ""
    yield from table_part("ratings", proposal.ratings, proposal.roles, proposal.mapping)
    if "items" in proposal.mapping.tables:
        yield ""
        yield from table_part("items", proposal.items or proposal.ratings, proposal.item_roles, proposal.mapping)
    if proposal.unused:
        yield ""
        yield f"Not used: {', '.join(shown(name, 60) for name in proposal.unused)}"
    yield ""
    yield from values_part(proposal.mapping, tried)
    yield ""
    yield from rows_part(tried)
