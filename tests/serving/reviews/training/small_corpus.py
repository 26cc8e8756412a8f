"""Small labelled reviews whose words tell their label: quick to train on, and known in advance."""

from __future__ import annotations

import json
import random
from pathlib import Path

GOOD = {"en": ["wonderful", "great", "moving", "brilliant"], "ko": ["최고예요", "재밌어요", "감동", "좋아요"]}
BAD = {"en": ["dull", "awful", "boring", "terrible"], "ko": ["최악", "지루해요", "별로", "실망"]}
ANY = {"en": ["film", "story", "actor", "scene", "music", "camera"], "ko": ["영화", "배우", "이야기", "음악", "장면"]}


def rows(language: str, count: int, seed: int = 1, noise: float = 0.1) -> list[dict[str, object]]:
    """Return reviews of four neutral words and one telling word, which lies in one of ten."""
    draw = random.Random(seed)
    found: list[dict[str, object]] = []
    for number in range(count):
        label = number % 2
        telling = (GOOD if (label == 1) != (draw.random() < noise) else BAD)[language]
        words = [*draw.choices(ANY[language], k=4), draw.choice(telling), f"{number}"]
        draw.shuffle(words)
        found.append({"text": " ".join(words), "label": label, "language": language})
    return found


def write(path: Path, languages: tuple[str, ...] = ("en", "ko"), count: int = 400) -> Path:
    """Write such reviews of each language as JSON Lines."""
    lines = [json.dumps(row, ensure_ascii=False) for language in languages for row in rows(language, count)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
