"""Own data of Book-Crossing's shape, with text ids and no times, from a zip to lists by its own ids."""

import csv
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from marquee.ingest.sources.embedded import embedded_pickle_path, write_embedded_csv

from tests.e2e.own_data import back_to_movielens
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]
MAPPING = """\
version = 1

[ratings]
files = "BX-Book-Ratings.csv"
encoding = "latin-1"
delimiter = ";"
quote = '"'

[ratings.columns]
user = "User-ID"
item = "ISBN"
value = "Book-Rating"

[items]
files = "BX-Books.csv"
encoding = "latin-1"
delimiter = ";"
quote = '"'

[items.columns]
item = "ISBN"
title = "Book-Title"

[ids]
user = "text"
item = "text"

[values]
kind = "rating"
lowest = 1
highest = 10
step = 1
seen = [0]
"""
USERS = 300


def user(number: str) -> str:
    return f"reader/{int(number):04} \u00fc"


def book(number: str) -> str:
    return f"{int(number):09}X"


def books(folder: Path) -> tuple[Path, dict[str, set[str]]]:
    """Write the embedded ratings as Book-Crossing would, a fifth of them as zeros; return what each user saw."""
    write_embedded_csv(embedded_pickle_path(), folder)
    ratings, movies = (
        list(csv.reader((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()))[1:]
        for name in ("ratings", "movies")
    )
    titles = dict(row[:2] for row in movies)
    seen: dict[str, set[str]] = {}
    lines = ['"User-ID";"ISBN";"Book-Rating"']
    for place, (rater, movie, stars, _) in enumerate(ratings):
        if int(rater) > USERS:
            continue
        value = 0 if place % 5 == 0 else int(float(stars) * 2)
        lines.append(f'"{user(rater)}";"{book(movie)}";"{value}"')
        seen.setdefault(user(rater), set()).add(book(movie))
    named = ['"ISBN";"Book-Title"']
    named += [f'"{book(movie)}";"{title}"' for movie, title in titles.items() if int(movie) % 7 and '"' not in title]
    path = folder / "books.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BX-Book-Ratings.csv", "\n".join(lines).encode("latin-1"))
        archive.writestr("BX-Books.csv", "\n".join(named).encode("latin-1", "replace"))
    return path, seen


@pytest.fixture
def movielens_is_back(stack: Stack, first_run: str) -> Iterator[None]:
    """Go back to the lists of MovieLens, which other tests read."""
    with back_to_movielens(stack):
        yield


def test_books_with_text_ids_and_no_times_are_served_by_their_own_ids(
    stack: Stack, movielens_is_back: None, tmp_path: Path
) -> None:
    archive, seen = books(tmp_path)
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING)
    given = ("--dataset=my-books", f"--archive={archive}", f"--mapping={mapping}")
    stack.pipeline("run", *given, "--conf", json.dumps({"top_n": 20, "similar_n": 10}))

    known = set(stack.api("/v1/users?limit=100")["items"])
    assert len(known) == 100
    assert known <= set(seen)
    for reader in sorted(known)[:5]:
        answer = stack.api(f"/v1/users/{quote(reader, safe='')}/recommendations?limit=20")
        listed = {item["movie_id"] for item in answer["items"]}
        assert answer["user_id"] == reader
        assert (len(listed), listed & seen[reader]) == (20, set())
        assert {reason["movie_id"] for item in answer["items"] for reason in item["because"]} <= seen[reader]
    status, problem = stack.problem("/v1/users/1/recommendations")
    assert (status, problem["detail"].split(":")[0]) == (404, "There is no list for user 1")

    publication = stack.api("/v1/publication")["publication"]
    lineage = stack.api(f"/v1/publications/{publication}")["lineage"]
    assert (lineage["snapshot"]["source"]["mapping"], lineage["split"]) == (MAPPING, "random")
    assert "the future was not hidden from the model" in "; ".join(lineage["promotion"]["reasons"])
    ((users,),) = stack.hive("SELECT COUNT(*) FROM marquee.ids WHERE dataset = 'my-books' AND kind = 'user'")
    assert users == len(seen)
    ((marks,),) = stack.hive(
        f"SELECT COUNT(*) FROM marquee.staging_ratings WHERE batch_id = '{publication}' AND rating = 0"
    )
    assert marks > 1000
