"""Propose a mapping from what the files of an archive hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from marquee.ingest.own_data.inspection.no_ratings import no_ratings
from marquee.ingest.own_data.inspection.scales import as_matrix, events, values
from marquee.ingest.own_data.inspection.tables import FoundTable, look_at, pattern_of
from marquee.ingest.own_data.inspection.unnamed_items import find_unnamed_items, is_title_last
from marquee.ingest.reading.columns.names import TYPED
from marquee.ingest.reading.columns.roles import Role, find_roles
from marquee.ingest.reading.columns.times import OTHER_ORDERS
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.mapping.schema import Mapping, Table

DOCUMENTS = (".md", ".html", ".htm", ".pdf", ".txt.asc", ".png", ".jpg", ".py", ".ipynb", ".toml", ".yaml", ".yml")
MOST_LOOKED_AT = 40
# Among fewer rows, each may be of another user by chance.
FEWEST_USERS = 20


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
        raise no_ratings(members, tables, others)
    best = max(rated, key=lambda table: _worth(table, roles[table.member.name]))
    items = max(
        (table for table in tables if table is not best and _describes_items(roles[table.member.name])),
        key=lambda table: (
            "title" in roles[table.member.name],
            "item" in roles[best.member.name]
            and roles[table.member.name]["item"].column.name == roles[best.member.name]["item"].column.name,
            table.member.size or 0,
        ),
        default=None,
    )
    return _proposal(best, items, roles, members, tables)


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


def _describes_users(table: FoundTable, roles: dict[str, Role]) -> bool:
    """Return whether no user comes twice, as in a table of the users themselves."""
    if table.shape == "matrix":
        return False
    users = roles["user"].column
    return len(users.present) >= FEWEST_USERS and users.distinct == len(users.present)


def _worth(table: FoundTable, roles: dict[str, Role]) -> tuple[float, ...]:
    named = "rating" in table.member.base.lower() or "event" in table.member.base.lower()
    sure = sum(roles[role].sure for role in ("user", "item") if role in roles)
    return (
        not _describes_users(table, roles),
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
    elif "item" in found:
        others = [table for table in tables if table is not best]
        if (unnamed := find_unnamed_items(found["item"].column, others)) is not None:
            items, item_roles = unnamed
            mapped["items"] = _table("items", items, item_roles, members, guessed)
    unit = "seconds"
    if "time" in used and (found_unit := used["time"].column.unit):
        unit, only = found_unit
        if not only:
            guessed[("time", "unit")] = OTHER_ORDERS
    weights = events(used, guessed)
    mapping = Mapping(
        mapped, values(best, used, guessed), unit, weights, _whole("user", used, best), _whole("item", used, best)
    )
    chosen = {best.member.name, items.member.name if items else ""}
    unused = [table.member.name for table in tables if table.member.name not in chosen]
    return Proposal(mapping, guessed, best, used, items, item_roles, unused)


def _whole(role: str, used: dict[str, Role], table: FoundTable) -> bool:
    if role not in used:
        if role == "user" and table.header and table.begins_with_names:
            return False
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
        rest=role == "items" and is_title_last(found, roles),
        required=role == "ratings",
        genre_separator=_separator(roles),
    )
    return as_matrix(table, found, guessed) if found.shape == "matrix" else table


def _files(found: FoundTable, members: list[Member]) -> str:
    """Return the file's name, or the pattern of its parts."""
    pattern = pattern_of(found.member.name)
    alike = [member for member in members if pattern_of(member.name) == pattern]
    name = pattern if len(alike) > 1 else found.member.name
    base = PurePosixPath(name).name
    same_base = [member for member in members if member.base == base or pattern_of(member.base) == base]
    return base if len(same_base) == len(alike) else name


def for_further_parts(mapping: Mapping, members: list[Member]) -> Mapping:
    """Return the mapping with a pattern for a single part, unless others fit too."""
    ratings = mapping.ratings
    pattern = pattern_of(ratings.files)
    fitting = [member for member in members if fnmatchcase(member.name, pattern) or fnmatchcase(member.base, pattern)]
    if any(pattern_of(member.base) != PurePosixPath(pattern).name for member in fitting):
        return mapping
    return replace(mapping, tables={**mapping.tables, "ratings": replace(ratings, files=pattern)})


def _separator(roles: dict[str, Role]) -> str:
    if "genres" not in roles:
        return "|"
    typed = TYPED.fullmatch(roles["genres"].column.name)
    if typed is not None and typed["type"] == "token_seq":
        return " "
    text = "\n".join(roles["genres"].column.present[:2000])
    return max(("|", ",", ";", "/"), key=lambda mark: (text.count(mark), mark == "|"))
