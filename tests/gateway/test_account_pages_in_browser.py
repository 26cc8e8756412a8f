"""The account pages in a real browser, through the gateway, before both services: as a person uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from serving.accounts.texts import TEXTS

from .conftest import Gateway, Start

pytestmark = pytest.mark.browser
PASSWORD = "seven green kettles"
LOCALES = {"en": "en-GB", "ko": "ko-KR"}


class Person:
    """A user at a browser, and what went wrong unseen."""

    def __init__(self, browser: Browser, gateway: Gateway, language: str, **options: Any) -> None:
        self.text = TEXTS[language]
        self.gateway = gateway
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.context = browser.new_context(locale=LOCALES[language], ignore_https_errors=True, **options)
        self.page: Page = self.context.new_page()
        # What the content security policy forbids is an error on the console.
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def go(self, path: str) -> None:
        self.page.goto(self.gateway.url + path)

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(self.text[label], exact=True).fill(value)

    def press(self, button: str) -> None:
        self.page.get_by_role("main").get_by_role("button", name=self.text[button], exact=True).click()

    def rate(self, title: str, stars: int) -> None:
        """Search for a movie and press a number of stars: the click that rates."""
        self.page.get_by_label(self.text["search_titles"]).fill(title)
        self.page.get_by_role("button", name=self.text["search"], exact=True).click()
        form = self.page.get_by_role("form", name=f"{self.text['rate']}: {title}", exact=True).first
        form.get_by_role("button", name=self.text["stars"].format(stars=stars), exact=True).click()

    def titles(self, section: str) -> list[str]:
        region = self.page.get_by_role("region", name=self.text[section], exact=True)
        return [link.inner_text() for link in region.locator("ol.movies > li > a").all()]

    def says(self, text: str, **values: object) -> bool:
        return self.text[text].format(**values) in self.page.inner_text("body")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_person_signs_up_rates_gets_a_list_at_once_and_leaves(browser: Browser, start: Start, language: str) -> None:
    gateway = start()
    person = Person(browser, gateway, language)
    person.go("/account")
    page = person.page
    assert page.url.endswith("/account/sign-in")
    assert page.locator("html").get_attribute("lang") == language
    page.get_by_role("main").get_by_role("link", name=person.text["sign_up"]).click()
    person.fill("name", "에이다" if language == "ko" else "Ada")
    person.fill("password", "password")
    person.press("sign_up")
    assert person.says("problem-weak-password")
    person.fill("password", PASSWORD)
    person.press("sign_up")
    assert person.says("signed_in_as", name="에이다" if language == "ko" else "Ada")
    assert person.says("no_ratings")
    assert person.says("nightly_none")

    person.rate("Alien", 5)
    assert person.says("rated", title="Alien", stars=5)
    # Folded in at once: who likes Alien is shown its sequel, with the reason, and never Alien itself.
    now = person.titles("now")
    assert now
    assert "Aliens" in now
    assert "Alien" not in now
    assert person.says("because", titles="Alien")
    assert person.says("now_explained", count=1)
    # A movie of the list is rated in its row, and is gone from the list.
    region = page.get_by_role("region", name=person.text["now"], exact=True)
    form = region.get_by_role("form", name=f"{person.text['rate']}: Aliens", exact=True)
    form.get_by_role("button", name=person.text["stars"].format(stars=4), exact=True).click()
    assert "Aliens" not in person.titles("now")

    page.get_by_role("link", name=person.text["my_ratings"]).click()
    assert page.locator("ol.movies > li > a").all_inner_texts() == ["Aliens", "Alien"]
    page.get_by_role("button", name=person.text["remove"]).first.click()
    assert page.locator("ol.movies > li > a").all_inner_texts() == ["Alien"]

    # Nothing that signs in is where a script could read it.
    storage = page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]")
    assert storage == ["", 0, 0]
    (cookie,) = person.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("marquee_account", True, "Lax")

    page.get_by_role("button", name=person.text["sign_out"], exact=True).click()
    assert person.says("signed_out")
    person.go("/account/ratings")
    assert page.url.endswith("/account/sign-in")
    person.fill("name", "에이다" if language == "ko" else "Ada")
    person.fill("password", PASSWORD)
    person.press("sign_in")
    page.get_by_role("link", name=person.text["settings"]).click()
    with page.expect_download() as download:
        page.get_by_role("link", name=person.text["export"]).click()
    assert download.value.suggested_filename == "marquee-account-1000000001.json"
    page.get_by_role("region", name=person.text["delete"]).get_by_label(person.text["password"]).fill(PASSWORD)
    page.get_by_role("region", name=person.text["delete"]).get_by_role("button").click()
    assert person.says("deleted")

    assert [error for error in person.errors if "422" not in error] == []
    assert person.hosts == {gateway.url.removeprefix("http://")}
    person.context.close()


def test_the_language_is_changed_by_a_button_and_kept(browser: Browser, start: Start) -> None:
    person = Person(browser, start(), "en")
    person.go("/account/sign-up")
    person.page.get_by_role("button", name="한국어").click()
    assert person.page.url.endswith("/account/sign-up")
    assert person.page.locator("html").get_attribute("lang") == "ko"
    assert person.page.get_by_role("heading", level=2).inner_text() == "회원 가입"
    person.context.close()


def test_with_tls_the_cookie_is_secure_and_forms_still_work(
    browser: Browser, start: Start, certificate: tuple[Path, Path]
) -> None:
    chain, key = certificate
    person = Person(browser, start(MARQUEE_GATEWAY_CERTIFICATE=str(chain), MARQUEE_GATEWAY_KEY=str(key)), "en")
    person.go("/account/sign-up")
    person.fill("name", "Ada")
    person.fill("password", PASSWORD)
    person.press("sign_up")
    assert person.says("signed_in_as", name="Ada")
    (cookie,) = person.context.cookies()
    assert cookie["secure"]
    person.context.close()


def test_a_form_that_another_site_sends_changes_nothing(browser: Browser, start: Start, tmp_path: Path) -> None:
    gateway = start()
    person = Person(browser, gateway, "en")
    person.go("/account/sign-up")
    person.fill("name", "Ada")
    person.fill("password", PASSWORD)
    person.press("sign_up")
    assert person.says("no_ratings")
    forged = tmp_path / "forged.html"
    forged.write_text(
        f'<form method="post" action="{gateway.url}/account/ratings/5"><input name="stars" value="1"><button>Win</button></form>',
        encoding="utf-8",
    )
    person.page.goto(forged.as_uri())
    person.page.get_by_role("button", name="Win").click()
    # The cookie is not even sent (SameSite), so the form's page is one that is not signed in.
    assert person.page.url.startswith(f"{gateway.url}/account")
    assert not person.says("rated", title="Alien", stars=1)
    person.go("/account/ratings")
    assert person.says("no_ratings")
    person.context.close()


@pytest.mark.parametrize("width", [360, 1200])
def test_the_pages_fit_and_every_field_and_button_has_a_name(browser: Browser, start: Start, width: int) -> None:
    person = Person(browser, start(), "ko", viewport={"width": width, "height": 740})
    for path in ("/account/sign-in", "/account/sign-up", "/account", "/account/ratings", "/account/settings"):
        if path == "/account":
            person.fill("name", "Ada")
            person.fill("password", PASSWORD)
            person.press("sign_up")
            person.rate("Alien", 4)
        else:
            person.go(path)
        unnamed = person.page.evaluate(
            """() => [
              ...[...document.querySelectorAll('input:not([type=hidden]), select')].filter(field => !field.labels.length),
              ...[...document.querySelectorAll('a, button')].filter(it => !(it.getAttribute('aria-label') || it.textContent).trim()),
            ].map(element => element.outerHTML)"""
        )
        assert unnamed == []
        assert person.page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert person.page.locator("h1").count() == person.page.locator("main").count() == 1
    assert person.errors == []
    person.context.close()
