"""A request's parameters, each given once."""

from __future__ import annotations

from collections.abc import Collection

from werkzeug.datastructures import MultiDict


class ParameterError(Exception):
    """A parameter is not one of the `allowed` ones, or is given several `times`."""

    def __init__(self, name: str, times: int, allowed: Collection[str]) -> None:
        super().__init__(name)
        self.name, self.times, self.allowed = name, times, allowed


def once(arguments: MultiDict[str, str], allowed: Collection[str] | None = None) -> dict[str, str]:
    """Return each parameter's value.

    Raise ParameterError for one that is not `allowed`, or is given twice.
    """
    for name, values in arguments.lists():
        if (allowed is not None and name not in allowed) or len(values) > 1:
            raise ParameterError(name, len(values), allowed or ())
    return arguments.to_dict()
