# ruff: noqa: E501 - lines of data
"""Test each shape that public sets have, from inspect's proposal to rows, with the rows written out."""

from pathlib import Path

import pytest
import shape_samples as samples
from conftest import Read

pytestmark = pytest.mark.filterwarnings("error")


def file(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_book_crossing_has_semicolons_latin_1_backslashes_and_zeros_that_mean_seen(
    tmp_path: Path, proposed_rows: Read
) -> None:
    archive = samples.zipped(
        tmp_path / "BX-CSV-Dump.zip",
        {
            "BX-Book-Ratings.csv": samples.BOOK_CROSSING.encode("latin-1"),
            "BX-Books.csv": samples.BOOKS.encode("latin-1"),
        },
    )
    mapping, rows, rejected = proposed_rows(archive)
    assert rows[:3] == [
        ("276725", "034545104X", "seen", "", ""),
        ("276726", "0155061224", "5", "", ""),
        ("276727", "0446520802", "seen", "", ""),
    ]
    assert (len(rows), rejected) == (10, [])
    assert (mapping.values.lowest, mapping.values.highest, mapping.values.seen) == (1, 10, (0.0,))
    books = mapping.tables["items"]
    assert (books.encoding, books.delimiter, books.quote, books.escape) == ("latin_1", ";", '"', "backslash")
    assert books.columns == {"item": "ISBN", "title": "Book-Title", "year": "Year-Of-Publication"}
    assert (mapping.integer_users, mapping.integer_items) == (True, False)


def test_goodbooks_has_no_times(tmp_path: Path, proposed_rows: Read) -> None:
    mapping, rows, rejected = proposed_rows(file(tmp_path, "ratings.csv", samples.GOODBOOKS))
    assert rows[:2] == [("1", "258", "5", "", ""), ("2", "4081", "4", "", "")]
    assert (len(rows), rejected) == (6, [])
    assert "time" not in mapping.ratings.columns


def test_jester_is_a_wide_matrix_from_minus_10_to_10_with_99_for_none(tmp_path: Path, proposed_rows: Read) -> None:
    mapping, rows, rejected = proposed_rows(file(tmp_path, "jester-data-1.csv", samples.jester()))
    assert rows[:4] == [
        ("1", "1", "-9.34", "", ""),
        ("1", "4", "-6.34", "", ""),
        ("1", "8", "-2.34", "", ""),
        ("2", "2", "-1.34", "", ""),
    ]
    assert (len(rows), rejected) == (36, [])
    assert (mapping.values.lowest, mapping.values.highest) == (-10, 10)
    assert (mapping.ratings.shape, mapping.ratings.none, mapping.ratings.first_item) == ("matrix", ("99",), 2)


def test_the_users_of_a_matrix_may_be_names(tmp_path: Path, proposed_rows: Read) -> None:
    head = "user," + ",".join(f"film {item}" for item in range(30)) + "\n"
    rows = "".join(f"u{user}," + ",".join(str((user + item) % 5 + 1) for item in range(30)) + "\n" for user in range(8))
    (tmp_path / "wide.csv").write_text(head + rows)
    mapping, found, rejected = proposed_rows(tmp_path / "wide.csv")
    assert mapping.ratings.first_item == 2
    assert (len(found), rejected) == (240, [])
    assert found[0] == ("u0", "film 0", "1", "", "")


def test_amazon_reviews_are_json_lines_in_gzip(tmp_path: Path, proposed_rows: Read) -> None:
    archive = samples.gzipped(tmp_path / "reviews_Books_5.json.gz", samples.json_lines(samples.AMAZON))
    mapping, rows, rejected = proposed_rows(archive)
    assert rows == [
        ("A2SUAM1J3GNN3B", "0000013714", "5", "2009-09-13 00:00:00", ""),
        ("A1KLRMWW2FWPL4", "0000031887", "2", "2011-02-12 00:00:00", ""),
    ]
    assert rejected == []
    assert mapping.ratings.columns["time"] == "unixReviewTime"
    assert (mapping.values.lowest, mapping.values.highest) == (1, 5)


def test_yelp_has_iso_times_and_nested_fields(tmp_path: Path, proposed_rows: Read) -> None:
    path = file(tmp_path, "yelp_academic_dataset_review.json", samples.json_lines(samples.YELP).decode())
    mapping, rows, rejected = proposed_rows(path)
    assert rows == [
        ("mh_-eMZ6K5RLWhZyISBhwA", "XQfwVwDr-v0ZS3_CbbE5Xw", "3", "2018-07-07 22:09:11", ""),
        ("OyoGAe7OKpv6SyGZT5g77Q", "7ATYjTIgM3jUlt4UM3IypQ", "5", "2012-01-03 15:28:18", ""),
    ]
    assert rejected == []
    assert mapping.ratings.columns["user"] == "author.user_id"


def test_steam_has_no_header_titles_as_ids_and_hours_played(tmp_path: Path, proposed_rows: Read) -> None:
    mapping, rows, rejected = proposed_rows(file(tmp_path, "steam-200k.csv", samples.STEAM))
    assert rows[1:] == [
        ("151603712", "The Elder Scrolls V Skyrim", "273", "", "play"),
        ("151603712", "Fallout 4", "5", "", "purchase"),
        ("151603712", "Fallout 4", "87", "", "play"),
        ("59945701", "Counter, Strike", "5", "", "purchase"),
        ("59945701", "Counter, Strike", "0.7", "", "play"),
    ]
    assert rejected == []
    assert mapping.events == {"play": 1.0, "purchase": 5.0}


def test_lastfm_has_sha1_users_play_counts_and_empty_fields(tmp_path: Path, proposed_rows: Read) -> None:
    mapping, rows, rejected = proposed_rows(file(tmp_path, "usersha1-artmbid-artname-plays.tsv", samples.LASTFM))
    assert rows[:2] == [
        ("00000c289a1829a808ac09c00daf10bc3c4e223b", "betty blowtorch", "2137", "", ""),
        ("00000c289a1829a808ac09c00daf10bc3c4e223b", "die Ärzte", "1099", "", ""),
    ]
    assert (len(rows), rejected, mapping.values.kind) == (4, [], "strength")


def test_the_netflix_prize_has_blocks_of_an_item(tmp_path: Path, proposed_rows: Read) -> None:
    mapping, rows, rejected = proposed_rows(file(tmp_path, "combined_data_1.txt", samples.NETFLIX))
    assert rows == [
        ("1488844", "1", "3", "2005-09-06 00:00:00", ""),
        ("822109", "1", "5", "2005-05-13 00:00:00", ""),
        ("885013", "2", "4", "2005-10-19 00:00:00", ""),
        ("30878", "2", "4", "2005-12-26 00:00:00", ""),
    ]
    assert (rejected, mapping.ratings.shape) == ([], "item-blocks")


def test_retailrocket_has_several_events_a_pair_in_milliseconds(tmp_path: Path, proposed_rows: Read) -> None:
    mapping, rows, rejected = proposed_rows(file(tmp_path, "events.csv", samples.RETAILROCKET))
    assert rows == [
        ("257597", "355908", "1", "2015-06-02 05:02:12", "view"),
        ("992329", "248676", "3", "2015-06-02 05:50:14", "addtocart"),
        ("992329", "248676", "1", "2015-06-02 05:50:14", "view"),
        ("599528", "356475", "5", "2015-06-02 05:17:56", "transaction"),
    ]
    assert (rejected, mapping.time) == ([], "milliseconds")


def test_kuairec_has_a_watch_ratio_and_three_columns_of_time(tmp_path: Path, proposed_rows: Read) -> None:
    mapping, rows, rejected = proposed_rows(file(tmp_path, "big_matrix.csv", samples.KUAIREC))
    assert rows[0] == ("0", "3649", "1.2734", "2020-07-04 16:08:23", "")
    assert (len(rows), rejected) == (3, [])
    assert mapping.ratings.columns == {
        "user": "user_id",
        "item": "video_id",
        "value": "watch_ratio",
        "time": "timestamp",
    }


def test_anime_has_minus_one_for_seen_and_its_items_in_another_file(tmp_path: Path, proposed_rows: Read) -> None:
    archive = samples.zipped(
        tmp_path / "anime.zip", {"rating.csv": samples.ANIME.encode(), "anime.csv": samples.ANIME_ITEMS.encode()}
    )
    mapping, rows, rejected = proposed_rows(archive)
    assert rows[2:4] == [("1", "79", "seen", "", ""), ("2", "11771", "10", "", "")]
    assert (len(rows), rejected, mapping.values.seen) == (6, [], (-1.0,))
    anime = mapping.tables["items"]
    assert anime.columns == {"item": "anime_id", "title": "name", "genres": "genre"}
    assert anime.genre_separator == ","


def test_recbole_has_types_in_its_header(tmp_path: Path, proposed_rows: Read) -> None:
    mapping, rows, rejected = proposed_rows(file(tmp_path, "ml-100k.inter", samples.RECBOLE))
    assert rows[0] == ("196", "242", "3", "1997-12-04 15:55:49", "")
    assert (len(rows), rejected) == (3, [])
    assert (mapping.values.lowest, mapping.values.highest) == (1, 5)


def test_parquet_has_types_of_its_own(tmp_path: Path, proposed_rows: Read) -> None:
    _, rows, rejected = proposed_rows(samples.parquet(tmp_path / "orders.parquet"))
    assert rows == [
        ("c-1", "7", "1", "2020-09-13 12:26:40", ""),
        ("c-2", "8", "4", "2020-09-13 12:27:40", ""),
        ("c-2", "9", "5", "2020-09-13 12:28:40", ""),
    ]
    assert rejected == []


MOVIELENS_ROWS = [
    ("1", "296", "5", "2019-09-15 11:27:24", ""),
    ("1", "306", "3.5", "2019-09-15 08:00:17", ""),
    ("2", "665", "0.5", "2019-09-15 10:47:00", ""),
]
HABITS = {
    "as published": samples.MOVIELENS,
    "two colons": "1::296::5::1568546844\n1::306::3.5::1568534417\n2::665::0.5::1568544420\n",
    "tabs": "1\t296\t5\t1568546844\n1\t306\t3.5\t1568534417\n2\t665\t0.5\t1568544420\n",
    "semicolons and decimal commas": "userId;movieId;rating;timestamp\n1;296;5,0;1568546844\n1;306;3,5;1568534417\n2;665;0,5;1568544420\n",
    "a quoted header and fields": '"userId","movieId","rating","timestamp"\n"1","296","5.0","1568546844"\n"1","306","3.5","1568534417"\n"2","665","0.5","1568544420"\n',
    "another order": "timestamp,rating,movieId,userId\n1568546844,5.0,296,1\n1568534417,3.5,306,1\n1568544420,0.5,665,2\n",
    "an index column": ",userId,movieId,rating,timestamp\n0,1,296,5.0,1568546844\n1,1,306,3.5,1568534417\n2,2,665,0.5,1568544420\n",
    "an unnamed column": "Unnamed: 0,userId,movieId,rating,timestamp\n0,1,296,5.0,1568546844\n1,1,306,3.5,1568534417\n2,2,665,0.5,1568544420\n",
    "upper-case names": "USERID,MOVIEID,RATING,TIMESTAMP\n1,296,5.0,1568546844\n1,306,3.5,1568534417\n2,665,0.5,1568544420\n",
    "blanks after commas": "userId, movieId, rating, timestamp\n1, 296, 5.0, 1568546844\n1, 306, 3.5, 1568534417\n2, 665, 0.5, 1568544420\n",
    "ids as 1.0": "userId,movieId,rating,timestamp\n1.0,296.0,5.0,1568546844.0\n1.0,306.0,3.5,1568534417.0\n2.0,665.0,0.5,1568544420.0\n",
    "Windows line ends": "userId,movieId,rating,timestamp\r\n1,296,5.0,1568546844\r\n1,306,3.5,1568534417\r\n2,665,0.5,1568544420\r\n",
    "no newline at the end": "userId,movieId,rating,timestamp\n1,296,5.0,1568546844\n1,306,3.5,1568534417\n2,665,0.5,1568544420",
    "a byte order mark": "\ufeffuserId,movieId,rating,timestamp\n1,296,5.0,1568546844\n1,306,3.5,1568534417\n2,665,0.5,1568544420\n",
    "times as dates": "userId,movieId,rating,timestamp\n1,296,5.0,2019-09-15 11:27:24\n1,306,3.5,2019-09-15 08:00:17\n2,665,0.5,2019-09-15T10:47:00\n",
    "times as exponents": "userId,movieId,rating,timestamp\n1,296,5.0,1.568546844E9\n1,306,3.5,1.568534417E9\n2,665,0.5,1.56854442E9\n",
    "bars": "user|movie|rating|ts\n1|296|5.0|1568546844\n1|306|3.5|1568534417\n2|665|0.5|1568544420\n",
    "an empty line at the end": "userId,movieId,rating,timestamp\n1,296,5.0,1568546844\n1,306,3.5,1568534417\n2,665,0.5,1568544420\n\n",
}


@pytest.mark.parametrize("habit", HABITS)
def test_habits_of_spreadsheets_and_pandas_give_the_same_rows(habit: str, tmp_path: Path, proposed_rows: Read) -> None:
    text = HABITS[habit].replace("1147880044", "1568546844").replace("1147868817", "1568534417")
    _, rows, rejected = proposed_rows(file(tmp_path, "ratings.csv", text.replace("1147878820", "1568544420")))
    assert rows == MOVIELENS_ROWS
    assert rejected == ([(5, "empty_line")] if habit.startswith("an empty line") else [])
