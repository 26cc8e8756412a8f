"""Propose what values mean: a scale, a strength, marks, and weights of events."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from marquee.ingest.own_data.inspection.tables import FoundTable
from marquee.ingest.reading.columns.names import STRENGTHS, WEIGHTS, plain
from marquee.ingest.reading.columns.roles import Role
from marquee.ingest.reading.columns.values import MISSING, find_scale
from marquee.ingest.reading.mapping.schema import Table, Values

SHARE_OF_NONE = 0.05


def as_matrix(table: Table, found: FoundTable, guessed: dict[tuple[str, str], str]) -> Table:
    """Return a wide matrix's table with its first item, user and marks for none."""
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
    if found.begins_with_names:
        return 2
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


def values(best: FoundTable, used: dict[str, Role], guessed: dict[tuple[str, str], str]) -> Values:
    """Return what the values mean: a scale or a strength."""
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


def events(used: dict[str, Role], guessed: dict[tuple[str, str], str]) -> dict[str, float]:
    """Return a weight for each name of an event."""
    if "event" not in used:
        return {}
    names = sorted(set(used["event"].column.present))
    for name in names:
        guessed[("events", name)] = (
            "correct the weight" if plain(name) in WEIGHTS else "an unknown name, counted as a look"
        )
    return {name: WEIGHTS.get(plain(name), 1.0) for name in names}
