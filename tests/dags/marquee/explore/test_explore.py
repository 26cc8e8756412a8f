"""Test the page of a data set: numbers by hand, every fault, no outside parts."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marquee.explore.__main__ import main
from marquee.explore.measure import Measures, gini, head_share, measure
from marquee.ingest.movielens import movielens_files, shipped_mapping
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.reading.rows import reader
from marquee.ingest.reading.text.lines import line_blocks

CSV, DOUBLE_COLON_1M, TAB = "movielens-csv", "movielens-double-colon-1m", "movielens-tab"
JANUARY, FEBRUARY = 946_684_800, 949_363_200  # 2000-01-01 and 2000-02-01, UTC
RATINGS = f"""userId,movieId,rating,timestamp
1,10,4.0,{JANUARY}
1,20,5.0,{JANUARY}
2,10,3.0,{FEBRUARY}
2,10,3.0,{FEBRUARY}
3,99,9.5,{FEBRUARY}
3,20,,{FEBRUARY}
broken
4,10,4.0,{JANUARY},more
"""
MOVIES = """movieId,title,genres
10,"Chain, The (1999)",Drama|War
20,Nameless,(no genres listed)
30,Never Seen (2001),War
30,Never Seen (2001),War
"""


def measured(folder: Path, name: str, **files: str) -> Measures:
    mapping, _ = shipped_mapping(name)
    for file, text in files.items():
        (folder / file.replace("_", ".")).write_bytes(text.encode(mapping.ratings.encoding))
    return measure(movielens_files(open_members(folder), mapping, name, "the folder"), mapping)


@pytest.fixture
def faulty(tmp_path: Path) -> Measures:
    return measured(
        tmp_path, CSV, ratings_csv=RATINGS, movies_csv=MOVIES, links_csv="movieId,imdbId,tmdbId\n10,0012345,\n"
    )


def test_rows_faults_and_gaps_of_each_file_are_counted(faulty: Measures) -> None:
    ratings, movies, links = (faulty.files[role] for role in ("ratings", "movies", "links"))
    assert (ratings.rows, ratings.malformed, ratings.repeated) == (8, 2, 1)
    assert ratings.missing == {"user_id": 0, "movie_id": 0, "rating": 1, "rated_at": 0}
    assert (movies.rows, movies.malformed, movies.repeated) == (4, 0, 1)
    assert links.missing == {"movie_id": 0, "imdb_id": 0, "tmdb_id": 1}


def test_the_distributions_are_counts_by_value_user_movie_and_month(faulty: Measures) -> None:
    assert faulty.ratings.to_dict() == {3.0: 2, 4.0: 1, 5.0: 1, 9.5: 1}
    assert faulty.ratings_by_user.to_dict() == {1: 2, 2: 2, 3: 2}
    assert faulty.ratings_by_movie.to_dict() == {10: 3, 20: 2, 99: 1}
    assert {f"{month:%Y-%m}": count for month, count in faulty.ratings_by_month.items()} == {"2000-01": 2, "2000-02": 3}
    assert faulty.mean_by_month.to_list() == [4.5, pytest.approx((3 + 3 + 9.5) / 3)]


def test_what_cleaning_will_meet_is_counted(faulty: Measures) -> None:
    assert faulty.not_half_stars == 1
    assert faulty.ratings_of_unknown_movies == 1
    assert faulty.movies_unrated == 2
    assert faulty.movies_by_year.to_dict() == {1999: 1, 2001: 2}
    assert faulty.movies_by_genre.to_dict() == {"War": 3, "Drama": 1}


def test_a_file_with_a_header_and_no_row_is_counted_as_empty(tmp_path: Path) -> None:
    ratings = f"userId,movieId,rating,timestamp\n1,10,4.0,{JANUARY}\n"
    found = measured(
        tmp_path, CSV, ratings_csv=ratings, movies_csv=MOVIES, tags_csv="userId,movieId,tag,timestamp\n"
    ).files["tags"]
    assert (found.rows, found.malformed, found.repeated) == (0, 0, 0)


def test_two_colons_and_latin_1_are_read(tmp_path: Path) -> None:
    found = measured(
        tmp_path,
        DOUBLE_COLON_1M,
        ratings_dat=f"1::10::4::{JANUARY}\n2::10::5::{FEBRUARY}\n",
        movies_dat="10::Cité: des enfants (1995)::Fantasy\n",
        users_dat="1::F::25::20::55105\n",
    )
    assert found.ratings.to_dict() == {4: 1, 5: 1}
    assert found.movies_by_year.to_dict() == {1995: 1}
    assert found.files["users"].rows == 1


def test_ml_100ks_genres_are_flags(tmp_path: Path) -> None:
    flags = "|".join("1" if n in (1, 5) else "0" for n in range(19))
    found = measured(
        tmp_path, TAB, u_data=f"1\t10\t4\t{JANUARY}\n", u_item=f"10|A (1995)|01-Jan-1995||http://x|{flags}\n"
    )
    assert found.movies_by_genre.to_dict() == {"Action": 1, "Comedy": 1}


def test_blocks_of_lines_give_the_same_measures_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "".join(f"{n % 7 + 1},{n % 11 + 1},{n % 10 / 2 + 0.5},{JANUARY + n * 86_400}\n" for n in range(500))
    files = {"ratings_csv": "userId,movieId,rating,timestamp\n" + lines, "movies_csv": MOVIES}
    whole = measured(tmp_path, CSV, **files)
    monkeypatch.setattr(reader, "line_blocks", partial(line_blocks, block_bytes=1))
    monkeypatch.setattr("marquee.ingest.reading.text.lines.CHUNK_BYTES", 1000)
    blocks = measured(tmp_path, CSV, **files)
    assert blocks.files == whole.files
    for name in ("ratings", "ratings_by_month", "mean_by_month", "ratings_by_user", "ratings_by_movie"):
        pd.testing.assert_series_equal(getattr(blocks, name), getattr(whole, name))


@pytest.mark.parametrize(("counts", "expected"), [([5, 5, 5, 5], 0.0), ([0, 0, 0, 8], 0.75), ([1, 3], 0.25), ([], 0.0)])
def test_gini_by_hand(counts: list[int], expected: float) -> None:
    assert gini(pd.Series(counts, dtype=float)) == pytest.approx(expected)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=60))
def test_gini_lies_between_equal_and_all_in_one_hand(counts: list[int]) -> None:
    assert -1e-9 <= gini(pd.Series(counts)) < 1


def test_the_top_tenth_of_ten_is_the_greatest_one() -> None:
    assert head_share(pd.Series([1] * 9 + [91]), 0.1) == pytest.approx(0.91)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "ratings.csv").write_text(RATINGS)

    def write(movies: str) -> str:
        (folder / "movies.csv").write_text(movies)
        output = tmp_path / "out" / "page.html"
        assert main(["--dataset", "ml-latest-small", "--archive", str(folder), "--output", str(output)]) == 0
        return output.read_text()

    return write


def test_the_page_holds_all_that_it_shows_and_asks_no_other_host(written: Callable[[str], str]) -> None:
    page = written(MOVIES)
    assert re.findall(r'(?:src|href)="(?!#)([^"]*)"', page) == []
    assert "<script" not in page
    assert "url(" not in re.sub(r"url\(#[^)]*\)", "", page)
    assert page.count("<svg") == 6


def test_each_plot_says_in_words_what_it_shows_and_each_table_has_a_caption(written: Callable[[str], str]) -> None:
    page = written(MOVIES)
    assert len(re.findall(r'<svg role="img" aria-label="[^"]{20,}"', page)) == 6
    assert page.count("<table>") == page.count("<caption>")
    assert page.count("<figure>") == page.count("<figcaption>")
    for svg in re.findall(r"<svg.*?</svg>", page, re.S):
        ET.fromstring(svg)


def test_names_in_the_data_are_text_on_the_page_and_no_markup(written: Callable[[str], str]) -> None:
    page = written('movieId,title,genres\n10,A (1999),"<script>alert(1)</script>"\n')
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_same_data_give_the_same_page(written: Callable[[str], str]) -> None:
    assert written(MOVIES) == written(MOVIES)


def test_a_source_that_ingest_would_refuse_is_refused_in_its_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    assert main(["--dataset", "ml-latest-small", "--archive", str(tmp_path), "--output", str(tmp_path / "p.html")]) == 1
    assert "has no movies.csv" in capsys.readouterr().err
    assert not (tmp_path / "p.html").exists()


ODD_ROWS = {
    "text ids": f"anna,tt1,4.0,{JANUARY}\nbert,tt2,3.0,{JANUARY}\n",
    "text users": f"anna,10,4.0,{JANUARY}\n",
    "text items": f"1,tt1,4.0,{JANUARY}\n",
    "times in milliseconds": f"1,10,4.0,{JANUARY}000\n",
    "times in ISO form": "1,10,4.0,2000-01-01T00:00:00Z\n",
    "empty times": "1,10,4.0,\n2,10,3.0,\n",
    "negative times": "1,10,4.0,-5\n",
    "no number among the ratings": f"1,10,good,{JANUARY}\n",
    "empty ratings": f"1,10,,{JANUARY}\n",
    "ids as decimals": f"1.0,10.0,4.0,{JANUARY}\n",
    "ids beyond 32 bits": f"99999999999,88888888888,4.0,{JANUARY}\n",
    "ids beyond 64 bits": f"99999999999999999999,10,4.0,{JANUARY}\n",
    "infinite ids": f"inf,-inf,4.0,{JANUARY}\n",
    "infinite ratings": f"1,10,inf,{JANUARY}\n",
    "all empty": ",,,\n",
    "all malformed": "a\nb\n",
}


@pytest.mark.parametrize("kind", ODD_ROWS)
def test_odd_rows_give_a_page_and_never_a_traceback(kind: str, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + ODD_ROWS[kind])
    (tmp_path / "movies.csv").write_text(MOVIES)
    output = tmp_path / "out" / "p.html"
    assert main(["--dataset", "ml-latest-small", "--archive", str(tmp_path), "--output", str(output)]) == 0
    assert "What cleaning will meet" in output.read_text()


def test_own_data_are_drawn_by_their_mapping(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("who;what;when\nanna;tt1;2020-01-05\nbert;tt1;2020-02-05\nanna;tt2;x\n")
    (tmp_path / "mapping.toml").write_text(
        '[ratings]\nfiles = "events.csv"\ndelimiter = ";"\n[ratings.columns]\nuser = "who"\nitem = "what"\n'
        'time = "when"\n[time]\nunit = "iso"\n'
    )
    output = tmp_path / "p.html"
    arguments = ["--archive", str(tmp_path / "events.csv"), "--mapping", str(tmp_path / "mapping.toml")]
    assert main(["--dataset", "shop", *arguments, "--output", str(output)]) == 0
    page = output.read_text()
    assert "shop: what the data hold" in page
    assert "<td>time_not_readable 1</td>" in page
    assert "No value could be read as a number" in page


def test_a_mapping_without_an_archive_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--mapping", "m.toml", "--output", str(tmp_path / "p.html")]) == 1
    assert "A mapping needs the archive that it describes" in capsys.readouterr().err
