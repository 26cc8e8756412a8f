"""Write the tastes as sets of ratings on a scale have them: MovieLens, books, anime, films, jokes, shops."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.dags.marquee.ingest.own_data import shape_samples as samples
from tests.shapes.tastes import OwnData, Rating, taste

# A fifth of some sets' rows say that a user saw an item without rating it.
SEEN_EVERY = 5
JOKES = 100


def lines(rows: Iterable[Iterable[object]], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def moment(rating: Rating) -> datetime:
    return datetime.fromtimestamp(rating.time, UTC)


def spreadsheet(folder: Path) -> OwnData:
    """MovieLens after a spreadsheet and pandas.

    An index column, another order, semicolons with blanks, upper-case names in quotes, ids as 1.0, and Excel's UTF-16.
    """
    found = OwnData(
        folder / "MovieLens export.zip", titles={str(item): title for item, title in taste().titles.items()}
    )
    found.add_genres()
    rated = ['""; "TIMESTAMP"; "RATING"; "MOVIEID"; "USERID"']
    for place, one in enumerate(taste().ratings):
        rated.append(f"{place}; {one.time}; {one.stars}; {one.item}.0; {one.user}.0")
        found.add(str(one.user), str(one.item))
    named = [["MOVIEID", "TITLE", "GENRES"]]
    named += [[f"{item}.0", title, "|".join(taste().genres[item])] for item, title in taste().titles.items()]
    samples.zipped(
        found.archive,
        {
            "ratings.csv": "\r\n".join([*rated, ""]).encode("utf-16"),
            "movies.csv": lines(named, ";").replace("\n", "\r\n").encode("utf-16"),
        },
    )
    return found


def isbn(item: int) -> str:
    return f"{item:09}X" if item % 3 else f"{item:010}"


def book_crossing(folder: Path) -> OwnData:
    """Semicolons, Latin-1, backslashes before quotes, a fifth of zeros, in a zip of macOS."""
    found = OwnData(folder / "BX-CSV-Dump.zip", timed=False)
    rated, named = ['"User-ID";"ISBN";"Book-Rating"'], ['"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication"']
    for place, one in enumerate(taste().ratings):
        value = 0 if place % SEEN_EVERY == 0 else int(one.stars * 2)
        rated.append(f'"{276700 + one.user}";"{isbn(one.item)}";"{value}"')
        found.add(str(276700 + one.user), isbn(one.item))
        found.marks += value == 0
    for item, title in taste().titles.items():
        name = title.replace("The ", 'The "Great" ').replace("e (", "\xe9 (")
        found.titles[isbn(item)] = name
        escaped = name.replace('"', '\\"')
        named.append(f'"{isbn(item)}";"{escaped}";"J. Rose & Co; Sons";"{taste().years[item]}"')
    readers = ['"User-ID";"Location";"Age"'] + [f'"{number}";"n/a, texas, usa";NULL' for number in found.seen]
    samples.zipped(
        found.archive,
        {
            "BX-Book-Ratings.csv": "\n".join([*rated, ""]).encode("latin-1"),
            "BX-Books.csv": "\n".join([*named, ""]).encode("latin-1"),
            "BX-Users.csv": "\n".join([*readers, ""]).encode("latin-1"),
            "__MACOSX/._BX-Books.csv": b"\0\5\x16\7",
        },
    )
    return found


def goodbooks(folder: Path) -> OwnData:
    """No times; titles among 23 columns; tags, and books to read, in files next to it; a folder."""
    data = folder / "goodbooks-10k"
    data.mkdir()
    found = OwnData(data, timed=False)
    rated: list[list[object]] = [["user_id", "book_id", "rating"]]
    for one in taste().ratings:
        rated.append([one.user, one.item, max(1, int(one.stars))])
        found.add(str(one.user), str(one.item))
    head = "book_id,goodreads_book_id,best_book_id,work_id,books_count,isbn,isbn13,authors,original_publication_year"
    books: list[list[object]] = [[*head.split(","), "original_title", "title", "language_code", "average_rating"]]
    for item, title in taste().titles.items():
        numbers = [item, item + 7, item + 7, item + 90_000, 12, isbn(item), "9.78043902348e+12", "A. Writer"]
        books.append([*numbers, float(taste().years[item]), title[:-7], title, "eng", 4.05])
        found.titles[str(item)] = title
    wished: list[list[object]] = [["user_id", "book_id"], *([one.user, one.item + 1] for one in taste().ratings[::40])]
    tags = [["goodreads_book_id", "tag_id", "count"], *([one.item + 7, 30574, 167697] for one in taste().ratings[:90])]
    for name, rows in (("ratings", rated), ("books", books), ("to_read", wished), ("book_tags", tags)):
        (data / f"{name}.csv").write_text(lines(rows), encoding="utf-8")
    return found


def jester(folder: Path) -> OwnData:
    """A wide matrix: a row a user, a column a joke, 99 for none, from -10 to 10, the number of ratings first."""
    found = OwnData(folder / "jester-data-1.csv", timed=False)
    jokes = sorted({one.item for one in taste().ratings})[:JOKES]
    cells: dict[int, dict[int, float]] = {}
    for one in taste().ratings:
        if one.item in jokes:
            noise = ((one.user * 31 + one.item * 17) % 100) / 60
            cells.setdefault(one.user, {})[one.item] = max(-10.0, (one.stars - 2.75) / 2.25 * 8 + noise)
    rows = []
    for place, rated in enumerate(cells.values(), 1):
        rows.append([len(rated), *(f"{rated[joke]:.2f}" if joke in rated else "99" for joke in jokes)])
        for joke in rated:
            found.add(str(place), str(jokes.index(joke) + 1))
    found.archive.write_text(lines(rows))
    return found


def asin(item: int) -> str:
    return f"B{item:09}"


def amazon(folder: Path) -> OwnData:
    """JSON Lines in gzip: reviews with text ids, and titles in a file of their own."""
    data = folder / "amazon"
    data.mkdir()
    found = OwnData(data)
    reviews: list[dict[str, object]] = []
    for place, one in enumerate(taste().ratings):
        user = f"A{one.user:012X}"
        review: dict[str, object] = {"reviewerID": user, "asin": asin(one.item), "reviewerName": f"Somebody {one.user}"}
        if place % 3 == 0:
            review |= {"vote": "5", "style": {"Format:": " Hardcover"}}
        written = moment(one).strftime("%m %d, %Y")
        review |= {"reviewText": 'Nice, "that"\nis it', "overall": float(max(1, int(one.stars)))}
        reviews.append({**review, "summary": "4 stars", "unixReviewTime": one.time, "reviewTime": written})
        found.add(user, asin(one.item))
    goods: list[dict[str, object]] = []
    for item, title in taste().titles.items():
        goods.append({"category": taste().genres[item], "title": title, "also_buy": [asin(1)], "asin": asin(item)})
        found.titles[asin(item)] = title
    found.add_genres(asin)
    samples.gzipped(data / "reviews_Movies_5.json.gz", samples.json_lines(reviews))
    samples.gzipped(data / "meta_Movies.json.gz", samples.json_lines(goods))
    return found


def yelp(folder: Path) -> OwnData:
    """JSON Lines in a tar.gz: nested fields, times in ISO's form, users and visits in files next to it."""
    found = OwnData(folder / "yelp_dataset.tar.gz")
    reviews: list[dict[str, object]] = []
    tips: list[dict[str, object]] = []
    for place, one in enumerate(taste().ratings):
        user, place_id, day = f"mh_-eMZ6K5RL_{one.user}", f"XQfwVwDr-v0ZS3_{one.item}", moment(one)
        written = {"business_id": place_id, "date": day.strftime("%Y-%m-%d %H:%M:%S")}
        author = {"user_id": user, "fans": one.user % 5}
        text = {"stars": float(max(1, int(one.stars))), "useful": 0, "text": "If you decide\nto eat here"}
        reviews.append({"review_id": f"KU_{place:019}", "author": author, **written, **text})
        found.add(user, place_id)
        if place % 9 == 0:
            tips.append({"user_id": user, **written, "text": "Go", "compliment_count": 0})
    places: list[dict[str, object]] = []
    for item, title in taste().titles.items():
        place_id = f"XQfwVwDr-v0ZS3_{item}"
        about = {"city": "Gangnam", "stars": 4.5, "review_count": 7, "hours": {"Monday": "0:0-0:0"}}
        kinds = ", ".join(taste().genres[item])
        places.append({"business_id": place_id, "name": title, **about, "categories": kinds})
        found.titles[place_id] = title
    found.add_genres(lambda item: f"XQfwVwDr-v0ZS3_{item}")
    users = [{"user_id": user, "name": "Kim", "review_count": 9, "yelping_since": "2009-01-02"} for user in found.seen]
    files = {"review": reviews, "business": places, "user": users, "tip": tips}
    packed = {f"yelp_academic_dataset_{name}.json": samples.json_lines(rows) for name, rows in files.items()}
    samples.tarred(found.archive, packed, "gz")
    return found


def netflix(folder: Path) -> OwnData:
    """Blocks `1:` in four parts, and titles with commas, years and no header."""
    data = folder / "netflix"
    data.mkdir()
    found = OwnData(data)
    by_item: dict[int, list[Rating]] = {}
    for one in taste().ratings:
        by_item.setdefault(one.item, []).append(one)
        found.add(str(one.user), str(one.item))
    parts = ["", "", "", ""]
    for place, item in enumerate(sorted(by_item)):
        rows = [[one.user, max(1, int(one.stars)), moment(one).date()] for one in by_item[item]]
        parts[place * 4 // len(by_item)] += f"{item}:\n" + lines(rows)
    for number, text in enumerate(parts, 1):
        (data / f"combined_data_{number}.txt").write_text(text)
    found.add_titles()
    titles = [f"{item},{taste().years[item]},{title}" for item, title in taste().titles.items()]
    (data / "movie_titles.csv").write_text("\n".join([*titles, ""]), encoding="latin-1", errors="replace")
    asked = [f"{item}:\n" + "".join(f"{one.user},2005-12-19\n" for one in by_item[item][:2]) for item in by_item]
    (data / "qualifying.txt").write_text("".join(asked))
    return found


def anime(folder: Path) -> OwnData:
    """A rating of -1 for seen; items whose table has ratings and genres with commas of its own."""
    found = OwnData(folder / "anime-recommendations-database.zip", timed=False)
    rated: list[list[object]] = [["user_id", "anime_id", "rating"]]
    for place, one in enumerate(taste().ratings):
        value = -1 if place % SEEN_EVERY == 0 else int(one.stars * 2)
        rated.append([one.user, one.item, value])
        found.add(str(one.user), str(one.item))
        found.marks += value < 0
    named: list[list[object]] = [["anime_id", "name", "genre", "type", "episodes", "rating", "members"]]
    for item, title in taste().titles.items():
        named.append([item, title, ", ".join(taste().genres[item]), "TV", "Unknown", 7.81, 683297])
        found.titles[str(item)] = title
    found.add_genres()
    samples.zipped(found.archive, {"rating.csv": lines(rated).encode(), "anime.csv": lines(named).encode()})
    return found


def recbole(folder: Path) -> OwnData:
    """Atomic files: types in the header, tabs, texts of several words, packed by zstd."""
    data = folder / "ml-small"
    data.mkdir()
    found = OwnData(data)
    rated: list[list[object]] = [["user_id:token", "item_id:token", "rating:float", "timestamp:float"]]
    for one in taste().ratings:
        rated.append([one.user, one.item, one.stars, float(one.time)])
        found.add(str(one.user), str(one.item))
    named: list[list[object]] = [["item_id:token", "movie_title:token_seq", "release_year:token", "class:token_seq"]]
    for item, title in taste().titles.items():
        named.append([item, title[:-7], taste().years[item], " ".join(taste().genres[item])])
        found.titles[str(item)] = title[:-7]
    found.add_genres()
    users = [["user_id:token", "age:token", "gender:token"], *([user, 24, "M"] for user in found.seen)]
    for name, rows in (("inter", rated), ("item", named), ("user", users)):
        text = lines(rows, "\t", csv.QUOTE_NONE)  # type: ignore[arg-type]
        samples.zstd_packed(data / f"ml-small.{name}.zst", text.encode())
    return found


def parquet(folder: Path) -> OwnData:
    """Parts of Parquet in folders by day, with types of their own, and times from 1980 on."""
    data = folder / "orders"
    found = OwnData(data)
    first = min(one.time for one in taste().ratings)
    start = int(datetime(1980, 1, 2, tzinfo=UTC).timestamp())
    for part in range(4):
        rows = taste().ratings[part::4]
        table = pa.table(
            {
                "customer_id": pa.array([f"c-{one.user}" for one in rows]),
                "product_id": pa.array([one.item for one in rows], pa.int64()),
                "stars": pa.array([one.stars for one in rows]),
                "created_at": pa.array([(one.time - first + start) * 1000 for one in rows], pa.timestamp("ms")),
            }
        )
        path = data / f"part={part}" / f"part-0000{part}-c7f6a1de.snappy.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(table, path)
        for one in rows:
            found.add(f"c-{one.user}", str(one.item))
    (data / "_SUCCESS").write_text("")
    return found


def described(found: OwnData) -> str:
    return json.dumps({"users": len(found.seen), "rows": found.rows, "marks": found.marks})
