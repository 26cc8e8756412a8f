"""RecBole's protocol on rows in the layout of MovieLens 1M."""

from __future__ import annotations

import zipfile
from pathlib import Path

import ml_1m
import numpy as np
import pandas as pd
import pytest
from stacked_parts import Neighbours, Rated, judge


def test_an_archive_and_its_folder_give_the_same_rows(tmp_path: Path) -> None:
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    (folder / "ratings.dat").write_text("1::1193::5::978300760\n2::661::3::978302109\n", encoding="latin-1")
    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w") as archive:
        archive.write(folder / "ratings.dat", "ml-1m/ratings.dat")
    rows = ml_1m.read_ratings(tmp_path / "ml-1m.zip")
    assert rows.to_numpy().tolist() == [[1, 1193, 5, 978300760], [2, 661, 3, 978302109]]
    assert ml_1m.read_ratings(folder).equals(rows)


@pytest.mark.parametrize("content", [None, "", "1,2,3,4\n1,2\n", "userId,movieId,rating,timestamp\n"])
def test_another_archive_is_refused_by_its_name(tmp_path: Path, content: str | None) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme" if content is None else "ml-1m/ratings.dat", content or "")
    for path in (tmp_path / "other.zip", tmp_path / "absent.zip"):
        with pytest.raises(SystemExit, match=f"{path.name} has no ratings.dat of MovieLens 1M"):
            ml_1m.read_ratings(path)


def test_a_core_has_users_and_movies_with_enough_ratings_each() -> None:
    square = [(user, movie) for user in range(4) for movie in range(4)]
    # User 9 has enough ratings until the movies that only user 9 rated are gone.
    rows = pd.DataFrame([*square, (9, 0), (9, 1), (9, 7), (9, 8)], columns=["user", "movie"])
    assert ml_1m.core(rows, 4).to_numpy().tolist() == [list(pair) for pair in square]
    with pytest.raises(SystemExit, match="all have 10 or more"):
        ml_1m.core(rows)


def test_each_user_has_a_tenth_to_validate_and_a_tenth_to_test() -> None:
    users = np.repeat([0, 1, 2], [29, 10, 100])
    parts = ml_1m.eight_one_one(users, 1)
    assert [np.bincount(parts[users == user]).tolist() for user in range(3)] == [[25, 2, 2], [8, 1, 1], [80, 10, 10]]
    assert (ml_1m.eight_one_one(users, 2) != parts).any()


def test_settings_are_those_that_rank_the_validation_part_best() -> None:
    generator = np.random.default_rng(1)
    liked = (np.arange(30) < 15) == (np.arange(80)[:, None] % 2 == 0)
    user, movie = np.nonzero(generator.random((80, 30)) < np.where(liked, 0.6, 0.1))
    rated = Rated(user, movie, np.zeros(len(user)), (80, 30))
    train = generator.random(len(user)) < 0.8
    known, validation = rated.select(train), rated.select(~train)
    values = {ridge: judge(Neighbours(ridge).scores(known), known, validation)["ndcg"] for ridge in (1e-3, 5.0, 1e6)}
    found = ml_1m.best_on_validation(Neighbours(1e-3), [("ridge", (5.0, 1e6))], known, validation)
    assert len(set(values.values())) == 3
    assert values[found.ridge] == max(values.values())
