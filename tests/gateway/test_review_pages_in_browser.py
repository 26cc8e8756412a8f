"""The pages of reviews in a real browser, through the gateway, before all three services and a PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator
from sqlalchemy import Engine, insert

from serving.accounts.database.engine import open_database as open_accounts
from serving.accounts.database.engine import transactions
from serving.accounts.domain.registration import register
from serving.accounts.pages.rendering import NOTICES
from serving.accounts.pages.reviews.drafts import FAULTS
from serving.publications.store import PublicationStore
from serving.reviews.database.engine import migrate, open_database
from serving.reviews.database.models import Base, Review
from tests.postgresql import running_postgresql

from ..serving.recommendations.test_pages_in_browser import ACCESSIBILITY
from ..serving.reviews.conftest import FIRST, SECRET, publish
from .conftest import Gateway, Start
from .test_account_pages_in_browser import PASSWORD, Person

pytestmark = pytest.mark.browser
GOOD = {"en": "This film is wonderful, and I love it.", "ko": "최고의 영화였다. 정말 재밌다."}
BAD = {"en": "This film is boring.", "ko": "지루하고 최악이었다."}
REVIEWS = "/account/movies/5/reviews"


@pytest.fixture(scope="module")
def migrated() -> Iterator[Engine]:
    with running_postgresql() as folder:
        engine = open_database(f"postgresql+psycopg://postgres@/postgres?host={folder}")
        migrate(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def gateway(start: Start, migrated: Engine, tmp_path: Path) -> Gateway:
    """All services; the model knows a few words."""
    with migrated.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY")
    store = PublicationStore(tmp_path / "models")
    publish(store, tmp_path / "work", FIRST, "1")
    store.activate(FIRST, "test", "the first model")
    variables = {
        "MARQUEE_REVIEWS_DATABASE": migrated.url.render_as_string(hide_password=False),
        "MARQUEE_SENTIMENT_STORE": str(store.root),
        "MARQUEE_REVIEWS_SECRET": SECRET,
    }
    return start(reviews=variables, MARQUEE_GATEWAY_SIGN_IN_RATE="600")


class Reader(Person):
    """A person among reviews."""

    def sign_up(self, name: str, path: str = REVIEWS) -> None:
        """Follow the link of a movie's page, and come back to the movie."""
        self.go(path)
        self.page.get_by_role("link", name=self.text("Sign in to write a review")).click()
        self.page.get_by_role("main").get_by_role("link", name=self.text("Sign up")).click()
        self.fill("Name", name)
        self.fill("Password", PASSWORD)
        self.press("Sign up")
        assert self.page.url == self.gateway.url + path

    def sign_in(self, name: str, path: str = REVIEWS) -> None:
        self.go(f"/account/sign-in?next={path}")
        self.fill("Name", name)
        self.fill("Password", PASSWORD)
        self.press("Sign in")
        assert self.page.url == self.gateway.url + path

    def write(self, text: str, *, may_train: bool = False) -> None:
        self.fill("Text of the review", text)
        tick = self.page.get_by_label(self.text("The text may be used for training: the next model learns from it."))
        tick.set_checked(may_train)
        self.press("Save the review")

    def mine(self) -> Locator:
        return self.page.get_by_role("region", name=self.text("Your review"), exact=True)

    def reviews(self) -> list[str]:
        return self.page.locator("ol.reviews .written").all_inner_texts()

    def open(self, summary: str) -> None:
        self.page.locator("summary", has_text=self.text(summary)).first.click()


def make_staff(folder: Path, name: str) -> None:
    engine = open_accounts(f"sqlite:///{folder / 'accounts.sqlite'}")
    register(transactions(engine), name, PASSWORD, "admin")
    engine.dispose()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_review_is_written_found_helpful_changed_hidden_and_deleted(
    browser: Browser, gateway: Gateway, tmp_path: Path, migrated: Engine, language: str
) -> None:
    make_staff(tmp_path, "Eve")
    ada, bob, eve = (Reader(browser, gateway, language) for _ in range(3))
    ada.sign_up("Ada")
    assert ada.says("Nobody has reviewed this movie yet.")
    assert ada.says("The model has read no review of this movie yet.")
    ada.write(GOOD[language], may_train=True)
    assert ada.says(NOTICES["review_saved"], title="Alien")
    assert ada.reviews() == [GOOD[language]]
    everything = {"percent": 100, "positive": 1, "reviews": 1}
    bar = "%(percent)s %% positive: %(positive)s of %(reviews)s reviews"
    assert ada.says(bar, **everything)
    assert ada.page.get_by_role("img", name=ada.text(bar, **everything)).bounding_box() is not None
    ada.open("By month")
    assert ada.page.get_by_role("table").get_by_role("row").count() == 2
    # One's own review has no vote.
    assert ada.page.get_by_role("button", name=ada.text("Helpful: the review of %(name)s", name="Ada")).count() == 0

    bob.sign_up("Bob")
    button = bob.page.get_by_role("button", name=bob.text("Helpful: the review of %(name)s", name="Ada"))
    button.click()
    assert bob.page.url.endswith("#review-1")
    assert button.get_attribute("aria-pressed") == "true"
    assert bob.says("Helpful: %(count)s", count=1)
    button.click()
    assert button.get_attribute("aria-pressed") is None
    button.click()
    bob.write(BAD[language])
    assert bob.reviews() == [BAD[language], GOOD[language]]
    bob.page.get_by_role("link", name=bob.text("Most helpful first")).click()
    assert bob.reviews() == [GOOD[language], BAD[language]]
    assert bob.says(bar, percent=50, positive=1, reviews=2)

    ada.go(REVIEWS)
    ada.open("Change my review")
    assert ada.page.get_by_label(ada.text("Text of the review")).input_value() == GOOD[language]
    ada.write(BAD[language])
    assert ada.reviews() == [BAD[language], BAD[language]]
    assert ada.says(bar, percent=0, positive=0, reviews=2)
    with migrated.connect() as connection:
        rows = connection.exec_driver_sql("SELECT author_name, may_train, helpful FROM reviews ORDER BY 1").all()
    assert [tuple(row) for row in rows] == [("Ada", False, 1), ("Bob", False, 0)]

    eve.sign_in("Eve")
    eve.open("Hide this review")
    eve.page.get_by_label(eve.text("Reason, which the author reads")).first.fill("<b>Rude</b>")
    eve.page.get_by_role("button", name=eve.text("Hide: the review of %(name)s", name="Bob")).click()
    assert eve.says(NOTICES["review_hidden"])
    bob.go(REVIEWS)
    assert bob.reviews() == [BAD[language]]
    reason = "Staff have hidden your review. Only you and staff see it. Reason: %(reason)s"
    assert bob.says(reason, reason="<b>Rude</b>")
    ada.go(REVIEWS)
    assert "Rude" not in ada.page.inner_text("main")
    eve.page.get_by_role("link", name=eve.text("Reviews"), exact=True).click()
    assert eve.reviews() == [BAD[language]]
    eve.page.get_by_role("link", name=eve.text("Hidden"), exact=True).click()
    assert "<b>Rude</b>" in eve.page.inner_text("main")
    eve.page.get_by_role("button", name=eve.text("Show again: the review of %(name)s", name="Bob")).click()
    assert eve.says(NOTICES["review_shown"])
    assert eve.page.url.endswith("hidden=yes")
    assert eve.says("There are none.")

    bob.go(REVIEWS)
    assert not bob.says(reason, reason="<b>Rude</b>")
    bob.open("Delete my review")
    bob.page.get_by_role("button", name=bob.text("Delete it")).click()
    assert bob.says(NOTICES["review_deleted"])
    assert bob.reviews() == [BAD[language]]
    for person in (ada, bob, eve):
        assert person.errors == []
        assert person.hosts == {gateway.url.removeprefix("http://")}
        person.context.close()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_review_is_written_and_deleted_by_keyboard_alone(browser: Browser, gateway: Gateway, language: str) -> None:
    ada = Reader(browser, gateway, language)
    ada.sign_up("Ada")
    keyboard = ada.page.keyboard

    def until(name: str) -> None:
        """Press the tabulator until what has the focus has a name; the focus can be seen all the way."""
        # Before the style sheet has come, the browser's own outline is shown.
        ada.page.wait_for_load_state("load")
        for _ in range(60):
            keyboard.press("Tab")
            focused, outline = ada.page.evaluate(
                """() => {
                  const it = document.activeElement, label = it.labels && it.labels[0];
                  return [(it.getAttribute('aria-label') || (label ? label.textContent : it.textContent)).trim(),
                          getComputedStyle(it).outlineStyle];
                }"""
            )
            # A key that comes before the page is ready moves nothing.
            if ada.page.evaluate("document.activeElement === document.body"):
                continue
            assert outline == "solid"
            if focused == name:
                return
        pytest.fail(f"the tabulator does not lead to {name}")

    until(ada.text("Text of the review"))
    keyboard.type(GOOD["en"])
    until(ada.text("The text may be used for training: the next model learns from it."))
    keyboard.press("Space")
    until(ada.text("Save the review"))
    keyboard.press("Enter")
    ada.page.wait_for_url("**/reviews#mine")
    assert ada.reviews() == [GOOD["en"]]
    # Forms that are folded away can't be reached before they are opened.
    until(ada.text("Change my review"))
    keyboard.press("Enter")
    until(ada.text("Text of the review"))
    keyboard.press("Control+A")
    keyboard.type(BAD["en"])
    until(ada.text("Save the review"))
    keyboard.press("Enter")
    ada.page.get_by_text(ada.text(NOTICES["review_saved"], title="Alien")).wait_for()
    assert ada.reviews() == [BAD["en"]]
    until(ada.text("Delete my review"))
    keyboard.press("Space")
    until(ada.text("Delete it"))
    keyboard.press("Enter")
    ada.page.get_by_text(ada.text(NOTICES["review_deleted"])).wait_for()
    assert ada.reviews() == []
    assert ada.errors == []
    ada.context.close()


WIDE = {
    "one long word": "w" * 3_000,
    "stacked marks": "Z" + "\u0335\u0321\u0341" * 300,
    "Arabic, turned": "\u202eفيلم رائع جدا\u202c\nwonderful",
    "a script": "<script>document.title = 'gone'</script><style>* { display: none }</style>",
    "pictures": "👩‍👩‍👧‍👦" * 300,
    "many lines": "a\n" * 3_000 + "b",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_the_pages_fit_and_pass_the_checks_of_accessibility_whatever_the_texts(
    browser: Browser, gateway: Gateway, tmp_path: Path, migrated: Engine, width: int, scheme: str
) -> None:
    make_staff(tmp_path, "Eve")
    with migrated.begin() as connection:
        for number, text in enumerate([GOOD["en"], BAD["ko"], *WIDE.values()], 1):
            label, hidden = ("positive", None) if number % 2 else ("negative", "now")
            connection.execute(
                insert(Review).values(
                    movie_id=5,
                    author_id=number,
                    author_name="W" * 40 if number == 3 else f"Reader {number}",
                    text=text,
                    language="en",
                    label=label,
                    probability=0.75,
                    confident=number != 5,
                    publication=FIRST,
                    may_train=False,
                    created_at=datetime(2026, 1 + number, 3, tzinfo=UTC),
                    changed_at=datetime(2026, 10, 3, tzinfo=UTC),
                    hidden_at=datetime(2026, 10, 4, tzinfo=UTC) if hidden and number > 6 else None,
                    hidden_reason="w" * 500 if hidden and number > 6 else None,
                )
            )
    language = "ko" if scheme == "dark" else "en"
    eve = Reader(browser, gateway, language, viewport={"width": width, "height": 740}, color_scheme=scheme)
    paths = [REVIEWS, "/account/staff/reviews", "/account/staff/reviews?hidden=yes", f"/?movie=5&lang={language}"]
    eve.go(REVIEWS)
    assert eve.page.evaluate(ACCESSIBILITY) == []
    eve.sign_in("Eve")
    for path in paths:
        eve.go(path)
        eve.page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
        assert eve.page.evaluate(ACCESSIBILITY) == [], path
        assert eve.page.evaluate("document.documentElement.scrollWidth") <= width, path
        # No text is drawn over what stands below it.
        spilt = """() => [...document.querySelectorAll('.written')].filter(it => it.scrollWidth > it.clientWidth + 1)
            .map(it => it.textContent.slice(0, 40))"""
        assert eve.page.evaluate(spilt) == [], path
        assert "gone" not in eve.page.title()
    eve.go(REVIEWS)
    eve.fill("Text of the review", "x" * 20_001)
    eve.press("Save the review")
    eve.page.locator("#fault").wait_for()
    # The browser moves the focus once it has laid out the page.
    eve.page.wait_for_function("document.activeElement.id === 'text'")
    assert eve.page.evaluate(ACCESSIBILITY) == []
    assert [error for error in eve.errors if "422" not in error] == []
    eve.context.close()


def test_a_movies_page_leads_to_its_reviews_in_the_same_language(browser: Browser, gateway: Gateway) -> None:
    ada = Reader(browser, gateway, "ko")
    ada.sign_up("Ada")
    ada.write(GOOD["ko"])
    ada.context.close()
    # A browser in English, on which somebody chose Korean.
    bob = Reader(browser, gateway, "en")
    # On a busy machine the service may take longer than the page waits; the page asks again after a while.
    deadline = time.monotonic() + 120
    bob.go("/?movie=5&lang=ko")
    while GOOD["ko"] not in bob.page.inner_text("main"):
        assert time.monotonic() < deadline
        bob.page.reload()
    assert bob.page.get_by_role("img", name="긍정 100%: 리뷰 1개 가운데 1개").count() == 1
    bob.page.get_by_role("link", name="이 영화의 모든 리뷰 보기와 리뷰 쓰기").click()
    assert bob.page.locator("html").get_attribute("lang") == "ko"
    assert bob.reviews() == [GOOD["ko"]]
    bob.page.get_by_role("link", name="로그인하고 리뷰 쓰기").click()
    assert bob.page.locator("html").get_attribute("lang") == "ko"
    assert bob.errors == []
    bob.context.close()


def test_the_longest_review_passes_the_gateway(browser: Browser, gateway: Gateway, migrated: Engine) -> None:
    ada = Reader(browser, gateway, "en")
    ada.sign_up("Ada")
    ada.write("😀" * 20_000)
    assert ada.says(NOTICES["review_saved"], title="Alien")
    ada.page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
    assert "".join(ada.reviews()) == "😀" * 20_000
    ada.write("가" * 300_000)
    # The answer brings the text back, which takes a moment.
    ada.page.get_by_text(ada.text(FAULTS["too-long"], count="300,000", most="20,000")).wait_for(timeout=120_000)
    assert [error for error in ada.errors if "422" not in error] == []
    ada.context.close()
