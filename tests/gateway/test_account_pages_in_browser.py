"""The account pages in a real browser, through the gateway, before both services: as a person uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, Page

from serving.accounts.pages.rendering import NOTICES, PROBLEMS
from serving.web.translations import TRANSLATIONS

from .conftest import Gateway, Start

pytestmark = pytest.mark.browser
PASSWORD = "seven green kettles"
LOCALES = {"en": "en-GB", "ko": "ko-KR"}


def translations(language: str) -> dict[str, str]:
    """The translation of each message that has one: English has none."""
    if language == "en":
        return {}
    with (TRANSLATIONS / "accounts" / f"{language}.po").open("rb") as file:
        return {message.id: message.string for message in read_po(file) if message.id}


class Person:
    """Somebody at a browser, and what went wrong unseen."""

    def __init__(self, browser: Browser, gateway: Gateway, language: str, **options: Any) -> None:
        self.translations = translations(language)
        self.gateway = gateway
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.context = browser.new_context(locale=LOCALES[language], ignore_https_errors=True, **options)
        self.page: Page = self.context.new_page()
        # What the content security policy forbids is an error on the console.
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def text(self, message: str, **values: object) -> str:
        """A message in this person's language, as the pages show it."""
        text = self.translations[message] if self.translations else message
        return text % values if values else text

    def go(self, path: str) -> None:
        self.page.goto(self.gateway.url + path)

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(self.text(label), exact=True).fill(value)

    def press(self, button: str) -> None:
        self.page.get_by_role("main").get_by_role("button", name=self.text(button), exact=True).click()

    def rate(self, title: str, stars: int) -> None:
        """Search for a movie and press a number of stars: the click that rates."""
        self.page.get_by_label(self.text("Words of a title")).fill(title)
        self.page.get_by_role("button", name=self.text("Search"), exact=True).click()
        form = self.page.get_by_role("form", name=f"{self.text('Rate')}: {title}", exact=True).first
        form.get_by_role("button", name=self.text("%(stars)s stars", stars=stars), exact=True).click()

    def titles(self, section: str) -> list[str]:
        region = self.page.get_by_role("region", name=self.text(section), exact=True)
        return [link.inner_text() for link in region.locator("ol.movies > li > a").all()]

    def says(self, message: str, **values: object) -> bool:
        return self.text(message, **values) in self.page.inner_text("body")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_person_signs_up_rates_gets_a_list_at_once_and_leaves(browser: Browser, start: Start, language: str) -> None:
    gateway = start()
    person = Person(browser, gateway, language)
    person.go("/account")
    page = person.page
    assert page.url.endswith("/account/sign-in")
    assert page.locator("html").get_attribute("lang") == language
    page.get_by_role("main").get_by_role("link", name=person.text("Sign up")).click()
    person.fill("Name", "에이다" if language == "ko" else "Ada")
    person.fill("Password", "password")
    person.press("Sign up")
    assert person.says(PROBLEMS["weak-password"])
    person.fill("Password", PASSWORD)
    person.press("Sign up")
    assert person.says("Signed in as %(name)s", name="에이다" if language == "ko" else "Ada")
    assert person.says("You have rated nothing yet. Search for a movie and rate it.")
    assert person.says("The next nightly run makes this list from your ratings.")

    person.rate("Alien", 5)
    assert person.says(NOTICES["rated"], title="Alien", stars=5)
    # Folded in at once: who likes Alien is shown its sequel, with the reason, and never Alien itself.
    now = person.titles("For you, now")
    assert now
    assert "Aliens" in now
    assert "Alien" not in now
    assert person.says("Because of %(titles)s", titles="Alien")
    assert person.says("Made this moment from your %(count)s ratings.", count=1)
    # A movie of the list is rated where it stands, and is gone from the list.
    region = page.get_by_role("region", name=person.text("For you, now"), exact=True)
    form = region.get_by_role("form", name=f"{person.text('Rate')}: Aliens", exact=True)
    form.get_by_role("button", name=person.text("%(stars)s stars", stars=4), exact=True).click()
    assert "Aliens" not in person.titles("For you, now")

    page.get_by_role("link", name=person.text("My ratings")).click()
    assert page.locator("ol.movies > li > a").all_inner_texts() == ["Aliens", "Alien"]
    page.get_by_role("button", name=person.text("Remove")).first.click()
    assert page.locator("ol.movies > li > a").all_inner_texts() == ["Alien"]

    # Nothing that signs in is where a script could read it.
    storage = page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]")
    assert storage == ["", 0, 0]
    (cookie,) = person.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("marquee_account", True, "Lax")

    page.get_by_role("button", name=person.text("Sign out"), exact=True).click()
    assert person.says(NOTICES["signed_out"])
    person.go("/account/ratings")
    assert page.url.endswith("/account/sign-in")
    person.fill("Name", "에이다" if language == "ko" else "Ada")
    person.fill("Password", PASSWORD)
    person.press("Sign in")
    page.get_by_role("link", name=person.text("Settings")).click()
    # No reviews service runs here, and the file's name says so.
    with page.expect_download() as download:
        page.get_by_role("link", name=person.text("Download all my data")).click()
    assert download.value.suggested_filename == "marquee-account-1000000001-without-reviews.json"
    page.get_by_role("region", name=person.text("Delete my account")).get_by_label(person.text("Password")).fill(
        PASSWORD
    )
    page.get_by_role("region", name=person.text("Delete my account")).get_by_role("button").click()
    assert person.says(NOTICES["deleted"])

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
    person.fill("Name", "Ada")
    person.fill("Password", PASSWORD)
    person.press("Sign up")
    assert person.says("Signed in as %(name)s", name="Ada")
    (cookie,) = person.context.cookies()
    assert cookie["secure"]
    person.context.close()


def test_a_form_that_another_site_sends_changes_nothing(browser: Browser, start: Start, tmp_path: Path) -> None:
    gateway = start()
    person = Person(browser, gateway, "en")
    person.go("/account/sign-up")
    person.fill("Name", "Ada")
    person.fill("Password", PASSWORD)
    person.press("Sign up")
    assert person.says("You have rated nothing yet. Search for a movie and rate it.")
    forged = tmp_path / "forged.html"
    forged.write_text(
        f'<form method="post" action="{gateway.url}/account/ratings/5"><input name="stars" value="1"><button>Win</button></form>',
        encoding="utf-8",
    )
    person.page.goto(forged.as_uri())
    person.page.get_by_role("button", name="Win").click()
    # The cookie is not even sent (SameSite), so the form's page is one that is not signed in.
    assert person.page.url.startswith(f"{gateway.url}/account")
    assert not person.says(NOTICES["rated"], title="Alien", stars=1)
    person.go("/account/ratings")
    assert person.says("You have rated nothing yet. Search for a movie and rate it.")
    person.context.close()


@pytest.mark.parametrize("width", [360, 1200])
def test_the_pages_fit_and_every_field_and_button_has_a_name(browser: Browser, start: Start, width: int) -> None:
    person = Person(browser, start(), "ko", viewport={"width": width, "height": 740})
    for path in ("/account/sign-in", "/account/sign-up", "/account", "/account/ratings", "/account/settings"):
        if path == "/account":
            person.fill("Name", "Ada")
            person.fill("Password", PASSWORD)
            person.press("Sign up")
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
