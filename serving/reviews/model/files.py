"""A model's file. It is a pickle: its bytes are checked before anything of it is read."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from serving.reviews.model.sentiment import SentimentModel
from serving.reviews.model.views import LanguageModel, View

FORMAT = "marquee-sentiment-1"
# What bytes that are no model, or one of another version, end in.
_NO_MODEL = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    TypeError,
    ValueError,
    StopIteration,
    pickle.UnpicklingError,
    zlib.error,
)
_KEY, _NUMBER = "<u8", "<f4"


class ModelFileError(Exception):
    """A model's file that is not loaded."""


def save_model(model: SentimentModel, path: Path) -> str:
    """Write a model and return the SHA-256 of its bytes.

    The same model always gives the same bytes.
    """
    buffer = io.BytesIO()
    joblib.dump(_state(model), buffer, compress=("zlib", 6), protocol=5)
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def load_model(path: Path, sha256: str) -> SentimentModel:
    """Return the model of a file whose bytes have this SHA-256.

    Raises ModelFileError for a file that cannot be read, has other bytes or holds another format.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"The model {path.name} could not be read: {error.strerror}. Fetch the model's publication again."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise ModelFileError(
            f"The model {path.name} is not loaded. Its SHA-256 is {found} and should be {sha256}. "
            "Fetch the model's publication again."
        )
    try:
        state = joblib.load(io.BytesIO(content))
        if state["format"] != FORMAT:
            raise ValueError(f"it has the format {state['format']}")
        model = _model(state)
        # Made here, so that no request waits for a table.
        for language in model.languages.values():
            _ = language.blocks
        return model
    except _NO_MODEL as error:
        raise ModelFileError(
            f"The model {path.name} is not loaded. It is not of the format {FORMAT}: {error!r}. Train it with this version."
        ) from error


def _state(model: SentimentModel) -> dict[str, Any]:
    """Return a model as JSON and bytes.

    No class of ours is pickled, and nothing whose pickle depends on how it came into memory.
    """
    header = {
        "version": model.version,
        "margin": model.margin,
        "metadata": dict(model.metadata),
        "languages": {
            code: {
                "words": list(language.words),
                "bias": language.bias,
                "slope": language.slope,
                "intercept": language.intercept,
                "views": [
                    {"kind": view.kind, "shortest": view.shortest, "longest": view.longest, "counts": view.counts}
                    for view in language.views
                ],
            }
            for code, language in model.languages.items()
        },
    }
    views = [view for language in model.languages.values() for view in language.views]
    return {
        "format": FORMAT,
        "header": json.dumps(header, ensure_ascii=False),
        "arrays": [
            (
                view.keys.astype(_KEY).tobytes(),
                view.scales.astype(_NUMBER).tobytes(),
                view.weights.astype(_NUMBER).tobytes(),
            )
            for view in views
        ],
    }


def _model(state: dict[str, Any]) -> SentimentModel:
    """Return the model of such a state."""
    header = json.loads(state["header"])
    arrays = iter(state["arrays"])
    return SentimentModel(
        version=header["version"],
        margin=header["margin"],
        metadata=header["metadata"],
        languages={
            code: LanguageModel(
                words={word: number for number, word in enumerate(language["words"], 1)},
                views=tuple(_view(view, *next(arrays)) for view in language["views"]),
                bias=language["bias"],
                slope=language["slope"],
                intercept=language["intercept"],
            )
            for code, language in header["languages"].items()
        },
    )


def _view(fields: dict[str, Any], keys: bytes, scales: bytes, weights: bytes) -> View:
    return View(
        **fields,
        keys=np.frombuffer(keys, dtype=_KEY),
        scales=np.frombuffer(scales, dtype=_NUMBER),
        weights=np.frombuffer(weights, dtype=_NUMBER),
    )
