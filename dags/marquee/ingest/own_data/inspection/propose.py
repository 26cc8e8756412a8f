"""Propose a mapping from what the files of an archive hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.columns.names import STRENGTHS, WEIGHTS, plain
from marquee.ingest.own_data.columns.roles import Role, find_roles
from marquee.ingest.own_data.columns.values import MISSING, find_scale
from marquee.ingest.own_data.containers.members import Member
from marquee.ingest.own_data.inspection.tables import FoundTable, look_at, pattern_of
from marquee.ingest.own_data.mapping.schema import Mapping, Table, Values

DOCUMENTS = (".md", ".html", ".htm", ".pdf", ".txt.asc", ".png", ".jpg", ".py", ".ipynb", ".toml", ".yaml", ".yml")
MOST_LOOKED_AT = 40
SHARE_OF_NONE = 0.05


@dataclass
class Proposal:
    """Hold a proposed mapping, what of it is guessed, and what the files hold.

    ``guessed`` has a remark by table and key of the mapping. ``roles`` are those of the rating's table.
    """

    mapping: Mapping
    guessed: dict[tuple[str, str], str]
    ratings: FoundTable
    roles: dict[str, Role]
    items: FoundTable | None = None
    item_roles: dict[str, Role] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


def look_at_all(members: list[Member]) -> tuple[list[FoundTable], dict[str, str]]:
    """Return a table for each file or family of parts, and why others are none.

    Of parts with equal columns the first is looked at.
    """
    families: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        if not member.base.lower().endswith(DOCUMENTS):
            families[pattern_of(member.name)].append(member)
    tables, others = [], {member.name: "no data" for member in members if member.base.lower().endswith(DOCUMENTS)}
    for parts in list(families.values())[:MOST_LOOKED_AT]:
        found = look_at(parts[0])
        if found is None:
            others.update(dict.fromkeys((part.name for part in parts), "no table"))
        else:
            tables.append(found)
    return tables, others


def propose(members: list[Member]) -> Proposal:
    """Return a proposal; raise IngestError if no file has users and items."""
    tables, others = look_at_all(members)
    roles = {table.member.name: _roles(table) for table in tables}
    rated = [table for table in tables if _has_users_and_items(table, roles[table.member.name])]
    if not rated:
        seen = "; ".join(
            f"{table.member.name} ({', '.join(c.name for c in table.columns[:8])})" for table in tables[:5]
        )
        raise IngestError(
            f"No file has a user and an item in each row. Found: {seen or ', '.join(list(others)[:8]) or 'nothing'}. "
            "Give an archive of ratings or events, or write a mapping as docs/own-data.md shows."
        )
    best = max(rated, key=lambda table: _worth(table, roles[table.member.name]))
    items = max(
        (table for table in tables if table is not best and _describes_items(roles[table.member.name])),
        key=lambda table: (
            "title" in roles[table.member.name],
            roles[table.member.name]["item"].column.name == roles[best.member.name].get("item", _NOBODY).column.name,
            table.member.size or 0,
        ),
        default=None,
    )
    return _proposal(best, items, roles, members, tables)


class _Nobody:
    class column:  # noqa: N801
        name = ""


_NOBODY = _Nobody()


def _roles(table: FoundTable) -> dict[str, Role]:
    if table.shape == "matrix":
        return {}
    if table.shape != "item-blocks":
        return find_roles(table.columns)
    item = table.columns[-1]
    # Within a block there is no item: the first column is the user.
    roles = find_roles([*table.columns[:1], *table.columns[1:-1]])
    roles.pop("event", None)
    found = {"item": Role(item, sure=True, why="the heading of each block")}
    for role, given in roles.items():
        if role in ("user", "value", "time"):
            found[role] = given
        elif role == "item":
            found["value"] = given
    return found


def _has_users_and_items(table: FoundTable, roles: dict[str, Role]) -> bool:
    return table.shape == "matrix" or ("user" in roles and "item" in roles)


def _describes_items(roles: dict[str, Role]) -> bool:
    return "item" in roles and "user" not in roles and bool({"title", "genres", "year"} & set(roles))


def _worth(table: FoundTable, roles: dict[str, Role]) -> tuple[float, ...]:
    named = "rating" in table.member.base.lower() or "event" in table.member.base.lower()
    sure = sum(roles[role].sure for role in ("user", "item") if role in roles)
    return (
        sure,
        ("value" in roles) + ("event" in roles) + (table.shape == "matrix"),
        named,
        "time" in roles,
        float(table.sample.size or 0),
    )


def _proposal(
    best: FoundTable,
    items: FoundTable | None,
    roles: dict[str, dict[str, Role]],
    members: list[Member],
    tables: list[FoundTable],
) -> Proposal:
    found = roles[best.member.name]
    guessed: dict[tuple[str, str], str] = {}
    used = {role: given for role, given in found.items() if role in ("user", "item", "value", "time", "event")}
    if "time" in used and "value" in used and used["value"].column is used["time"].column:
        used.pop("time")
    mapped = {"ratings": _table("ratings", best, used, members, guessed)}
    item_roles: dict[str, Role] = {}
    if items is not None:
        item_roles = {k: v for k, v in roles[items.member.name].items() if k in ("item", "title", "genres", "year")}
        mapped["items"] = _table("items", items, item_roles, members, guessed)
    elif "title" in found and best.shape != "matrix":
        item_roles = {k: v for k, v in found.items() if k in ("item", "title", "genres", "year")}
        mapped["items"] = _table("items", best, item_roles, members, guessed)
    values = _values(best, used, guessed)
    events = _events(used, guessed)
    unit = "seconds"
    if "time" in used and (found_unit := used["time"].column.unit):
        unit, only = found_unit
        if not only:
            guessed[("time", "unit")] = "other orders of day and month fit too"
    mapping = Mapping(mapped, values, unit, events, _whole("user", used, best), _whole("item", used, best))
    chosen = {best.member.name, items.member.name if items else ""}
    unused = [table.member.name for table in tables if table.member.name not in chosen]
    return Proposal(mapping, guessed, best, used, items, item_roles, unused)


def _whole(role: str, used: dict[str, Role], table: FoundTable) -> bool:
    if role not in used:
        return table.shape == "matrix" and not (role == "item" and table.header)
    return used[role].column.id_kind.startswith("integer")


def _table(
    role: str,
    found: FoundTable,
    roles: dict[str, Role],
    members: list[Member],
    guessed: dict[tuple[str, str], str],
) -> Table:
    by_number = (not found.header and found.shape in ("delimited", "item-blocks")) or found.has_repeated_names
    columns: dict[str, str | int] = {}
    for name, given in roles.items():
        if found.shape == "item-blocks" and name == "item":
            continue
        unnamed = by_number and found.shape != "json-lines"
        columns[name] = given.column.place + 1 if unnamed or not given.column.name else given.column.name
        if not given.sure:
            guessed[(f"{role}.columns", name)] = given.why
    if not found.encoding.sure:
        others = f"; {', '.join(found.encoding.others)} would read it too" if found.encoding.others else ""
        guessed[(role, "encoding")] = f"it has no mark{others}"
    if not found.dialect.sure and found.shape == "delimited":
        guessed[(role, "delimiter")] = f"{found.dialect.share:.0%} of the lines have {found.dialect.fields} fields"
    if not found.header_sure:
        guessed[(role, "header")] = "the first line looks " + (
            "unlike the others" if found.header else "like the others"
        )
    dialect = found.dialect.dialect
    table = Table(
        role,
        _files(found, members),
        found.shape,
        found.encoding.name,
        dialect.delimiter,
        dialect.quote,
        dialect.escape,
        found.header,
        columns,
        0 if found.header or found.shape == "json-lines" else found.dialect.fields,
        required=role == "ratings",
        genre_separator=_separator(roles),
    )
    return _as_matrix(table, found, guessed) if found.shape == "matrix" else table


def _files(found: FoundTable, members: list[Member]) -> str:
    """Return the file's name, or the pattern of its parts."""
    pattern = pattern_of(found.member.name)
    alike = [member for member in members if pattern_of(member.name) == pattern]
    name = pattern if len(alike) > 1 else found.member.name
    base = PurePosixPath(name).name
    same_base = [member for member in members if member.base == base or pattern_of(member.base) == base]
    return base if len(same_base) == len(alike) else name


def _separator(roles: dict[str, Role]) -> str:
    if "genres" not in roles:
        return "|"
    text = "\n".join(roles["genres"].column.present[:2000])
    return max(("|", ",", ";", "/"), key=lambda mark: (text.count(mark), mark == "|"))


def _as_matrix(table: Table, found: FoundTable, guessed: dict[tuple[str, str], str]) -> Table:
    from dataclasses import replace

    counts = _value_counts(found)
    total = sum(counts.values())
    usual = sorted(value for value, times in counts.items() if times < SHARE_OF_NONE * total) or sorted(counts)
    none = [
        text
        for text in ("99", "-99", "-1", "0", "999")
        if counts.get(float(text), 0) >= SHARE_OF_NONE * total and not usual[0] <= float(text) <= usual[-1]
    ]
    first = 1 if not found.columns[0].present else _first_item(found)
    guessed[("ratings", "shape")] = "nearly all columns are numbers of one scale, so each is an item"
    if none:
        guessed[("ratings", "none")] = "a common value outside the others' scale"
    columns: dict[str, str | int] = {}
    if found.header and first == 2:
        columns["user"] = found.columns[0].name or 1
    return replace(table, columns=columns, none=tuple(none), first_item=first, width=0 if found.header else table.width)


def _first_item(found: FoundTable) -> int:
    """Return 2 if the first column is a user or a number of ratings, else 1."""
    first = found.columns[0]
    whole = all(value.isdecimal() for value in first.present)
    others_have_fractions = any("." in value for column in found.columns[1:] for value in column.present[:50])
    distinct_ids = first.distinct == len(first.present) and len(first.present) > 5
    return 2 if whole and (others_have_fractions or distinct_ids) else 1


def _value_counts(found: FoundTable) -> dict[float, int]:
    counts: dict[float, int] = defaultdict(int)
    for column in found.columns[1:]:
        for value in column.present[:500]:
            try:
                counts[float(value)] += 1
            except ValueError:
                continue
    return dict(counts)


def _values(best: FoundTable, used: dict[str, Role], guessed: dict[tuple[str, str], str]) -> Values:
    if best.shape == "matrix":
        return _matrix_values(best, guessed)
    if "value" not in used:
        return Values("strength", 0.0, float("inf"), 0.0)
    column = used["value"].column
    with_event = "event" in used
    named = plain(column.name) in STRENGTHS or with_event
    present = [value for value in column.present if value not in MISSING]
    scale = find_scale(present, column.decimal, named_strength=named)
    if scale is None:
        return Values("strength", 0.0, float("inf"), 0.0, decimal=column.decimal)
    if scale.seen:
        guessed[("values", "seen")] = "it looks like a mark for seen, not rated"
    if not scale.sure:
        guessed[("values", "kind")] = f"the sample has {min(map(float, _numbers(present)), default=0):g} to " + (
            f"{max(map(float, _numbers(present)), default=0):g}"
        )
    return Values(scale.kind, scale.lowest, scale.highest, scale.step, scale.seen, column.decimal)


def _numbers(values: list[str]) -> list[str]:
    return [
        value.replace(",", ".") for value in values if value.replace(",", ".").replace(".", "", 1).lstrip("-").isdigit()
    ]


def _matrix_values(best: FoundTable, guessed: dict[tuple[str, str], str]) -> Values:
    counts = _value_counts(best)
    total = sum(counts.values())
    inside = [
        value for value, times in counts.items() if value not in (99.0, -99.0, 999.0) or times < SHARE_OF_NONE * total
    ]
    if not inside:
        return Values()
    scale = find_scale(
        [str(value) for value in inside for _ in range(min(counts[value], 50))], ".", named_strength=False
    )
    guessed[("values", "kind")] = f"the sample has {min(inside):g} to {max(inside):g}"
    if scale is None or scale.kind == "strength":
        return Values("strength", 0.0, float("inf"), 0.0)
    return Values(scale.kind, scale.lowest, scale.highest, scale.step, scale.seen)


def _events(used: dict[str, Role], guessed: dict[tuple[str, str], str]) -> dict[str, float]:
    if "event" not in used:
        return {}
    names = sorted(set(used["event"].column.present))
    for name in names:
        guessed[("events", name)] = (
            "correct the weight" if plain(name) in WEIGHTS else "an unknown name, counted as a look"
        )
    return {name: WEIGHTS.get(plain(name), 1.0) for name in names}
