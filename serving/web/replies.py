"""Replies that are made from models, and the address of a request."""

from __future__ import annotations

from flask import Response, request
from pydantic import BaseModel


def answered(model: BaseModel | None, status: int) -> Response:
    """Return a model as JSON that no cache keeps; None is an empty answer."""
    text = "" if model is None else model.model_dump_json(exclude_unset=True) + "\n"
    response = Response(text, status=status if model is not None else 204, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def client_address() -> str:
    """Return the address that a request comes from, at most 45 characters."""
    return (request.remote_addr or "unknown")[:45]


def client_program() -> str:
    """Return what tells clients apart: the address, and the program's name."""
    return f"{client_address()} {request.user_agent.string[:500]}"
