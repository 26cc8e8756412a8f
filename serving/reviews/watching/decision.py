"""When to train again: the live model is right less often than the gate saw, or many labelled texts have come in.

A cause has a name, and a training of that name is started once. The name of a low accuracy changes when the number of labelled
texts has doubled, whichever language they are in: a refused training is tried again only when people have said as much again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

# Differences of accuracies that are not exact in binary.
_DIGITS = 9


@dataclass(frozen=True)
class Limits:
    """What starts a training.

    An accuracy on at least `least_feedback` labelled texts that is `drop` below the gate's, or `least_labelled` texts for
    training since the last one; but nothing within `pause` of the last training, whatever became of it.
    """

    least_feedback: int = 200
    drop: float = 0.03
    least_labelled: int = 500
    pause: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class Decision:
    """Whether to train, the cause's name, and a sentence that says why or why not."""

    train: bool
    cause: str
    reason: str


@dataclass(frozen=True)
class Figure:
    """Accuracy on labelled texts, and what the gate saw of such texts."""

    texts: int
    accuracy: float
    expected: float


def figures(languages: Mapping[str, Mapping[str, Any]]) -> dict[str, Figure]:
    """Return the figures by language and of `all`, from those of measure_feedback.

    The gate's accuracy of all is the mean of the languages' by the labelled texts, not by the test texts: else more
    feedback in the harder language would look like a worse model. Languages without a gate's accuracy are left out.
    """
    found = {
        language: Figure(values["texts"], values["accuracy"], values["expected"])
        for language, values in languages.items()
        if values["expected"] is not None and values["texts"]
    }
    texts = sum(figure.texts for figure in found.values())
    if texts:
        accuracy, expected = (
            sum(getattr(figure, name) * figure.texts for figure in found.values()) / texts
            for name in ("accuracy", "expected")
        )
        found["all"] = Figure(texts, accuracy, expected)
    return found


def decide(measured: Mapping[str, Any], last_training: datetime | None, now: datetime, limits: Limits) -> Decision:
    """Return whether to train again, from what measure_feedback found."""
    cause, reason = _cause(measured, last_training, limits)
    if not cause:
        return Decision(False, "", reason)
    if last_training is not None and now < last_training + limits.pause:
        wait = f"The last training was at {_written(last_training)}; the next may start {_hours(limits.pause)} later."
        return Decision(False, cause, f"{reason} {wait}")
    return Decision(True, cause, reason)


def _cause(measured: Mapping[str, Any], last_training: datetime | None, limits: Limits) -> tuple[str, str]:
    found = figures(measured["languages"])
    low = {
        name: figure
        for name, figure in found.items()
        if figure.texts >= limits.least_feedback and round(figure.expected - figure.accuracy, _DIGITS) >= limits.drop
    }
    if low:
        name, figure = max(low.items(), key=lambda item: item[1].expected - item[1].accuracy)
        reason = (
            f"On {figure.texts} labelled texts ({name}) the model is right in {figure.accuracy:.1%}, and the gate saw "
            f"{figure.expected:.1%}."
        )
        doublings = (found["all"].texts // limits.least_feedback).bit_length()
        return f"accuracy-{measured['publication']}-{doublings}", reason
    labelled = measured["labelled"]
    if labelled >= limits.least_labelled:
        since = f"{last_training:%Y%m%dT%H%M%S}" if last_training else "first"
        reason = f"{labelled} labelled texts have come in since the last training."
        return f"labelled-{since}-{labelled // limits.least_labelled}", reason
    return "", "The accuracy on feedback is no cause, and too few labelled texts have come in."


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _hours(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 3600:g} hours"
