"""While own data is live, the pages speak its ids, and a page of before rates no movie of it."""

import html
import re
from urllib.parse import quote

from flask.testing import FlaskClient
from sqlalchemy import select

from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import Rating
from tests.accounts.conftest import load_movielens, load_own_data
from tests.accounts.pages.test_pages import ada, send

__all__ = ["ada"]
SLASHES = "tt,1/2 ü?"


def rated(factory: Transactions) -> list[tuple[int, int]]:
    with factory() as database:
        rows = database.execute(select(Rating.movie_id, Rating.half_stars).order_by(Rating.movie_id))
        return [(row.movie_id, row.half_stars) for row in rows]


def test_a_movie_is_found_rated_and_listed_by_its_own_id(ada: FlaskClient, factory: Transactions) -> None:
    load_own_data(factory)
    page = ada.get("/account?q=heat").text
    assert "Heat, the book" in page
    assert f'href="/?movie={quote(SLASHES)}"' in page
    (action,) = {html.unescape(found) for found in re.findall(r'action="(/account/ratings/[^"]+)"', page)}
    assert action == f"/account/ratings/{quote(SLASHES, safe='')}"
    assert '<input type="hidden" name="dataset" value="my-books">' in page
    assert send(ada, action, stars="4", dataset="my-books").status_code == 200
    assert rated(factory) == [(20_000_002, 8)]
    assert "Heat, the book" in ada.get("/account/ratings").text
    load_movielens(factory)
    assert "Heat, the book" not in ada.get("/account/ratings").text
    assert 'name="dataset"' not in ada.get("/account?q=heat").text


def test_a_page_of_before_the_switch_rates_nothing(ada: FlaskClient, factory: Transactions) -> None:
    load_own_data(factory)
    # The page was made while MovieLens was live, and both have a movie 3.
    stale = send(ada, "/account/ratings/3", stars="5")
    assert stale.status_code == 404
    assert "Other data is live since the page was made." in stale.text
    assert send(ada, "/account/movies/3/review", text="Good").status_code == 404
    load_movielens(factory)
    assert send(ada, "/account/ratings/3", stars="5", dataset="my-books").status_code == 404
    assert rated(factory) == []
    assert send(ada, "/account/ratings/3", stars="5").status_code == 200
    assert rated(factory) == [(3, 10)]


def test_the_page_of_a_movies_reviews_opens_by_an_id_with_slashes(client: FlaskClient, factory: Transactions) -> None:
    load_own_data(factory)
    page = client.get(f"/account/movies/{quote(SLASHES, safe='')}/reviews")
    # Nobody listens where the reviews service would be.
    assert page.status_code == 503
    assert "Reviews of Heat, the book" in page.text
    assert client.get("/account/movies/20000002/reviews").status_code == 404
