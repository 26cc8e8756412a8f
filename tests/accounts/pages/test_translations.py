"""Each message of the account pages is translated, with its placeholders, and no translation is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import serving.accounts
from serving.accounts.domain import problems
from serving.accounts.pages.rendering import NOTICES, PROBLEMS
from serving.accounts.pages.reviews.drafts import FAULTS
from serving.web.translations import TRANSLATIONS

PLACEHOLDER = re.compile(r"%\(\w+\)s")


def used_messages() -> set[str]:
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
    (folder,) = serving.accounts.__path__
    found = {str(message) for _, _, message, _, _ in extract_from_dir(folder, method_map=methods)}
    return found | {*NOTICES.values(), *PROBLEMS.values(), *FAULTS.values()}


@pytest.mark.parametrize("language", ["ko"])
def test_each_message_is_translated_with_its_placeholders_and_none_is_left_over(language: str) -> None:
    with (TRANSLATIONS / "accounts" / f"{language}.po").open("rb") as file:
        translated = {message.id: message.string for message in read_po(file) if message.id}
    assert set(translated) == used_messages()
    for message, translation in translated.items():
        assert set(PLACEHOLDER.findall(translation)) == set(PLACEHOLDER.findall(message)), message
    assert [message for message, translation in translated.items() if not re.search("[가-힣]", translation)] == []


def test_there_are_the_languages_that_are_tested() -> None:
    assert [path.stem for path in sorted(Path(TRANSLATIONS, "accounts").glob("*.po"))] == ["ko"]


def test_a_text_for_a_problem_is_that_of_a_kind() -> None:
    assert set(PROBLEMS) - set(problems.KINDS) == {"character", "form", "other"}
