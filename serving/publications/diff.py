"""What changed from one publication to another, in all and for one user, and why: data, model or catalogue.

The causes come from the two lineages and catalogues:

``data``       the lists were made from another raw snapshot
``model``      the lists were made from the same snapshot with other factors, or with other settings or code
``catalogue``  only one of the two catalogues has the movie

Where data and settings both changed, both are named, since the lists do not show which one changed an entry.

Users and movies are named by the ids that people use. Publications of different data sets have no user in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from serving.publications.format import PublicationError
from serving.publications.lineage import dataset_of, value_at
from serving.publications.reading.reader import Publication

# How many of a user's first movies count in the churn.
FIRST = 10


def causes(a: Publication, b: Publication) -> list[str]:
    """Return which of `data` and `model` differ, by the lineages."""

    def differ(*path: str) -> bool:
        return bool(value_at(a.manifest.lineage, *path) != value_at(b.manifest.lineage, *path))

    data = differ("snapshot", "content_sha256") or a.manifest.data_through != b.manifest.data_through
    settings = differ("git_commit") or differ("top_n", "fold_in")
    factors = differ("model", "factors_sha256")
    # Other data always give other factors, which alone do not count as another model.
    model = settings or (factors and not data)
    return [name for name, changed in (("data", data), ("model", model)) if changed]


def share_users(a: Publication, b: Publication) -> bool:
    """Return whether a number means the same user in both publications."""
    if a.own_ids is None or b.own_ids is None:
        return a.own_ids is b.own_ids
    return dataset_of(a.manifest.lineage) == dataset_of(b.manifest.lineage)


def churn(a: Publication, b: Publication) -> dict[str, Any]:
    """Return how far users' first ten movies changed from `a` to `b`, as JSON data.

    `churn_at_10` is 0 where none changed and 1 where all did. It counts the users with a list in both publications.
    """
    users, kept = 0, 0.0
    for before, after in _lists_of_both(a, b):
        users += 1
        first = {entry[0] for entry in after[:FIRST]}
        kept += sum(entry[0] in first for entry in before[:FIRST]) / max(1, min(FIRST, len(before)))
    share = round(1 - kept / users, 6) if users else None
    return {"against": a.publication_id, "users": users, "churn_at_10": share}


def _lists_of_both(a: Publication, b: Publication) -> Iterator[tuple[list[list[Any]], list[list[Any]]]]:
    if not share_users(a, b):
        return
    later = b.all_recommendations()
    user, entries = next(later, (None, []))
    for user_id, before in a.all_recommendations():
        while user is not None and user < user_id:
            user, entries = next(later, (None, []))
        if user == user_id:
            yield before, entries


def compare(a: Publication, b: Publication) -> dict[str, Any]:
    """Return what changed for all users, as JSON data."""
    lineages = [publication.manifest.lineage for publication in (a, b)]
    common = a.movies.keys() & b.movies.keys()
    changed = sum(a.movies[movie_id] != b.movies[movie_id] for movie_id in common)
    catalogue = {
        "added": len(b.movies.keys() - common),
        "removed": len(a.movies.keys() - common),
        "changed": changed,
    }
    return {
        "a": a.publication_id,
        "b": b.publication_id,
        "same_users": share_users(a, b),
        "same_lists": a.manifest.sha256 == b.manifest.sha256,
        "causes": [*causes(a, b), *(["catalogue"] if any(catalogue.values()) else [])],
        "data_through": [a.data_through, b.data_through],
        "model_version": [value_at(lineage, "model", "version") for lineage in lineages],
        "git_commit": [value_at(lineage, "git_commit") for lineage in lineages],
        "catalogue": catalogue,
        "lists": churn(a, b),
    }


def compare_user(a: Publication, b: Publication, user: int | str) -> dict[str, Any]:
    """Return what changed in one user's list, as JSON data.

    It names the movies that entered, left and moved, and why. Raises PublicationError for publications of different data sets.
    """
    if not share_users(a, b):
        raise PublicationError(
            f"{a.publication_id} and {b.publication_id} are of different data sets, which have no user in common. "
            "Compare them without a user."
        )
    before, after = (one.recommendations(one.number_of_user(str(user)) or 0) or [] for one in (a, b))
    ranks = [{entry[0]: rank for rank, entry in enumerate(entries, 1)} for entries in (before, after)]
    old, new = ranks
    reasons_before = {movie_id for entry in before for movie_id in entry[2]}
    reasons_after = {movie_id for entry in after for movie_id in entry[2]}
    general = causes(a, b) or ["nothing that the lineages tell"]

    def changed(movie_id: int) -> dict[str, Any]:
        title = (b.movies.get(movie_id) or a.movies[movie_id]).title
        place = {"from": old.get(movie_id), "to": new.get(movie_id)}
        if movie_id not in a.movies or movie_id not in b.movies:
            why = ["catalogue: the movie is " + ("new" if movie_id in b.movies else "gone")]
        elif movie_id not in new and movie_id in reasons_after:
            why = ["data: the user has rated it since"]
        else:
            why = general
        return {"movie_id": shown(movie_id), "title": title, **place, "why": why}

    def shown(movie_id: int) -> int | str:
        return (b if movie_id in b.movies else a).shown_movie(movie_id)

    return {
        "user_id": b.shown_user(number) if (number := b.number_of_user(str(user))) else user,
        "in_a": bool(before),
        "in_b": bool(after),
        "entered": [changed(movie_id) for movie_id in new if movie_id not in old],
        "left": [changed(movie_id) for movie_id in old if movie_id not in new],
        "moved": [changed(movie_id) for movie_id in new if movie_id in old and old[movie_id] != new[movie_id]],
        # Movies that the user has rated and that explain entries of only one list: how the model sees the user.
        "new_reasons": [shown(movie_id) for movie_id in sorted(reasons_after - reasons_before)],
        "lost_reasons": [shown(movie_id) for movie_id in sorted(reasons_before - reasons_after)],
    }


def describe(summary: dict[str, Any], user: dict[str, Any] | None) -> str:
    """Return a comparison as lines of text."""
    lists, catalogue = summary["lists"], summary["catalogue"]
    lines = [
        f"From {summary['a']} to {summary['b']}:",
        f"  why           {', '.join(summary['causes']) or 'nothing changed that the lineages tell'}",
        *(
            f"  {name.replace('_', ' '):<13} {summary[name][0] or '-'} -> {summary[name][1] or '-'}"
            for name in ("data_through", "model_version", "git_commit")
        ),
        f"  catalogue     {catalogue['added']} added, {catalogue['removed']} removed, {catalogue['changed']} changed",
    ]
    if not summary["same_users"]:
        lines.append("  lists         of different data sets: no user is in both")
    elif summary["same_lists"]:
        lines.append("  lists         the same, byte for byte")
    elif lists["churn_at_10"] is not None:
        lines.append(
            f"  lists         {lists['churn_at_10']:.1%} of the first ten changed, over {lists['users']} users"
        )
    if user is None:
        return "\n".join(lines)
    lines.append(f"User {user['user_id']}:")
    if not user["in_a"] or not user["in_b"]:
        lines.append(
            "  has no list in " + " and none in ".join(summary[side] for side in "ab" if not user[f"in_{side}"])
        )
    for kind in ("entered", "left", "moved"):
        for movie in user[kind]:
            ranks = f"{movie['from'] or '-'} -> {movie['to'] or '-'}"
            lines.append(f"  {kind:<8} {ranks:<11} {movie['title']}  ({'; '.join(movie['why'])})")
    if not any(user[kind] for kind in ("entered", "left", "moved")):
        lines.append("  the same movies in the same order")
    return "\n".join(lines)
