"""Test the embedded data set."""

from __future__ import annotations

import pickle

import pytest
from marquee.ingest.errors import IngestError
from marquee.ingest.sources.embedded import _FrameUnpickler, embedded_pickle_path, write_embedded_csv


def test_the_embedded_set_is_written_in_grouplens_layout(tmp_path):
    write_embedded_csv(embedded_pickle_path(), tmp_path)
    ratings = (tmp_path / "ratings.csv").read_text(encoding="utf-8").splitlines()
    movies = (tmp_path / "movies.csv").read_text(encoding="utf-8").splitlines()
    assert (len(ratings), len(movies)) == (100_005, 9_067)
    assert ratings[:2] == ["userId,movieId,rating,timestamp", "1,31,2.5,1260759144"]
    assert movies[:2] == ["movieId,title,genres", "1,Toy Story (1995),Adventure|Animation|Children|Comedy|Fantasy"]
    assert '51372,"""Great Performances"" Cats (1998)",Musical' in movies
    assert "108548,,Comedy" in movies


def test_a_pickle_that_is_not_the_pinned_one_is_never_read(tmp_path):
    path = tmp_path / "movielens.pkl.compress"
    path.write_bytes(embedded_pickle_path().read_bytes() + b"\0")
    with pytest.raises(IngestError, match="not the pinned f11eb406"):
        write_embedded_csv(path, tmp_path)


def test_a_pickle_that_asks_for_code_is_refused(tmp_path):
    payload = tmp_path / "payload"
    payload.write_bytes(pickle.dumps(print))
    with payload.open("rb") as file, pytest.raises(IngestError, match=r"asks for builtins\.print"):
        _FrameUnpickler(file).load()
