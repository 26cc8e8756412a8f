"""How searches rank, what they find, and that no text breaks them."""
# ruff: noqa: RUF001 - it is about letters that look like others

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.publications.search.hangul import readings
from serving.publications.search.index import SearchIndex, Title, ids_behind
from serving.publications.search.numerals import tokens_of
from serving.publications.search.titles import names_of
from serving.publications.search.typos import KnownWords, one_slip_away
from serving.publications.search.words import words_of

CATALOGUE = [
    Title(1, "Heat", 1995, 10),
    Title(2, "Heat", 1986, 2),
    Title(3, "Heathers", 1989, 50),
    Title(4, "In the Heat of the Night", 1967, 40),
    Title(5, "Cheatin' Hearts", 1993, 60),
    Title(6, "Beat the Devil", 1953, 70),
    Title(7, "Spider-Man", 2002, 30),
    Title(8, "Amazing Spider-Man, The", 2012, 20),
    Title(9, "올드보이", 2003, 9),
    Title(10, "L.A. Confidential", 1997, 8),
    Title(11, "(500) Days of Summer", 2009, 7),
    Title(12, "Heat Wave", None, 5),
]
INDEX = SearchIndex(CATALOGUE)


def found(text: str) -> list[int]:
    return [int(movie_id) for movie_id in INDEX.find(text)]


def test_a_name_comes_before_its_beginning_then_words_parts_and_slips_and_popular_ones_first() -> None:
    # The two of that name, a name that begins with the word, a name with the word, words that begin so, that hold it.
    assert found("heat") == [1, 2, 12, 4, 3, 5]
    # Nothing fits as it is typed: one slip away are "heat" and "beat", which one letter more makes of "eat".
    assert found("hheat") == [4, 1, 12, 2]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("spiderman", [7, 8]),
        ("spider man", [7, 8]),
        ("Spider–Man", [7, 8]),
        ("spi der man", [7, 8]),
        ("spidrman", [7]),
        ("man spider", [7, 8]),
        ("heat (1995)", [1]),
        ("heat 1986", [2]),
        ("heat 198", [2, 3]),
        ("1997", [10]),
        ("l.a. confidential", [10]),
        ("LA CONFIDENTIAL", [10]),
        ("500 days", [11]),
        ("five hundred days of summer", [11]),
        ("올드", [9]),
        ("올드ㅂ", [9]),
        ("올듭", [9]),
        ("올드버이", [9]),
        ("\u110b\u1169\u11af\u1103\u1173\u1107\u1169\u110b\u1175", [9]),
        ("ㅗㄷㅁㅅ", [1, 2, 12, 4, 3, 5]),
        ("zzzz", []),
        ("  ", []),
        ("'", []),
        ("\x00", []),
        ("\ud800", []),
        ("٥٠٠ days", [11]),
        ("x" * 5000, []),
        ("9" * 5000, []),
        ("heat " * 40, [4, 1, 12, 2, 3, 5]),
    ],
)
def test_what_people_type_finds(typed: str, expected: list[int]) -> None:
    assert found(typed) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Schindler's List", ["schindlers", "list"]),
        ("WALL·E", ["wall", "e"]),
        ("E.T. the Extra-Terrestrial", ["et", "the", "extra", "terrestrial"]),
        ("M*A*S*H", ["mash"]),
        ("8½", ["8", "1", "2"]),
        ("Alien³", ["alien", "3"]),
        ("20,000 Leagues", ["20000", "leagues"]),
        ("Æon Flux, Łódź & Straße", ["aeon", "flux", "lodz", "and", "strasse"]),
        ("zero\u200bwidth so\u00adft", ["zerowidth", "soft"]),
        ("ＰＡＮ＇Ｓ", ["pans"]),
        ("١٢ ۷", ["12", "7"]),
        ("snake_case", ["snake", "case"]),
    ],
)
def test_words_are_compared_without_what_people_write_differently(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "one_way"),
    [
        ("seven", "7"),
        ("twenty one grams", "21 grams"),
        ("one hundred and one dalmatians", "101 dalmatians"),
        ("twenty thousand leagues", "20000 leagues"),
        ("part ii", "part 2"),
        ("thirteenth 13th third", "13th 13th 3th"),
        ("nineteen eighty four", "19 84"),
        ("two two", "2 2"),
        ("ten one", "10 1"),
        ("hundred", "hundred"),
        ("and one", "and 1"),
        ("one hundred and", "100 and"),
        ("doctor mister volume", "dr mr vol"),
        ("zero", "0"),
    ],
)
def test_numbers_are_written_in_one_way(text: str, one_way: str) -> None:
    assert " ".join(token.one_way for token in tokens_of(text.split())) == one_way


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Matrix, The", ["The Matrix"]),
        ("Amelie (Fabuleux destin d'Amélie Poulain, Le)", ["Amelie", "Le Fabuleux destin d'Amélie Poulain"]),
        ("Seven (a.k.a. Se7en)", ["Seven", "Se7en"]),
        ("Spanish Apartment, The (Auberge espagnole, L')", ["The Spanish Apartment", "L'Auberge espagnole"]),
        ("(500) Days of Summer", ["500 Days of Summer"]),
        ("Babies (Bébé(s))", ["Babies", "Bébé(s)"]),
        ("Untitled", ["Untitled"]),
        ("()", []),
    ],
)
def test_a_title_gives_names(title: str, names: list[str]) -> None:
    assert names_of(title) == names


def test_hangul_is_read_as_its_keys_and_as_its_sound() -> None:
    assert readings("matrix") == ["matrix"]
    assert readings("ㅡㅁㅅ걑") == ["ㅡㅁㅅ걑", "matrix", "ㅡㅁㅅgyat"]
    assert readings("살인의 추억")[2] == "sarinui chueok"
    assert readings("쉬리 2")[1:] == ["tnlfl 2", "swiri 2"]


def test_a_slip_is_one_letter_more_less_other_or_swapped_in_words_of_four_and_more() -> None:
    known = KnownWords(["heat", "heart", "hat", "meat", "haet", "heats", "hearts", "beast"])
    assert sorted(set(known.one_slip_away("heat"))) == ["haet", "hat", "heart", "heat", "heats", "meat"]
    assert list(one_slip_away("hea")) == []
    assert list(one_slip_away("1984")) == []
    assert KnownWords([]).one_slip_away("heat") == []


def test_an_empty_catalogue_finds_nothing() -> None:
    assert SearchIndex([]).find("heat").size == 0


def test_pages_go_on_behind_a_movie_and_end_behind_an_unknown_one() -> None:
    ids = INDEX.find("heat")
    assert ids_behind(ids, 0).tolist() == [1, 2, 12, 4, 3, 5]
    assert ids_behind(ids, 12).tolist() == [4, 3, 5]
    assert ids_behind(ids, 5).tolist() == []
    assert ids_behind(ids, 7).tolist() == []


@given(st.text(max_size=100))
def test_any_text_is_searched_and_gives_each_movie_once(text: str) -> None:
    ids = found(text)
    assert len(ids) == len(set(ids))


@given(st.text(min_size=1, max_size=60))
def test_a_movie_is_found_by_its_own_title_whatever_it_is(title: str) -> None:
    index = SearchIndex([*CATALOGUE, Title(99, title, None, 0)])
    assert not words_of(title) or 99 in index.find(title)
