from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from serving.recommendations.answers import problems

SERVING = Path(__file__).resolve().parents[3] / "serving"
# Kinds of problems that a page can end in.
ON_PAGES = (
    *(problems.UNKNOWN_USER, problems.UNKNOWN_MOVIE, problems.UNKNOWN_SCOPE, problems.UNKNOWN_GENRE),
    *(problems.BAD_ID, problems.BAD_LIMIT, problems.BAD_PARAMETER, problems.NOT_IN_PUBLICATION),
    *(problems.NOTHING_PUBLISHED, problems.NO_SOUND_PUBLICATION),
)
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def used_messages() -> set[str | tuple[str, ...]]:
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
    found = {message for _, _, message, _, _ in extract_from_dir(SERVING / "recommendations", method_map=methods)}
    return found | {text for kind in ON_PAGES for text in (kind.title, kind.meaning)}


@pytest.mark.parametrize(
    "catalogue", sorted((SERVING / "web" / "translations" / "recommendations").glob("*.po")), ids=lambda path: path.stem
)
def test_each_message_is_translated_with_its_placeholders_and_none_is_left_over(catalogue: Path) -> None:
    with catalogue.open("rb") as file:
        translated = {message.id: message.string for message in read_po(file) if message.id}
    assert set(translated) == used_messages()
    for message, translation in translated.items():
        ids = message if isinstance(message, tuple) else (message,)
        strings = translation if isinstance(translation, tuple) else (translation,)
        for text in strings:
            assert text, message
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(ids[-1])), message


@pytest.mark.parametrize(
    ("address", "header", "language"),
    [
        ("/", "", "en"),
        ("/", "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("/", "de,en;q=0.5", "en"),
        ("/?lang=ko", "en", "ko"),
        ("/?lang=en", "ko", "en"),
        ("/?lang=../../etc/passwd", "ko", "ko"),
    ],
)
def test_the_address_chooses_the_language_and_else_the_browser(
    client: FlaskClient, address: str, header: str, language: str
) -> None:
    response = client.get(address, headers={"Accept-Language": header})
    assert response.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in response.text
    assert "Accept-Language" in response.headers["Vary"]


def test_a_korean_page_says_everything_in_korean(client: FlaskClient) -> None:
    page = client.get("/?user=1&lang=ko").text
    for words in ("사용자 1 추천", "추천 이유:", "이 목록은 어디에서 왔나요?", "개인 맞춤"):
        assert words in page
    assert "Because of" not in page
    assert "평점 190개" in client.get("/?scope=genre:Horror&lang=ko").text
    assert "알 수 없는 사용자" in client.get("/?user=2&lang=ko").text


def test_the_language_stays_when_a_form_or_a_link_is_followed(client: FlaskClient) -> None:
    page = client.get("/?user=1&lang=ko").text
    assert 'href="/?movie=3&amp;lang=ko"' in page
    assert page.count('<input type="hidden" name="lang" value="ko">') == 2
    assert 'href="/?user=1&amp;lang=en"' in page
    # Names in the address are never taken for anything but its query.
    assert 'href="/rate?_external=1&amp;lang=en"' in client.get("/rate?_external=1").text
