"""Test the way from an archive of own data to a snapshot with numbers for ids, and to the rows of the cleaning job."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shape_samples as samples
from hdfs import HdfsError
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.inspection.propose import propose
from marquee.ingest.own_data.snapshots.dictionary import Dictionary
from marquee.ingest.own_data.snapshots.ingest import ingest_data
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.reading.mapping.writing import write_mapping
from mr_clean_movies import MRCleanMovies
from mr_clean_ratings import MRCleanRatings

FIRST, SECOND = "20261123T190000", "20261124T190000"
ROOT = "/marquee/raw/mine"
Store = Callable[..., dict[str, Any]]


@pytest.fixture
def store(memory_hdfs: Any, tmp_path: Path) -> Store:
    def run(archive: Path | None, mapping: Path | None = None, batch_id: str = FIRST, **more: Any) -> dict[str, Any]:
        given = {"dataset": "mine", "cache_dir": tmp_path / "cache", "limit": 0.2} | more
        return ingest_data(memory_hdfs, batch_id=batch_id, archive=archive, mapping=mapping, **given)

    return run


def file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def mapping_for(archive: Path, folder: Path, *changes: tuple[str, str]) -> Path:
    """Write what inspect proposes, with a person's corrections."""
    proposal = propose(open_members(archive))
    text = write_mapping(proposal.mapping, proposal.guessed)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return file(folder, "mapping.toml", text)


def archive_of(shape: str, folder: Path) -> Path:
    made: dict[str, Callable[[], Path]] = {
        "MovieLens": lambda: file(folder, "ratings.csv", samples.MOVIELENS),
        "Book-Crossing": lambda: samples.zipped(
            folder / "books.zip",
            {
                "BX-Book-Ratings.csv": samples.BOOK_CROSSING.encode("latin-1"),
                "BX-Books.csv": samples.BOOKS.encode("latin-1"),
            },
        ),
        "goodbooks": lambda: file(folder, "ratings.csv", samples.GOODBOOKS),
        "Jester": lambda: file(folder, "jester-data-1.csv", samples.jester()),
        "Amazon": lambda: samples.gzipped(folder / "reviews.json.gz", samples.json_lines(samples.AMAZON)),
        "Yelp": lambda: file(folder, "yelp_academic_dataset_review.json", samples.json_lines(samples.YELP)),
        "Steam": lambda: file(folder, "steam-200k.csv", samples.STEAM),
        "Last.fm": lambda: file(folder, "usersha1-artmbid-artname-plays.tsv", samples.LASTFM),
        "Netflix": lambda: file(folder, "combined_data_1.txt", samples.NETFLIX),
        "RetailRocket": lambda: file(folder, "events.csv", samples.RETAILROCKET),
        "KuaiRec": lambda: file(folder, "big_matrix.csv", samples.KUAIREC),
        "Anime": lambda: samples.zipped(
            folder / "anime.zip", {"rating.csv": samples.ANIME.encode(), "anime.csv": samples.ANIME_ITEMS.encode()}
        ),
        "RecBole": lambda: file(folder, "ml-100k.inter", samples.RECBOLE),
        "Parquet": lambda: samples.parquet(folder / "orders.parquet"),
    }
    return made[shape]()


# By shape: layout, whether rows have times, and the clean rows by the person's own ids: user, item, stars, time.
CLEAN = {
    "MovieLens": (
        "rows",
        True,
        [("1", "296", "5.0", "1147880044"), ("1", "306", "3.5", "1147868817"), ("2", "665", "0.5", "1147878820")],
    ),
    "Book-Crossing": (
        "rows",
        False,
        [
            ("276725", "034545104X", "0.0", "batch"),
            ("276726", "0155061224", "2.5", "batch"),
            ("276727", "0446520802", "0.0", "batch"),
            ("276729", "052165615X", "1.5", "batch"),
        ],
    ),
    "goodbooks": ("rows", False, [("1", "258", "5.0", "batch"), ("2", "4081", "4.0", "batch")]),
    "Jester": ("rows", False, [("1", "1", "0.5", "batch"), ("1", "4", "1.5", "batch"), ("1", "8", "2.0", "batch")]),
    "Amazon": (
        "rows",
        True,
        [
            ("A2SUAM1J3GNN3B", "0000013714", "5.0", "1252800000"),
            ("A1KLRMWW2FWPL4", "0000031887", "2.0", "1297468800"),
        ],
    ),
    "Yelp": (
        "rows",
        True,
        [
            ("mh_-eMZ6K5RLWhZyISBhwA", "XQfwVwDr-v0ZS3_CbbE5Xw", "3.0", "1531001351"),
            ("OyoGAe7OKpv6SyGZT5g77Q", "7ATYjTIgM3jUlt4UM3IypQ", "5.0", "1325604498"),
        ],
    ),
    # Bought (5) and played for 273 hours, for 87 hours, for 0.7 hours.
    "Steam": (
        "strengths",
        False,
        [
            ("151603712", "The Elder Scrolls V Skyrim", "5.0", "batch"),
            ("151603712", "Fallout 4", "5.0", "batch"),
            ("59945701", "Counter, Strike", "2.5", "batch"),
        ],
    ),
    "Last.fm": (
        "strengths",
        False,
        [
            ("00000c289a1829a808ac09c00daf10bc3c4e223b", "betty blowtorch", "5.0", "batch"),
            ("00000c289a1829a808ac09c00daf10bc3c4e223b", "die Ärzte", "5.0", "batch"),
        ],
    ),
    "Netflix": (
        "rows",
        True,
        [
            ("1488844", "1", "3.0", "1125964800"),
            ("822109", "1", "5.0", "1115942400"),
            ("885013", "2", "4.0", "1129680000"),
        ],
    ),
    # 992329 viewed (1) and put into the cart (3).
    "RetailRocket": (
        "strengths",
        True,
        [
            ("257597", "355908", "1.0", "1433221332"),
            ("992329", "248676", "2.5", "1433224214"),
            ("599528", "356475", "2.5", "1433222276"),
        ],
    ),
    "KuaiRec": ("strengths", True, [("0", "3649", "1.0", "1593878903"), ("0", "9598", "1.0", "1593879221")]),
    "Anime": ("rows", False, [("1", "20", "0.0", "batch"), ("1", "24", "0.0", "batch"), ("1", "79", "0.0", "batch")]),
    "RecBole": ("rows", True, [("196", "242", "3.0", "881250949"), ("186", "302", "3.0", "891717742")]),
    "Parquet": ("rows", True, [("c-1", "7", "1.0", "1600000000"), ("c-2", "8", "4.0", "1600000060")]),
}


@pytest.fixture
def cleaning() -> Any:
    """Return what makes a runner of cleaning jobs in a folder."""
    path = Path(__file__).parents[4] / "mr_jobs" / "conftest.py"
    spec = importlib.util.spec_from_file_location("conftest_of_mr_jobs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.clean.__wrapped__


@pytest.fixture
def cleaned(memory_hdfs: Any, cleaning: Any, tmp_path: Path) -> Callable[[Any, str, str], list[tuple[str, ...]]]:
    """Return a function that runs a cleaning job over a file of the snapshot."""

    def run(job: Any, name: str, layout: str) -> list[tuple[str, ...]]:
        content = memory_hdfs.files[f"{ROOT}/{FIRST}/{name}"]
        folder = tmp_path / f"cleaning-{name}"
        folder.mkdir()
        arguments = ("--layout", layout, "--encoding", "utf-8", "--latest-timestamp", "1600000060")
        rows: list[tuple[str, ...]] = cleaning(folder)(job, content, *arguments, name=name)
        return rows

    return run


@pytest.fixture
def cleaned_batch(memory_hdfs: Any, cleaning: Any, tmp_path: Path) -> Callable[[str], dict[tuple[str, str], str]]:
    """Return a function that cleans a batch's events and returns the stars of each pair."""

    def run(batch_id: str) -> dict[tuple[str, str], str]:
        folder = tmp_path / f"cleaning-{batch_id}"
        folder.mkdir()
        content = memory_hdfs.files[f"{ROOT}/{batch_id}/ratings.tsv"]
        arguments = ("--layout", "strengths", "--encoding", "utf-8", "--latest-timestamp", "1600000060")
        rows = cleaning(folder)(MRCleanRatings, content, *arguments, name="ratings.tsv")
        assert {row[0] for row in rows} <= {"clean", "superseded"}
        return {(row[3], row[4]): row[5] for row in rows if row[0] == "clean"}

    return run


def own_ids(memory_hdfs: Any) -> dict[tuple[str, str], str]:
    lines = memory_hdfs.files["/marquee/ids/mine/00000001.tsv"].decode().splitlines()
    return {(kind, number): own for kind, number, own in (line.split("\t") for line in lines)}


@pytest.mark.parametrize("shape", CLEAN)
def test_each_public_shape_comes_through_ingest_and_cleaning(
    shape: str, store: Store, memory_hdfs: Any, cleaned: Any, tmp_path: Path
) -> None:
    layout, times, expected = CLEAN[shape]
    archive = archive_of(shape, tmp_path)
    result = store(archive, mapping_for(archive, tmp_path))
    assert result["layout"]["ratings"] == {"file": "ratings.tsv", "layout": layout, "encoding": "utf-8"}
    assert result["own_data"] == {"times": times, "ids": "/marquee/ids/mine"}
    ids = own_ids(memory_hdfs)
    clean = [row[3:7] for row in cleaned(MRCleanRatings, "ratings.tsv", layout) if row[0] == "clean"]
    found = [
        (ids["user", user], ids["item", item], stars, "batch" if time == "1600000060" and not times else time)
        for user, item, stars, time in clean
    ]
    assert found[: len(expected)] == expected
    movies = [row[3] for row in cleaned(MRCleanMovies, "movies.tsv", layout) if row[0] == "clean"]
    assert {row[1] for row in clean} <= set(movies)


def test_items_have_title_year_and_genres_where_the_archive_has_them_and_else_their_ids(
    store: Store, memory_hdfs: Any, tmp_path: Path
) -> None:
    archive = samples.zipped(
        tmp_path / "x.zip",
        {
            "ratings.csv": b"user,item,rating\na,x,5\na,y,4\nb,z,3\n",
            "items.csv": "item,title,genres,year\nx,\u00c4 \t title,A|B|A,1999\ny,,C,1500\nw,Unrated,,\n".encode()
            + b"z,"
            + b"long " * 80
            + b",,2001\n",
        },
    )
    store(archive)
    long = ("long " * 80)[:297].rstrip() + "..."
    assert memory_hdfs.files[f"{ROOT}/{FIRST}/movies.tsv"].decode() == (
        f"20000001\t\u00c4 title\t1999\tA|B\n20000002\ty\t\tC\n20000004\tUnrated\t\t\n20000003\t{long}\t2001\t\n"
    )


def test_a_table_that_is_not_required_may_be_missing(store: Store, memory_hdfs: Any, tmp_path: Path) -> None:
    archive = archive_of("Book-Crossing", tmp_path)
    mapping = mapping_for(archive, tmp_path)
    assert "required = false" in mapping.read_text()
    alone = samples.zipped(tmp_path / "alone.zip", {"BX-Book-Ratings.csv": samples.BOOK_CROSSING.encode("latin-1")})
    store(alone, mapping)
    assert b"\t034545104X\t" in memory_hdfs.files[f"{ROOT}/{FIRST}/movies.tsv"]
    needed = file(tmp_path, "needed.toml", mapping.read_text().replace("required = false", "required = true"))
    with pytest.raises(IngestError, match=r"has no file 'BX-Books.csv' for \[items\]"):
        store(alone, needed, SECOND)


def test_equal_batches_have_equal_dictionaries_and_a_later_batch_only_adds_to_it(
    store: Store, memory_hdfs: Any, tmp_path: Path
) -> None:
    first = file(tmp_path, "a.csv", "user,item,rating\nann,x,5\nbob,y,4\n")
    later = file(tmp_path, "b.csv", "user,item,rating\ncarl,y,5\nann,z,4\n")
    store(first)
    store(later, batch_id=SECOND)
    again = store(first, batch_id="20261125T190000")
    assert {path: memory_hdfs.files[path].decode() for path in memory_hdfs.files if "/ids/mine/" in path} == {
        "/marquee/ids/mine/00000001.tsv": "user\t1\tann\nuser\t2\tbob\nitem\t20000001\tx\nitem\t20000002\ty\n",
        "/marquee/ids/mine/00000002.tsv": "user\t3\tcarl\nitem\t20000003\tz\n",
    }
    assert memory_hdfs.files[f"{ROOT}/{SECOND}/ratings.tsv"] == b"3\t20000002\t5.0\t\n1\t20000003\t4.0\t\n"
    # Its content is the first batch's, so that its files are not stored again.
    assert again["snapshot"] == f"{ROOT}/{FIRST}"


def test_a_second_batch_with_more_users_keeps_the_numbers_through_ingest_and_cleaning(
    store: Store, memory_hdfs: Any, tmp_path: Path, cleaned_batch: Any
) -> None:
    """A shop's events: the second export holds the first one's rows in another order, and new visitors before them."""
    header = "timestamp,visitorid,event,itemid,transactionid\n"
    rows = [
        f"{1433221332117 + 1000 * number},{257597 + number % 5},{('view', 'addtocart', 'transaction')[number % 3]},"
        f"{355908 + number % 7},\n"
        for number in range(40)
    ]
    new = [f"{1433300000000 + number},{9000 + number},view,{355908 + number % 9},\n" for number in range(12)]
    first = store(file(tmp_path, "events.csv", header + "".join(rows)))
    second = store(file(tmp_path, "later.csv", header + "".join(new + rows[::-1])), batch_id=SECOND)
    assert first["layout"]["ratings"]["layout"] == second["layout"]["ratings"]["layout"] == "strengths"
    batches = [cleaned_batch(batch_id) for batch_id in (FIRST, SECOND)]
    assert [len({user for user, _ in batch}) for batch in batches] == [5, 17]
    # The same pairs by number, with the same strength of the same events.
    assert {pair: batches[1][pair] for pair in batches[0]} == batches[0]
    assert min(int(user) for user, _ in set(batches[1]) - set(batches[0])) == 6


def test_two_runs_at_once_never_give_one_number_twice(
    store: Store, memory_hdfs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = file(tmp_path, "other.csv", "user,item,rating\nzoe,q,5\n")
    mine = file(tmp_path, "mine.csv", "user,item,rating\nann,x,5\nzoe,x,2\n")
    store_ids = Dictionary.store
    calls = []

    def store_after_another_run(self: Dictionary) -> bool:
        calls.append(len(self.users))
        if len(calls) == 1:
            store(other, batch_id=SECOND)
        return store_ids(self)

    monkeypatch.setattr(Dictionary, "store", store_after_another_run)
    store(mine)
    assert calls == [2, 1, 2]
    assert {path: memory_hdfs.files[path].decode() for path in memory_hdfs.files if "/ids/mine/" in path} == {
        "/marquee/ids/mine/00000001.tsv": "user\t1\tzoe\nitem\t20000001\tq\n",
        "/marquee/ids/mine/00000002.tsv": "user\t2\tann\nitem\t20000002\tx\n",
    }
    assert memory_hdfs.files[f"{ROOT}/{FIRST}/ratings.tsv"] == b"2\t20000002\t5.0\t\n1\t20000002\t2.0\t\n"


def test_a_dictionary_that_hdfs_does_not_take_stops_the_run_which_may_be_tried_again(
    store: Store, memory_hdfs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise HdfsError("Name node is in safe mode.\nmore")

    monkeypatch.setattr(memory_hdfs, "_rename", refuse)
    with pytest.raises(IngestError, match="ids/_ranges: Name node is in safe mode") as caught:
        store(file(tmp_path, "a.csv", "user,item,rating\nann,x,5\n"))
    assert caught.value.may_pass
    assert not [path for path in memory_hdfs.files if "/raw/" in path]


@pytest.mark.parametrize("line", ["user\t7\tann", "user\tx\tann", "movie\t1\tann", "user\t1", "user\t1\tann\tx"])
def test_a_damaged_dictionary_is_refused_with_its_line(
    line: str, store: Store, memory_hdfs: Any, tmp_path: Path
) -> None:
    memory_hdfs.files["/marquee/ids/mine/00000001.tsv"] = f"item\t20000001\tx\n{line}\n".encode()
    with pytest.raises(IngestError, match=r"00000001\.tsv, line 2 is no line"):
        store(file(tmp_path, "a.csv", "user,item,rating\nann,x,5\n"))


def test_the_mapping_is_in_the_manifest_and_another_mapping_is_another_snapshot(
    store: Store, memory_hdfs: Any, tmp_path: Path
) -> None:
    archive = file(tmp_path, "events.csv", samples.RETAILROCKET)
    proposed = mapping_for(archive, tmp_path)
    text = proposed.read_text()
    first = store(archive, proposed)
    manifest = json.loads(memory_hdfs.files[f"{ROOT}/{FIRST}/manifest.json"])
    assert manifest["source"]["mapping"] == text
    assert first["source"]["mapping"] == text
    assert memory_hdfs.files[f"{ROOT}/{FIRST}/mapping.toml"].decode() == text
    assert manifest["source"]["rows"] == {"kept": 4, "seen": 0, "rejected": 0}
    assert store(archive, proposed, batch_id=SECOND)["snapshot"] == f"{ROOT}/{FIRST}"
    other = mapping_for(archive, tmp_path, ("view = 1", "view = 0"))
    third = store(archive, other, batch_id="20261125T190000")
    assert third["snapshot"] == f"{ROOT}/20261125T190000"
    assert third["content_sha256"] != first["content_sha256"]
    # A weight of 0 is a mark for seen.
    assert b"\n2\t20000002\t0\t1433224214\n" in memory_hdfs.files[f"{ROOT}/20261125T190000/ratings.tsv"]


def test_a_rejected_row_is_in_the_snapshot_with_reason_file_number_and_text(
    store: Store, memory_hdfs: Any, cleaned: Any, tmp_path: Path
) -> None:
    good = "".join(f"u{n},x,3,150000000{n}\n" for n in range(9))
    archive = file(tmp_path, "a.csv", f'user,item,rating,time\n{good},x,3,1500000000\n"u ""9""",x,3\n')
    result = store(archive)
    lines = memory_hdfs.files[f"{ROOT}/{FIRST}/ratings.tsv"].decode().splitlines()
    assert lines[9:] == [
        "!user_missing\ta.csv\t11\t,x,3,1500000000",
        '!missing_fields\ta.csv\t12\t"u ""9""",x,3',
    ]
    assert next(file["rows"] for file in result["files"] if file["name"] == "ratings.tsv") == 11
    assert result["source"]["rejected"] == {"missing_fields": 1, "user_missing": 1}
    rows = cleaned(MRCleanRatings, "ratings.tsv", "rows")
    assert [row[7] for row in rows if row[0] == "quarantined"] == ["user_missing", "missing_fields"]


def test_too_many_rejected_rows_stop_at_ingest_and_name_the_commonest_reasons_and_the_mapping_line(
    store: Store, memory_hdfs: Any, tmp_path: Path
) -> None:
    rows = "".join(f"u{n},x,{9 if n % 2 else 3},1500000000\n" for n in range(40))
    archive = file(tmp_path, "a.csv", "user,item,rating,time\n" + rows)
    mapping = mapping_for(archive, tmp_path, ("highest = 10", "highest = 5"))
    with pytest.raises(IngestError) as caught:
        store(archive, mapping)
    assert not caught.value.may_pass
    assert str(caught.value) == (
        "20 of 40 rows (50.0%) break a rule, and 20% may. 20 value_outside_scale, such as row 3, 'u1,x,9,1500000000'. "
        "The value is outside the scale. Correct `lowest` and `highest` in [values], or add it to `seen`. "
        "Look again by `make inspect ARCHIVE=... MAPPING=...`."
    )
    assert not [path for path in memory_hdfs.files if "/raw/" in path or "/ids/mine" in path]


@pytest.mark.parametrize("shape", ["Steam", "Last.fm", "Netflix"])
def test_without_a_mapping_a_guess_at_user_or_item_is_refused(shape: str, store: Store, tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"only guessed\. Write the mapping by `make inspect ARCHIVE=\.\.\.`"):
        store(archive_of(shape, tmp_path))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ml-1m", "ml-1m is a data set of MovieLens"),
        ("movielens-embedded", "is a data set of MovieLens"),
        ("reviews", "Own data cannot be named 'reviews'"),
        ("My Shop", "Own data cannot be named 'My Shop'"),
        ("../x", "Own data cannot be named"),
        ("_x", "Own data cannot be named"),
        ("x" * 64, "Own data cannot be named"),
    ],
)
def test_a_name_that_own_data_may_not_have_is_refused(name: str, says: str, store: Store, tmp_path: Path) -> None:
    archive = file(tmp_path, "ratings.csv", samples.MOVIELENS)
    with pytest.raises(IngestError, match=says):
        store(archive, mapping_for(archive, tmp_path), dataset=name)


def test_an_unknown_data_set_without_an_archive_is_refused_with_the_known_names(store: Store) -> None:
    with pytest.raises(
        IngestError, match=r"There is no data set 'ml-25mm'.*ml-25m, ml-32m.*give ARCHIVE=path or SOURCE too"
    ):
        store(None, dataset="ml-25mm")


def feedback(folder: Path, ratings: str, **about: Any) -> Path:
    """Write an export of the accounts service."""
    import hashlib

    export = folder / "feedback" / FIRST
    export.mkdir(parents=True, exist_ok=True)
    text = f"userId,movieId,rating,timestamp\n{ratings}"
    (export / "ratings.csv").write_text(text, encoding="utf-8")
    entry = {"name": "ratings.csv", "rows": text.count("\n") - 1, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    given = {"batch_id": FIRST, "watermark": 1, "data_through": None, "later_ratings": 0, "files": [entry], **about}
    (export / "manifest.json").write_text(json.dumps(given))
    return export


def test_ratings_of_the_accounts_service_join_own_data_by_its_own_ids(
    store: Store, memory_hdfs: Any, tmp_path: Path
) -> None:
    ratings = '1000000001,y,4.5,1600000000\n1000000002,"a,""b",2.0,1600000001\n1000000002,gone,1.0,1600000002\n'
    export = feedback(tmp_path, ratings, own_data="mine")
    rows = 'user,item,rating\nann,x,5\nann,"a,""b",3\nbob,y,4\n'
    result = store(file(tmp_path, "a.csv", rows), feedback=export)
    assert result["layout"]["ratings"]["file"] == "*ratings.tsv"
    numbers = {own_id: number for (kind, number), own_id in own_ids(memory_hdfs).items() if kind == "item"}
    quoted = 'a,"b'
    assert memory_hdfs.files[f"{ROOT}/{FIRST}/feedback-ratings.tsv"].decode() == (
        f"1000000001\t{numbers['y']}\t4.5\t1600000000\n"
        f"1000000002\t{numbers[quoted]}\t2.0\t1600000001\n"
        "!rejected_by_ingest\tratings.csv\t4\t1000000002,gone,1.0,1600000002\n"
    )


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({}, "has the ratings of MovieLens, and this is a run of mine"),
        ({"own_data": "other"}, "has the ratings of other"),
    ],
)
def test_ratings_of_another_data_set_do_not_join(
    about: dict[str, str], says: str, store: Store, memory_hdfs: Any, tmp_path: Path
) -> None:
    export = feedback(tmp_path, "1000000001,1,4.5,1600000000\n", **about)
    with pytest.raises(IngestError, match=says):
        store(file(tmp_path, "a.csv", "user,item,rating\nann,1,5\n"), feedback=export)
    assert not any(path.startswith(ROOT) for path in memory_hdfs.files)


def test_the_items_of_each_data_set_have_numbers_that_no_other_data_set_has(
    store: Store, memory_hdfs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = file(tmp_path, "a.csv", "user,item,rating\nann,x,5\n")
    store(archive)
    rename = memory_hdfs._rename
    raced = []

    def another_was_faster(source: str, destination: str, renameoptions: str) -> None:
        if destination == "/marquee/ids/_ranges/002" and not raced:
            raced.append(destination)
            memory_hdfs.files[destination] = b"theirs"
        rename(source, destination, renameoptions)

    monkeypatch.setattr(memory_hdfs, "_rename", another_was_faster)
    store(archive, dataset="other")
    store(archive, dataset="other", batch_id=SECOND)
    assert {path: content for path, content in memory_hdfs.files.items() if "/_ranges/" in path} == {
        "/marquee/ids/_ranges/001": b"mine",
        "/marquee/ids/_ranges/002": b"theirs",
        "/marquee/ids/_ranges/003": b"other",
    }
    assert memory_hdfs.files["/marquee/ids/other/00000001.tsv"] == b"user\t1\tann\nitem\t60000001\tx\n"
