"""Load on the reviews service through the gateway: people who ask what a text says, readers, and people who review.

    locust -f tests/load/reviews_locustfile.py --headless --host http://127.0.0.1:8090 -u 40 -r 10 -t 60s

A sentiment model must be live, and a run must have published movies. Table, thresholds and settings are those of
locustfile.py; LOAD_P95_BATCH is the threshold of a batch of 50 texts. Each account reviews a movie, changes its review, votes
for others', and deletes its review at the end.
"""

from __future__ import annotations

import itertools
import os
import random
import secrets

from judgement import judge  # next to this file, where locust looks
from locust import FastHttpUser, between, constant_pacing, events, task

SEED = int(os.environ.get("LOAD_SEED", "20261124"))
_seeds = itertools.count(SEED)
WORDS = (
    "a wonderful film with great actors and not a dull minute",
    "boring from the first scene to the last and far too long",
    "the music is good but the story makes no sense at all",
    "재밌는 영화 배우들의 연기가 최고였어요",
    "지루하고 별로였다 시간이 아까운 영화",
)
events.quitting.add_listener(judge)


class Movies:
    """Movies that the platform knows, asked for once."""

    ids: list[int] = []  # noqa: RUF012 - filled once, by the first user

    @classmethod
    def fill(cls, user: FastHttpUser) -> None:
        """Ask for a hundred movies. Stops the test where nothing is published, or no model is live."""
        movies = user.client.get("/v1/movies?limit=100", name="(setup)")
        ready = user.client.get("/reviews/ready", name="(setup)")
        if movies.status_code != 200 or ready.status_code != 200 or not ready.json()["model"]:
            raise SystemExit(f"{user.host} has no movies or no sentiment model: has a run published, and a training?")
        cls.ids = [movie["movie_id"] for movie in movies.json()["items"]]


class Person(FastHttpUser):
    """A user of the service, who knows which movies there are."""

    abstract = True

    def on_start(self) -> None:
        """Know what there is to ask for."""
        self.random = random.Random(next(_seeds))
        if not Movies.ids:
            Movies.fill(self)

    def text(self) -> str:
        """Return a text of some 20 words, hardly ever the same."""
        return " ".join(
            [*self.random.choice(WORDS).split(), *self.random.choice(WORDS).split(), str(self.random.random())]
        )

    def movie(self) -> int:
        """Return a movie; few are much reviewed."""
        return self.random.choice(Movies.ids[:20])


class Asker(Person):
    """Asks what texts say, and reads reviews: a request each second or so."""

    weight = 4
    wait_time = between(0.5, 1.5)

    @task(10)
    def predict(self) -> None:
        """Ask what a text says."""
        self.client.post("/v1/sentiment", json={"text": self.text()}, name="POST sentiment")

    @task(1)
    def batch(self) -> None:
        """Ask what fifty texts say."""
        self.client.post("/v1/sentiment/batch", json={"texts": [self.text() for _ in range(50)]}, name="POST batch")

    @task(4)
    def reviews(self) -> None:
        """Read a movie's reviews."""
        self.client.get(f"/v1/movies/{self.movie()}/reviews", name="GET reviews")

    @task(2)
    def figures(self) -> None:
        """Read what the model says of a movie's reviews."""
        self.client.get(f"/v1/movies/{self.movie()}/sentiment", name="GET movie sentiment")


class Reviewer(Person):
    """Registers, reviews a movie, changes the review, and votes for others'."""

    weight = 1
    wait_time = constant_pacing(1)

    def on_start(self) -> None:
        """Register, sign in and write a review."""
        super().on_start()
        login = {"name": f"load {secrets.token_hex(8)}", "password": secrets.token_urlsafe(12)}
        self.client.post("/accounts/v1/users", json=login, name="POST register")
        answer = self.client.post("/accounts/v1/login", json=login, name="POST login")
        if answer.status_code != 200:
            self.stop()
            return
        self.bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        path = f"/v1/movies/{self.movie()}/reviews"
        made = self.client.post(path, json={"text": self.text()}, headers=self.bearer, name="POST review")
        if made.status_code != 201:
            self.stop()
            return
        self.own = f"/v1/reviews/{made.json()['review_id']}"

    def on_stop(self) -> None:
        """Delete the review."""
        if hasattr(self, "own"):
            self.client.delete(self.own, headers=self.bearer, name="DELETE review")

    @task(3)
    def change(self) -> None:
        """Change one's review."""
        self.client.put(self.own, json={"text": self.text()}, headers=self.bearer, name="PUT review")

    @task(2)
    def read(self) -> None:
        """Look at one's review."""
        self.client.get(self.own, headers=self.bearer, name="GET own review")

    @task(2)
    def say(self) -> None:
        """Say whether a prediction was right."""
        said = self.client.post("/v1/sentiment", json={"text": self.text()}, name="POST sentiment")
        if said.status_code == 200:
            path = f"/v1/sentiment/{said.json()['prediction']}/feedback"
            self.client.post(path, json={"right": True}, headers=self.bearer, name="POST feedback")
