"""Ask WSGI applications, and write down requests and answers so that the same run gives the same text.

What is random or of the machine is replaced; everything else is kept to the byte. Replaced are:

- tokens, secrets and ids that the accounts service draws: numbered in the order of their coming, `<session 1>`, and replaced
  wherever they come again, in requests too. Where an access token is given, its header and claims are shown;
- the token that protects forms (`<csrf-token>`), and the value of the session cookie: `<signed: ...>` with its members' names;
- request ids that the server draws, times of files and of cookies' ends (werkzeug's clock). A compressed body is written down
  as it was before. The methods of Allow, which have no order, are sorted;
- a body that came before, lines that a page shares with one before, and headers that most answers have: they are named. A
  Content-Length is written down only where it is another than the body's.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

import jwt.api_jwt
import pytest
from werkzeug.test import Client, TestResponse

from tests.contracts.recorded_applications import Application
from tests.contracts.recording.shorter import as_data, by_runs, digest, grouped, parts

FIRST_MOMENT = 1_795_000_000
# Longer bodies are kept as their length and SHA-256, style sheets too.
LONGEST_BODY = 24_000
Exchange = dict[str, Any]

_DRAWN = {
    "refresh token": re.compile(r'"refresh_token":"([\w-]{43})"'),
    "client secret": re.compile(r'"client_secret":"([\w-]{43})"'),
    "client": re.compile(r'"client_id":"([0-9a-f]{16})"'),
    "session": re.compile(r'"session_id":"([0-9a-f]{32})"'),
}
_ACCESS_TOKEN = re.compile(r'"access_token":"([\w-]+\.[\w-]+\.[\w-]+)"')
_SHOWN_TOKEN = re.compile(r'(?<="access_token":")<access token \d+>')
_CSRF = re.compile(r'(?<=name="csrf_token" value=")[\w.-]+(?=")')
_COOKIE = re.compile(r"(?<=marquee_account=)[\w.-]+")
_ENDS = re.compile(r"(?<=Expires=)\w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT")
_FILE_TAG = re.compile(r'^"\d+\.\d+-(\d+)-\d+"$')


@contextmanager
def fixed_clock() -> Iterator[Callable[[], None]]:
    """Have Python's and PyJWT's clocks stand still; the function that is given moves them on by a second."""
    moment = FIRST_MOMENT

    class Moments(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(moment, tz or UTC)

    def tick() -> None:
        nonlocal moment
        moment += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: float(moment))
        patch.setattr(jwt.api_jwt, "datetime", Moments)
        yield tick


@dataclass
class Recorder:
    """What was asked and answered, in order, and the values that are replaced in it."""

    tick: Callable[[], None]
    exchanges: dict[str, Exchange] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    long_bodies: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    pages: dict[str, list[str]] = field(default_factory=dict)

    def add(self, title: str, request: Exchange, response: TestResponse) -> None:
        """Write an exchange down; titles are unique."""
        assert title not in self.exchanges, f"Two requests are named {title!r}: give one a note."
        answer = self._answer(title, response)
        # After the answer, which may be the first to hold a value of the request.
        shown = json.loads(
            self.without_drawn(json.dumps({name: value for name, value in request.items() if value not in (None, {})}))
        )
        self.exchanges[title] = {**shown, **answer}

    def without_drawn(self, text: str) -> str:
        """Return a text with the drawn values that are known replaced."""
        for value, name in self.names.items():
            text = text.replace(value, name)
        return text

    def note_drawn(self, text: str) -> None:
        """Give the drawn values of an answer their names."""
        found = [(match.start(1), kind, match[1]) for kind, form in _DRAWN.items() for match in form.finditer(text)]
        for _, kind, value in sorted(found):
            if value not in self.names:
                self._name(value, kind)
        for match in _ACCESS_TOKEN.finditer(text):
            head, claims = (json.loads(_decoded(part)) for part in match[1].split(".")[:2])
            if claims["sid"] not in self.names:
                self._name(claims["sid"], "session")
            self._name(match[1], "access token")
            shown = self.without_drawn(json.dumps([head, claims], sort_keys=True)).replace('"', "'")
            self.claims[self.names[match[1]]] = shown

    def _name(self, value: str, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.names[value] = f"<{kind} {self.counts[kind]}>"

    def _answer(self, title: str, response: TestResponse) -> Exchange:
        sent = response.get_data()
        body = gzip.decompress(sent) if response.headers.get("Content-Encoding") == "gzip" else sent
        # First, since headers may hold what is drawn in the body.
        shown = self._body(title, body, response.mimetype or "")
        headers = [] if "Content-Length" in response.headers else ["<no Content-Length>"]
        for name, value in response.headers.items():
            if name != "Date" and (name, value) != ("Content-Length", str(len(sent))):
                headers.append(f"{name}: {self.without_drawn(_without_times(name, value))}")
        return {"status": response.status, "headers": grouped(headers), "answer": shown}

    def _body(self, title: str, body: bytes, kind: str) -> Any:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
        self.note_drawn(text)
        shown = self.without_drawn(_CSRF.sub("<csrf-token>", text))
        shown = _SHOWN_TOKEN.sub(lambda match: f"{match[0]}: {self.claims[match[0]]}", shown)
        if len(shown) > LONGEST_BODY or kind == "text/css":
            self.long_bodies[title] = shown
            return {"sha256": digest(shown), "characters": len(shown), **parts(shown, kind)}
        return self._shortened(title, shown)

    def _shortened(self, title: str, text: str) -> Any:
        """Return a text as it is, as JSON that gives it back, or by what it shares with texts before it."""
        if text in self.texts:
            return f"<as {self.texts[text]}>"
        if len(text) > len("<as >") + len(title):
            self.texts[text] = title
        if text.count("\n") <= 1:
            return as_data(text)
        lines = text.splitlines(keepends=True)
        likest = max(self.pages, key=lambda page: len(set(lines) & set(self.pages[page])), default="")
        before, self.pages[title] = self.pages.get(likest, []), lines
        return by_runs(lines, likest, before)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _without_times(name: str, value: str) -> str:
    """Return a header's value without what is of the machine, of its clock, or random."""
    match name:
        case "X-Request-ID":
            return re.sub("^[0-9a-f]{32}$", "<drawn request id>", value)
        case "Last-Modified":
            return re.sub(r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$", "<time of the file>", value)
        case "ETag":
            return _FILE_TAG.sub(r'"<time of the file>-\1-<path>"', value)
        case "Set-Cookie":
            return _ENDS.sub("<time>", _COOKIE.sub(lambda match: _members(match[0]), value))
        case "Allow":
            return ", ".join(sorted(value.split(", ")))
    return value


def _members(cookie: str) -> str:
    """Return what a session's cookie holds, by name."""
    packed = cookie.startswith(".")
    data = _decoded(cookie.removeprefix(".").split(".")[0])
    members = json.loads(zlib.decompress(data) if packed else data)
    return f"<signed: {', '.join(sorted(members))}>"


class Asker:
    """Asks one application; a browser also keeps cookies and sends the forms' token along."""

    def __init__(self, recorder: Recorder, application: Application, *, browser: bool = False) -> None:
        self.recorder = recorder
        self._client = Client(application, use_cookies=browser)
        self._browser = browser
        self._csrf: str | None = None

    def ask(
        self,
        line: str,
        note: str = "",
        *,
        headers: dict[str, str] | None = None,
        json_body: Any = None,
        body: bytes | None = None,
        form: dict[str, str] | None = None,
        quiet: bool = False,
    ) -> TestResponse:
        """Send `METHOD path`, write it down unless it is quiet, and return the answer."""
        method, path = line.split(" ", 1)
        sent = {"X-Request-ID": "recorded", **(headers or {})}
        if json_body is not None:
            body = json.dumps(json_body, ensure_ascii=False).encode()
            sent.setdefault("Content-Type", "application/json")
        shown = json_body if json_body is not None else None if body is None else body.decode("utf-8", "replace")
        if form is not None:
            shown = form if self._csrf is None else {**form, "csrf_token": "<csrf-token>"}
            form = form if self._csrf is None else {"csrf_token": self._csrf, **form}
        if isinstance(shown, str) and len(shown) > 2000:
            shown = f"{len(shown)} characters that begin {shown[:60]}"
        self.recorder.tick()
        data: Any = body if form is None else form
        response = self._client.open(path, method=method, headers=sent, data=data)
        response.get_data()
        response.close()
        if self._browser and (token := _CSRF.search(response.get_data(as_text=True))):
            self._csrf = token[0]
        if quiet:
            self.recorder.note_drawn(response.get_data(as_text=True))
        else:
            if sent["X-Request-ID"] == "recorded":
                del sent["X-Request-ID"]
            if json_body is not None and sent["Content-Type"] == "application/json":
                del sent["Content-Type"]
            request = {"sent headers": sent, "sent": shown}
            self.recorder.add(
                self.recorder.without_drawn(f"{line} {f'({note})' if note else ''}".strip()), request, response
            )
        return response
