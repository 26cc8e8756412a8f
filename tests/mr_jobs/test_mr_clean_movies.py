"""The movies job."""

from __future__ import annotations

from mr_clean_movies import MRCleanMovies

HEADER = b"movieId,title,genres\n"


def test_a_csv_title_with_commas_and_quotes_comes_out_whole(clean):
    content = (
        HEADER
        + b'11,"American President, The (1995)",Comedy|Drama\n51372,"""Great Performances"" Cats (1998)",Musical\n'
    )
    assert clean(MRCleanMovies, content, name="movies.csv") == [
        ("clean", "movies.csv", "21", "11", "American President, The", "1995", "Comedy|Drama", "\\N", "\\N"),
        ("clean", "movies.csv", "70", "51372", '"Great Performances" Cats', "1998", "Musical", "\\N", "\\N"),
    ]


def test_a_movie_without_year_and_genres_has_null_and_empty_text(clean):
    assert clean(MRCleanMovies, HEADER + "7,Café,(no genres listed)\r\n".encode(), name="movies.csv") == [
        ("clean", "movies.csv", "21", "7", "Café", "\\N", "", "\\N", "\\N")
    ]


def test_bytes_that_are_not_utf8_are_quarantined_as_they_stand(clean, raw):
    line = b"7,Caf\xe9 (1995),Drama"
    assert clean(MRCleanMovies, HEADER + line + b"\n", name="movies.csv") == [
        ("quarantined", "movies.csv", "21", *("\\N",) * 4, "not_utf8", raw(line))
    ]


def test_the_last_row_of_a_movie_wins(clean):
    content = HEADER + b"7,Old (1995),Drama\n7,New (1995),Drama\n"
    assert [(row[0], row[4], row[7]) for row in clean(MRCleanMovies, content, name="movies.csv")] == [
        ("superseded", "Old", "newer_row_exists"),
        ("clean", "New", "\\N"),
    ]


def test_double_colon_rows_of_ml_1m_are_latin1(clean):
    rows = clean(MRCleanMovies, b"7::Caf\xe9 (1995)::Children's|Drama\n", "--layout", "double_colon", name="movies.dat")
    assert rows == [("clean", "movies.dat", "0", "7", "Café", "1995", "Children|Drama", "\\N", "\\N")]


def test_u_item_rows_have_pipes_and_genre_flags(clean, raw):
    flags = b"|".join([b"0"] * 5 + [b"1"] + [b"0"] * 13)
    good = b"1|Toy Story (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Toy|" + flags
    short = b"2|GoldenEye (1995)|01-Jan-1995|"
    rows = clean(MRCleanMovies, good + b"\n" + short + b"\n", "--layout", "tab", name="u.item")
    assert rows == [
        ("clean", "u.item", "0", "1", "Toy Story", "1995", "Comedy", "\\N", "\\N"),
        ("quarantined", "u.item", str(len(good) + 1), *("\\N",) * 4, "missing_fields", raw(short)),
    ]


def test_an_item_of_own_data_has_a_year_of_its_own_or_the_title_s(clean):
    content = b"1\tHamlet\t1996\tDrama|Play\n2\tDune (1984)\t\t\n!item_missing\tbooks.csv\t4\t;x\n"
    rows = clean(MRCleanMovies, content, "--layout", "strengths", "--encoding", "utf-8", name="movies.tsv")
    assert [row[0:1] + row[3:8] for row in rows] == [
        ("clean", "1", "Hamlet", "1996", "Drama|Play", "\\N"),
        ("clean", "2", "Dune", "1984", "", "\\N"),
        ("quarantined", "\\N", "\\N", "\\N", "\\N", "item_missing"),
    ]
