"""One spelling for labels and names, for matching only: what is kept is the text as it was written."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
_SPACES = re.compile(r"\s+")
# Full-width forms only: NFKC would also make 52 of 5² and 1 of ①.
_NARROW = str.maketrans(
    {**{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20, 0xFFE5: 0xA5}
)
_REQUIRED = re.compile(r"\(必填\)|[（(]必填[)）]|^\*|\*$")


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


def narrow(text: str) -> str:
    """Full-width digits, letters and signs as ASCII, for reading numbers and dates."""
    return text.translate(_NARROW)
