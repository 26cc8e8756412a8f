"""Load on the platform through its gateway: readers, and raters who register, rate and look at their lists.

    locust -f tests/load/locustfile.py --headless --host http://127.0.0.1:8090 -u 40 -r 10 -t 60s

Ends with a table of percentiles by kind of request and exit status 1 if a threshold is missed. Thresholds are settings:
LOAD_P95_READ and LOAD_P95_WRITE (milliseconds), LOAD_P95_PASSWORD (those that hash a password), LOAD_FAILURES (share of
requests). LOAD_REPORT names a file for the same as JSON. Four of five users read; the seed (LOAD_SEED) fixes what is asked.
"""

from __future__ import annotations

import itertools
import os
import random
import secrets
from typing import Any

from judgement import judge  # next to this file, where locust looks
from locust import FastHttpUser, between, constant_pacing, events, task

SEED = int(os.environ.get("LOAD_SEED", "20261124"))
_seeds = itertools.count(SEED)
events.quitting.add_listener(judge)


class Catalogue:
    """Ids that the platform knows, asked for once: requests for anything else would measure refusals."""

    movies: list[int] = []  # noqa: RUF012 - filled once, by the first user
    users: list[int] = []  # noqa: RUF012

    @classmethod
    def fill(cls, user: FastHttpUser) -> None:
        """Ask for a hundred movies and users. Stops the test where nothing is published."""
        movies = user.client.get("/v1/movies?limit=100", name="(setup)")
        users = user.client.get("/v1/users?limit=100", name="(setup)")
        if movies.status_code != 200 or users.status_code != 200:
            raise SystemExit(f"{user.host} answered {movies.status_code}: is the platform up, and has a run published?")
        cls.movies = [movie["movie_id"] for movie in movies.json()["items"]]
        cls.users = users.json()["items"]


class Reader(FastHttpUser):
    """Looks at lists: a request each second or so."""

    weight = 4
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Know what there is to ask for."""
        self.random = random.Random(next(_seeds))
        if not Catalogue.movies:
            Catalogue.fill(self)

    @task(5)
    def recommendations(self) -> None:
        """Ask for a user's list."""
        self.client.get(f"/v1/users/{self.random.choice(Catalogue.users)}/recommendations", name="GET recommendations")

    @task(3)
    def movie(self) -> None:
        """Ask for a movie and those like it."""
        self.client.get(f"/v1/movies/{self.random.choice(Catalogue.movies)}", name="GET movie")

    @task(2)
    def popular(self) -> None:
        """Ask for what is popular."""
        self.client.get("/v1/popular?limit=20", name="GET popular")

    @task(1)
    def search(self) -> None:
        """Search the catalogue of the accounts service, which is a query of its database."""
        self.client.get(f"/accounts/v1/movies?q={self.random.choice(('the', 'man', 'of', 'star'))}", name="GET search")

    @task(1)
    def page(self) -> None:
        """Open the web page."""
        self.client.get("/", name="GET page")


class Rater(FastHttpUser):
    """Registers, signs in, rates movies and looks at the ratings; signs in again at times."""

    weight = 1
    wait_time = constant_pacing(1)

    def on_start(self) -> None:
        """Register and sign in."""
        self.random = random.Random(next(_seeds))
        if not Catalogue.movies:
            Catalogue.fill(self)
        self.credentials = {"name": f"load {secrets.token_hex(8)}", "password": secrets.token_urlsafe(12)}
        self.client.post("/accounts/v1/users", json=self.credentials, name="POST register")
        self.sign_in()

    def sign_in(self) -> None:
        """Begin a session."""
        answer = self.client.post("/accounts/v1/login", json=self.credentials, name="POST login")
        if answer.status_code != 200:
            self.stop()
            return
        self.keep(answer.json())

    def keep(self, pair: dict[str, Any]) -> None:
        """Use these tokens from now on."""
        self.base = f"/accounts/v1/users/{pair['user_id']}"
        self.bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        self.refresh_token = pair["refresh_token"]

    @task(10)
    def rate(self) -> None:
        """Rate a movie, or rate it again."""
        path = f"{self.base}/ratings/{self.random.choice(Catalogue.movies)}"
        self.client.put(path, json={"rating": self.random.randint(1, 10) / 2}, headers=self.bearer, name="PUT rating")

    @task(4)
    def own_ratings(self) -> None:
        """Look at one's ratings."""
        self.client.get(f"{self.base}/ratings", headers=self.bearer, name="GET own ratings")

    @task(4)
    def list_of_now(self) -> None:
        """Have a list made from one's ratings at once."""
        rated = [{"movie_id": movie, "rating": 4} for movie in self.random.sample(Catalogue.movies, 5)]
        self.client.post("/v1/recommendations", json={"ratings": rated}, name="POST list of now")

    @task(1)
    def refresh(self) -> None:
        """Exchange the refresh token."""
        token = {"refresh_token": self.refresh_token}
        answer = self.client.post("/accounts/v1/refresh", json=token, name="POST refresh")
        if answer.status_code == 200:
            self.keep(answer.json())

    @task(1)
    def sign_in_again(self) -> None:
        """Sign out and in."""
        self.client.post("/accounts/v1/logout", headers=self.bearer, name="POST logout")
        self.sign_in()
