"""The pages' languages: English in the code, others from translations/<language>.po, read when the server starts."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, g, request

DEFAULT_LANGUAGE = "en"
_FOLDER = Path(__file__).parent / "translations"


@cache
def languages() -> dict[str, str]:
    """Return the languages there are, each with its own name for itself."""
    codes = [DEFAULT_LANGUAGE, *sorted(path.stem for path in _FOLDER.glob("*.po"))]
    return {code: str(Locale.parse(code).get_display_name(code)).capitalize() for code in codes}


@cache
def _translations(language: str) -> Translations:
    if language == DEFAULT_LANGUAGE:
        return Translations()
    # Compiled in memory: there is no build step, and no compiled file to go stale.
    compiled = io.BytesIO()
    with (_FOLDER / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def language() -> str:
    """Return the language of this request: what its address asks for, else the browser's first that there is."""
    if "language" not in g:
        asked = request.args.get("lang", "")
        known: Iterable[str] = languages()
        g.language = asked if asked in known else request.accept_languages.best_match(known) or DEFAULT_LANGUAGE
    return str(g.language)


def address_in(code: str) -> str:
    """Return the address of this request's page in another language."""
    return f"{request.path}?{urlencode({**request.args.to_dict(), 'lang': code})}"


def gettext(message: str, **values: object) -> str:
    """Return a message in the language of this request, with its %(name)s filled in."""
    text = str(_translations(language()).gettext(message))
    return text % values if values else text


def _ngettext(one: str, many: str, count: int) -> str:
    return str(_translations(language()).ngettext(one, many, count))


def translate_templates(app: Flask) -> None:
    """Give the templates {% trans %} and _()."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    install = app.jinja_env.install_gettext_callables  # type: ignore[attr-defined] # the extension adds it
    install(lambda message: _translations(language()).gettext(message), _ngettext, newstyle=True)
    app.jinja_env.globals.update(languages=languages, language=language, address_in=address_in)
