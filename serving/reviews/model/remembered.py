"""The latest values by their keys: one or two generations of them."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

Value = TypeVar("Value")
GENERATION: Final = 20_000


class Remembered(Generic[Value]):
    """Keeps what was asked for lately. Threads may share it: at worst one of them makes a value again."""

    def __init__(self, generation: int = GENERATION) -> None:
        """Keep so many values, and as many of those before. `present` may be read."""
        self._size = generation
        self.present: dict[str, Value] = {}
        self._before: dict[str, Value] = {}

    def get(self, key: str) -> Value | None:
        """Return a value, or None for one that is not kept."""
        value = self.present.get(key)
        if value is None and (value := self._before.get(key)) is not None:
            self.keep(key, value)
        return value

    def keep(self, key: str, value: Value) -> None:
        """Keep a value; the generation before the last goes when this one is full."""
        if len(self.present) >= self._size:
            self._before, self.present = self.present, {}
        self.present[key] = value
