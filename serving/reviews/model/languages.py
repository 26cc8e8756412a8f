"""Which language a text is in: English, Korean or another, by its script and by words that are known."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from serving.reviews.model.normalising import words_of

ENGLISH, KOREAN, OTHER = "en", "ko", "other"
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
# Koreans write names of films and actors in Latin letters.
_KOREAN_SHARE = 0.2
_KNOWN_SHARE = 0.5
_LATIN_SHARE = 0.8
_ENGLISH = (
    "the of and to in is it that was for with this as but are be you not have has at by an on from they her all "
    "one so if there what who about out just more very than when can will would could which their my me we were "
    "been had do does did don't it's i i'm"
)
_ENGLISH_WORDS = frozenset(_ENGLISH.split())
# Words that are frequent in a neighbour of English and are none in English.
_FOREIGN = (
    "le les des et est une du dans que qui pas sur avec ce cette mais très elle je ne aux c'est der das und ist "
    "nicht ein eine auf für von zu sich auch es ich sehr aber wie wird el los las por muy pero más este está del il "
    "gli che di della non sono molto questo anche più è un os uma não com muito em het een niet voor dat zijn ook "
    "maar och att det som är på av för inte nie się jest na że bardzo był bir çok için yang ini itu tidak"
)
_FOREIGN_WORDS = frozenset(_FOREIGN.split())


def detect_language(normalised: str, english_words: Container[str], words: Sequence[str] | None = None) -> str:
    """Return the language of a normalised text: `en`, `ko` or `other`.

    `english_words` is what the model knows, `words` the text's words where they are read already.
    """
    if normalised.isascii():
        if not any(map(str.isalpha, normalised)):
            return OTHER
    else:
        letters = sum(map(str.isalpha, normalised))
        if not letters:
            return OTHER
        if len(_HANGUL.findall(normalised)) >= _KOREAN_SHARE * letters:
            return KOREAN
        latin = sum(map(str.isalpha, filter("\u0250".__gt__, normalised)))
        if latin < _LATIN_SHARE * letters:
            return OTHER
    words = [word for word in (words_of(normalised) if words is None else words) if word not in "!?"]
    if not words:
        return OTHER
    english = sum(map(_ENGLISH_WORDS.__contains__, words))
    foreign = sum(map(_FOREIGN_WORDS.__contains__, words))
    known = sum(map(english_words.__contains__, words))
    return ENGLISH if foreign <= english and known >= _KNOWN_SHARE * len(words) else OTHER
