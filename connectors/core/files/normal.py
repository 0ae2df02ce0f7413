"""One spelling for labels and names, for matching only: what is kept is the text as it was written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
_SPACES = re.compile(r"\s+")
# Full-width forms only: NFKC would also make 52 of 5² and 1 of ①.
_NARROW = str.maketrans(
    {**{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20, 0xFFE5: 0xA5}
)
_REQUIRED = re.compile(r"\(必填\)|[（(]必填[)）]|^\*|\*$")

_BETWEEN = "\ue000"  # for private use: no text, and nothing that folding changes


@lru_cache(maxsize=16_384)
def match_label(text: str) -> str:
    """A header label without width, case, spaces, zero-width characters and the mark of required fields."""
    folded = _SPACES.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))
    return _REQUIRED.sub("", folded).casefold()


def clean_label(text: str) -> str:
    """A header label as a person would write it: the mark of required fields gone, spaces collapsed."""
    return _SPACES.sub(" ", _REQUIRED.sub("", _INVISIBLE.sub("", text).strip())).strip()


def match_name(text: str) -> str:
    """A record's name as a key: NFKC, no zero-width characters, single spaces, case folded.

    Spaces inside stay: `GTX Pro` and `GTXPro` are two names until a person says otherwise.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    return " ".join(text.split()).casefold()


def match_names(texts: Sequence[str]) -> list[str]:
    """`match_name` of many texts, at a tenth of its price."""
    joined = _BETWEEN.join(texts)
    if joined.count(_BETWEEN) != len(texts) - 1:
        return list(map(match_name, texts))
    folded = _SPACES.sub(" ", unicodedata.normalize("NFKC", _INVISIBLE.sub("", joined))).casefold()
    return list(map(str.strip, folded.split(_BETWEEN)))


def narrow(text: str) -> str:
    """Full-width digits, letters and signs as ASCII, for reading numbers and dates."""
    return text.translate(_NARROW)
