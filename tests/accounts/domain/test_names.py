"""Names: which are allowed, which read alike, and what is said of those that are refused."""

from __future__ import annotations

import re
import unicodedata

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from serving.accounts.database.engine import Transactions
from serving.accounts.domain.registration import register
from serving.accounts.names import allowed_name, name_key, skeleton

from ..conftest import PASSWORD, SignIn, on_both_databases


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ada", "ADA"), ("Straße", "STRASSE"), ("ﬁlm fan", "Film Fan"), ("\uff21\uff44\uff41", "ada"), ("İx y", "i̇x y")],
)
def test_names_that_differ_in_case_or_form_are_one(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


ALIKE = [
    ("Ada", "\u0410da"),  # Cyrillic A
    ("Ada", "ad\u0430"),
    ("Ada", "\u13aada"),  # Cherokee
    ("paypal", "\u0440\u0430\u0443\u0440\u0430l"),
    ("PayPal", "PayPaI"),
    ("Arne", "Ame"),
    ("Bob0", "BobO"),
    ("user1", "userl"),
    ("\u03bfmega", "omega"),  # Greek omicron
    ("김하나", "\u1100\u1175\u1106\u1112\u1161\u1102\u1161"),  # the same, decomposed
    ("Ada", "A\u200dda"),
    ("Ada", "A\u034fda"),
    ("Ada", "Ada\u3164"),
    ("Ada", "\u202eAda"),
    ("Ada", "A\u00adda"),
    ("Ada", "Ada\U000e0041"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_read_alike_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Ada", "Eda"), ("김하나", "김하니"), ("Jose", "José"), ("user 2", "user 3"), ("Ada", "Ada L")]
)
def test_names_that_read_differently_have_not(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@on_both_databases
@pytest.mark.parametrize(("one", "other"), [pair for pair in ALIKE if "\u200d" not in pair[1]][:9])
def test_a_name_that_reads_like_anothers_is_taken(client: FlaskClient, database_url: str, one: str, other: str) -> None:
    statuses = [
        client.post("/accounts/v1/users", json={"name": name, "password": PASSWORD}).status_code
        for name in (one, other)
    ]
    assert statuses == [201, 409]


INVISIBLE = [
    ("A\u200dda", "U+200D ZERO WIDTH JOINER"),
    ("A\u200cda", "U+200C ZERO WIDTH NON-JOINER"),
    ("A\u200bda", "U+200B ZERO WIDTH SPACE"),
    ("A\u034fda", "U+034F COMBINING GRAPHEME JOINER"),
    ("\u3164\u3164\u3164", "U+3164 HANGUL FILLER"),
    ("\uffa0\uffa0\uffa0", "U+FFA0 HALFWIDTH HANGUL FILLER"),
    ("\u115f\u1160\u1160", "U+115F HANGUL CHOSEONG FILLER"),
    ("Ada\u2800", "U+2800 BRAILLE PATTERN BLANK"),
    ("A\u00adda", "U+00AD SOFT HYPHEN"),
    ("\u202eadA", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ("Ada\u2066x", "U+2066 LEFT-TO-RIGHT ISOLATE"),
    ("Ada\u200e", "U+200E LEFT-TO-RIGHT MARK"),
    ("Ada\u061c", "U+061C ARABIC LETTER MARK"),
    ("Ada\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
    ("Ada\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
    ("Ada\U000e0101", "U+E0101 VARIATION SELECTOR-18"),
    ("Ada\U000e0041", "U+E0041 TAG LATIN CAPITAL LETTER A"),
    ("A\u17b4da", "U+17B4 KHMER VOWEL INHERENT AQ"),
    ("A\u180eda", "U+180E MONGOLIAN VOWEL SEPARATOR"),
    ("A\u2060da", "U+2060 WORD JOINER"),
    ("A\x00da", "U+0000"),
    ("A\u0085da", "U+0085"),
    ("A\u2028da", "U+2028 LINE SEPARATOR"),
]


@pytest.mark.parametrize(("name", "character"), INVISIBLE)
def test_a_name_with_an_invisible_character_is_refused_by_its_code_point(
    client: FlaskClient, name: str, character: str
) -> None:
    answer = client.post("/accounts/v1/users", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 400
    (error,) = answer.get_json()["errors"]
    assert error["field"] == "name"
    assert f"{character}" in error["message"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("\ufb01lm", "U+FB01 LATIN SMALL LIGATURE FI can't be in a name"),
        ("مح\u0640مد", "U+0640 ARABIC TATWEEL can't be in a name"),
        ("Ada محمد1 x1محمد", "letters that are written from the right and from the left can't be in one word"),
        ("x\u0378x", "U+0378 without a name can't be in a name"),
    ],
)
def test_a_character_that_no_name_may_have_is_named(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        allowed_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Ada",
            "Ada Lovelace",
            "김하나",
            "محمد",
            "عل\u06cc\u200cرض\u0627",
            "दीप्ति",
            "क्\u200dष्मा",
            "Œdipe",
            "Ньютон",
            "山田太郎",
        ),
        *("O.Brien", "Jean-Luc", "a_b", "שרה", "Ελένη", "ภาษา"),
    ],
)
def test_names_of_any_script_are_allowed(client: FlaskClient, name: str) -> None:
    answer = client.post("/accounts/v1/users", json={"name": name, "password": PASSWORD})
    assert (answer.status_code, answer.get_json().get("name")) == (201, unicodedata.normalize("NFC", name))
    login = client.post("/accounts/v1/login", json={"name": name, "password": PASSWORD})
    assert login.status_code == 200


def test_a_decomposed_name_is_kept_composed_and_signs_in_either_way(client: FlaskClient) -> None:
    decomposed = unicodedata.normalize("NFD", "김하나")
    answer = client.post("/accounts/v1/users", json={"name": decomposed, "password": PASSWORD})
    assert answer.get_json()["name"] == "김하나"
    for name in ("김하나", decomposed):
        assert client.post("/accounts/v1/login", json={"name": name, "password": PASSWORD}).status_code == 200


def test_an_account_of_before_with_an_invisible_character_still_signs_in(
    client: FlaskClient, factory: Transactions
) -> None:
    register(factory, "A\u200dda", PASSWORD)
    assert client.post("/accounts/v1/login", json={"name": "A\u200dda", "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("name", ["Reads\u202e", "\u3164\u3164\u3164", "Re\u200dads"])
def test_a_clients_name_follows_the_same_rules(sign_in: SignIn, name: str) -> None:
    answer = sign_in("Root", role="admin").request(
        "POST", "/accounts/v1/clients", {"name": name, "scopes": ["ratings:read"]}
    )
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (400, "name")


def accepted(text: str) -> str | None:
    try:
        return allowed_name(text)
    except ValueError:
        return None


@given(st.text(max_size=40))
def test_any_text_is_refused_as_a_name_or_kept_in_one_form(text: str) -> None:
    name = accepted(text)
    if name is not None:
        assert accepted(name) == name
        assert skeleton(name) == skeleton(unicodedata.normalize("NFD", name))


@given(st.text(max_size=20))
def test_each_text_has_a_skeleton_of_bounded_length(text: str) -> None:
    assert len(skeleton(text * 20)) <= 400
