"""The password rules of OWASP ASVS 5.0 (V6.2), and the parameters of Argon2id."""

import importlib

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from flask.testing import FlaskClient
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from serving.accounts.database.engine import Transactions
from serving.accounts.domain import passwords, problems
from serving.accounts.domain.registration import register
from serving.web.problems import ProblemError

from ..conftest import PASSWORD


def refusal(password: str, name: str = "Ada") -> ProblemError:
    with pytest.raises(ProblemError) as raised:
        passwords.check_allowed(password, name)
    assert raised.value.kind is problems.WEAK_PASSWORD
    return raised.value


def test_fewer_than_eight_characters_are_refused() -> None:
    assert refusal("x7%Kq!z").detail == "The password has 7 characters; give at least 8."


def test_the_three_thousand_commonest_passwords_that_are_long_enough_are_refused() -> None:
    # 6.2.4; the list is in the order of frequency.
    common = [password for password in FREQUENCY_LISTS["passwords"] if len(password) >= passwords.MIN_LENGTH][:3000]
    assert len(common) == 3000
    # Judging one takes a millisecond: each tenth stands for its neighbours, and the ends are in.
    for password in [*common[::10], common[-1]]:
        refusal(password)


@pytest.mark.parametrize("password", ["marquee2026", "AdaAdaAda", "movielens1", "abcdefgh", "11111111", "P@ssw0rd1"])
def test_what_is_easily_guessed_is_refused(password: str) -> None:
    refusal(password)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "correct horse battery staple",
        "xkqjzvwyrl",  # small letters alone: no rule about kinds of characters (6.2.5)
        "열두 개의 초록 주전자",
        "🫖🫖 zwölf grüne Kessel",
        "kettle " * 28,
    ],
)
def test_any_characters_and_much_length_are_allowed(password: str) -> None:
    passwords.check_allowed(password, "Ada")


def test_a_password_of_two_hundred_characters_counts_to_its_last_one(
    client: FlaskClient, factory: Transactions
) -> None:
    long = ("seven green kettles and a lid, " * 7)[:199] + "!"
    register(factory, "Ada", long)
    statuses = [
        client.post("/accounts/v1/login", json={"name": "Ada", "password": password}).status_code
        for password in (long, long[:-1], long[:-1] + "?")
    ]
    assert statuses == [200, 401, 401]


@pytest.mark.parametrize("variant", [PASSWORD.upper(), f" {PASSWORD}", f"{PASSWORD} "])
def test_a_password_is_taken_as_it_comes(client: FlaskClient, factory: Transactions, variant: str) -> None:
    register(factory, "Ada", PASSWORD)
    assert client.post("/accounts/v1/login", json={"name": "Ada", "password": variant}).status_code == 401


def test_argon2id_has_the_parameters_that_owasp_names() -> None:
    # A fresh module: the tests' fixture makes its hasher cheap.
    real = importlib.util.module_from_spec(passwords.__spec__)  # type: ignore[attr-defined]
    passwords.__spec__.loader.exec_module(real)  # type: ignore[union-attr]
    parameters = extract_parameters(real.hash_password(PASSWORD))
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19456, 2, 1)
    assert (parameters.salt_len, parameters.hash_len) == (16, 32)


def test_an_old_hash_is_made_anew_at_the_next_signing_in(
    client: FlaskClient, factory: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = register(factory, "Ada", PASSWORD)
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert passwords.needs_rehash(user.password_hash)
    assert client.post("/accounts/v1/login", json={"name": "Ada", "password": PASSWORD}).status_code == 200
    with factory() as database:
        stored = database.get_one(type(user), user.user_id).password_hash
    assert not passwords.needs_rehash(stored)
    assert passwords.verify(stored, PASSWORD)


@pytest.mark.parametrize("stored", ["", "-", "$argon2id$v=19$m=8,t=1,p=1$AAAA"])
def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert not passwords.verify(stored, PASSWORD)
