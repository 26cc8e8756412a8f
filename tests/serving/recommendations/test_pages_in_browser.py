"""The pages in a real browser: what a person sees, does by keyboard and gets on a phone, and what axe would look at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from serving.publications.store import PublicationStore
from serving.recommendations.application import create_app

pytestmark = pytest.mark.browser
PAGES = ["/", "/?user=1", "/?movie=5", "/?user=99", "/rate?r5=5", "/statistics", "/docs"]

# What axe-core checks first, written out: each returns a list of what is wrong.
ACCESSIBILITY = """() => {
  const wrong = [];
  const name = element => (element.getAttribute('aria-label') || element.textContent || '').trim();
  if (!document.documentElement.lang) wrong.push('the page has no language');
  if (!document.title.trim()) wrong.push('the page has no title');
  if (document.querySelectorAll('main').length !== 1) wrong.push('there is not just one main landmark');
  if (document.querySelectorAll('h1').length !== 1) wrong.push('there is not just one h1');
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push('a heading level is skipped at ' + name(heading));
    level = next;
  }
  for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (!field.labels.length || !name(field.labels[0])) wrong.push('no label: ' + field.outerHTML);
  for (const control of document.querySelectorAll('a, button, summary'))
    if (!name(control)) wrong.push('no name: ' + control.outerHTML);
  for (const image of document.querySelectorAll('img')) if (!image.hasAttribute('alt')) wrong.push('no alt');
  for (const image of document.querySelectorAll('svg'))
    if (image.getAttribute('role') !== 'img' || !image.getAttribute('aria-label')) wrong.push('a chart has no name');
  for (const cell of document.querySelectorAll('th')) if (!cell.scope) wrong.push('a th has no scope');
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id stands twice');
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = rgb => rgb.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = channels(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const text = channels(element.closest('svg') ? style.fill : style.color);
    const [high, low] = [luminance(text), luminance(behind(element))].sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.5) wrong.push('too little contrast: ' + walker.currentNode.data.trim());
  }
  return wrong;
}"""


@pytest.fixture
def address(small_store: PublicationStore) -> Iterator[str]:
    app = create_app({"MARQUEE_PUBLICATION_STORE": str(small_store.root), "MARQUEE_SERVING_LOG_LEVEL": "warning"})
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Any]:
    """Return a function that opens an address of the site; ends by checking that nothing went wrong unseen."""
    contexts, errors, hosts = [], [], set()

    def opened(path: str, **options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        # What the content security policy forbids is an error on the console.
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        page.goto(address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    # A page that says 404 or 400 is one, and no more than that.
    assert [error for error in errors if "the server responded with a status of 40" not in error] == []
    assert hosts <= {address.removeprefix("http://")}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible(open_page: Any, path: str, scheme: str) -> None:
    assert open_page(path, color_scheme=scheme).evaluate(ACCESSIBILITY) == []


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_a_phone(open_page: Any, path: str) -> None:
    page = open_page(path, viewport={"width": 360, "height": 740}, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_user_is_chosen_and_the_reasons_and_the_lineage_are_seen(open_page: Any) -> None:
    page = open_page("/")
    page.get_by_label("User id").fill("1")
    page.get_by_role("button", name="Show recommendations").click()
    assert page.get_by_role("heading", level=1).inner_text() == "For user 1"
    assert page.locator("ol.movies li").first.inner_text().startswith("Heat (1995)")
    page.get_by_role("link", name="Heat").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Similar to Heat"
    page.locator("summary").click()
    assert "fold_in" in page.locator("pre").inner_text()


def test_movies_are_rated_by_keyboard_alone_and_recommendations_follow(open_page: Any) -> None:
    page = open_page("/rate")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.get_by_label("Alien (1979)").focus()
    # A focus that one sees.
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Alien (1979)").input_value() == "5"
    page.get_by_label("Find other movies").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Recommended for you").wait_for()
    assert page.locator("ol.movies li").first.inner_text().startswith("Aliens (1986)")
    assert "r5=5" in page.url


def test_another_language_is_one_click_away_and_stays(open_page: Any) -> None:
    page = open_page("/?user=1")
    page.get_by_role("link", name="한국어").click()
    assert page.get_by_role("heading", level=1).inner_text() == "사용자 1 추천"
    page.get_by_role("link", name="통계").click()
    page.wait_for_url("**/statistics?lang=ko")
    assert page.evaluate("document.documentElement.lang") == "ko"
    assert page.get_by_role("heading", level=1).inner_text() == "통계"


def test_charts_show_a_mark_for_each_year(open_page: Any) -> None:
    page = open_page("/statistics")
    assert page.get_by_role("img", name="Number of ratings by year").locator("rect").count() == 2
    boxes = [mark.bounding_box() for mark in page.locator("svg rect").all()]
    assert all(box and box["height"] > 10 for box in boxes)
