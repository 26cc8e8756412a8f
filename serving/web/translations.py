"""Translate the pages: English is in the code, other languages are in .po files.

A language is read from <folder>/<language>.po when a request first needs it. Each service has a folder of its own,
which `translate_templates` names.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, current_app, g, request

DEFAULT_LANGUAGE = "en"
TRANSLATIONS = Path(__file__).parent / "translations"
_EXTENSION = "marquee-messages"


@dataclass(frozen=True)
class _Catalogues:
    """A service's folder of .po files, and how its requests ask for a language."""

    folder: Path
    asked: Callable[[], str]


def _catalogues() -> _Catalogues:
    catalogues: _Catalogues = current_app.extensions[_EXTENSION]
    return catalogues


@cache
def _languages(folder: Path) -> dict[str, str]:
    codes = [DEFAULT_LANGUAGE, *sorted(path.stem for path in folder.glob("*.po"))]
    return {code: str(Locale.parse(code).get_display_name(code)).capitalize() for code in codes}


def languages() -> dict[str, str]:
    """Return the languages that exist, each with its own name for itself."""
    return _languages(_catalogues().folder)


@cache
def _translations(folder: Path, language: str) -> Translations:
    if language == DEFAULT_LANGUAGE:
        return Translations()
    # Compiled in memory: there is no build step, and no compiled file to go stale.
    compiled = io.BytesIO()
    with (folder / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def _translated() -> Translations:
    return _translations(_catalogues().folder, language())


def asked_in_address() -> str:
    """Return the language that a request's address asks for, or ''."""
    return request.args.get("lang", "")


def language() -> str:
    """Return the language of this request.

    It is the one that the request asks for, else the first of the browser's that exists.
    """
    if "language" not in g:
        asked = _catalogues().asked()
        known: Iterable[str] = languages()
        g.language = asked if asked in known else request.accept_languages.best_match(known) or DEFAULT_LANGUAGE
    return str(g.language)


def address_in(code: str) -> str:
    """Return the address of this request's page in another language."""
    return f"{request.path}?{urlencode({**request.args.to_dict(), 'lang': code})}"


def gettext(message: str, **values: object) -> str:
    """Return a message in the language of this request, with its %(name)s filled in."""
    text = str(_translated().gettext(message))
    return text % values if values else text


def _ngettext(one: str, many: str, count: int) -> str:
    return str(_translated().ngettext(one, many, count))


def translate_templates(app: Flask, folder: Path, asked: Callable[[], str] = asked_in_address) -> None:
    """Give a service's templates {% trans %} and _().

    The languages are those of a folder of .po files. `asked` returns the language that a request asks for, or '' where it asks for none.
    """
    app.extensions[_EXTENSION] = _Catalogues(folder, asked)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    install = app.jinja_env.install_gettext_callables  # type: ignore[attr-defined] # the extension adds it
    install(lambda message: _translated().gettext(message), _ngettext, newstyle=True)
    app.jinja_env.globals.update(languages=languages, language=language, address_in=address_in)
